#include "data/pyramid_index.h"

#include <algorithm>
#include <cstdlib>
#include <limits>
#include <unistd.h>

#include "data/chunk_writer.h"
#include "data/error.h"
#include "data/file_root.h"
#include "data/pyramid.h"

namespace dendrokv {
namespace {

constexpr std::string_view kFormat = "dendrokv-index";
constexpr uint32_t kChunkSteps = 64, kChunkPositions = 4096;  // those of the recorder

std::filesystem::path cache_folder() {
  const char* const cache = std::getenv("XDG_CACHE_HOME");
  if (cache && *cache) return std::filesystem::path(cache) / "dendrokv";
  const char* const home = std::getenv("HOME");
  return std::filesystem::path(home ? home : "/tmp") / ".cache" / "dendrokv";
}

bool is_index_of(const std::filesystem::path& path, const TraceInfo& info) {
  try {
    const h5::File file = h5::File::open(path);
    read_root(file, kFormat);
    return is_complete(file) && file.text_attribute("/", "trace_uuid") == info.uuid &&
           file.count_attribute("/", "steps") == info.steps.size();
  } catch (const Error&) {
    return false;  // an index that cannot be used can be built again
  }
}

void write(ChunkWriter& chunks, std::vector<PyramidChunk>& done) {
  for (PyramidChunk& chunk : done)
    chunks.write(*chunk.dataset, chunk.start, std::move(chunk.cells));
  done.clear();
}

/// Feeds one (layer, head) to the builder, chunk by chunk. `go_on` is asked after each band of
/// steps; false = it said no.
bool add_head(const TraceReader& trace, size_t pair, PyramidBuilder& pyramid, ChunkWriter& chunks,
              size_t chunk_steps, size_t chunk_positions,
              const std::function<bool(size_t band)>& go_on) {
  const TraceInfo& info = trace.info();
  const size_t layer = pair / info.heads.size(), head = pair % info.heads.size();
  const size_t row_bytes = chunk_positions * encoded_bytes(info.encoding);
  const std::vector<float> nothing(chunk_positions, std::numeric_limits<float>::quiet_NaN());
  std::vector<std::byte> chunk(chunk_steps * row_bytes);
  Grid<float> weights(chunk_steps, info.tokens);
  std::vector<PyramidChunk> done;
  for (size_t band = 0; band * chunk_steps < info.steps.size(); ++band) {
    const size_t first = band * chunk_steps;
    const size_t steps = std::min(chunk_steps, info.steps.size() - first);
    trace.read_weights(layer, head, {first, steps}, {0, info.tokens},
                       weights.view().rows_from(0, steps));
    for (size_t column = 0; column * chunk_positions < info.tokens; ++column) {
      const size_t begin = column * chunk_positions;
      const size_t inside = std::min<size_t>(chunk_positions, info.tokens - begin);
      for (size_t row = 0; row < chunk_steps; ++row) {
        std::vector<float> cells = nothing;
        if (row < steps)
          std::copy_n(weights.row(row).begin() + static_cast<ptrdiff_t>(begin), inside,
                      cells.begin());
        encode_weights(info.encoding, cells, std::span(chunk).subspan(row * row_bytes, row_bytes));
      }
      pyramid.add({layer, head, band, column}, chunk, done);
    }
    pyramid.end_band({layer, head, band, 0}, done);
    write(chunks, done);
    if (!go_on(band)) return false;
  }
  return true;
}

void write_index(const TraceReader& trace, const std::filesystem::path& path,
                 const IndexProgress& progress, bool& stopped) {
  const TraceInfo& info = trace.info();
  h5::File file = h5::File::create(path, h5::Writing::Direct);
  FileRoot root;
  write_root(file, kFormat, root);
  file.write_attribute("/", "trace_uuid", info.uuid);
  file.write_attribute("/", "steps", uint64_t{info.steps.size()});
  {
    ChunkWriter chunks(file);
    const auto steps = static_cast<uint32_t>(std::min<size_t>(kChunkSteps, info.steps.size()));
    const uint32_t positions = std::min(kChunkPositions, info.tokens);
    PyramidBuilder pyramid(file, info, {steps, positions}, PyramidCounts::Store);
    const size_t pairs = info.layers.size() * info.heads.size();
    const size_t bands = (info.steps.size() + steps - 1) / steps;
    for (size_t pair = 0; pair < pairs && !stopped; ++pair)
      stopped = !add_head(trace, pair, pyramid, chunks, steps, positions, [&](size_t band) {
        return !progress || progress(pair * bands + band + 1, pairs * bands);
      });
    if (stopped) return;
    std::vector<PyramidChunk> rest;
    for (size_t stack = 0; stack < pyramid.stacks(); ++stack) {
      pyramid.finish(stack, rest);
      write(chunks, rest);
    }
    chunks.settle();
  }
  mark_complete(file);
  file.close();
}

}  // namespace

std::vector<std::filesystem::path> pyramid_index_places(const std::filesystem::path& trace,
                                                        const std::string& uuid) {
  std::filesystem::path beside = trace;
  beside += ".index";
  return {beside, cache_folder() / "indexes" / (uuid + ".index")};
}

std::filesystem::path find_pyramid_index(const std::filesystem::path& trace,
                                         const TraceInfo& info) {
  for (const std::filesystem::path& place : pyramid_index_places(trace, info.uuid)) {
    std::error_code ignored;
    if (std::filesystem::exists(place, ignored) && is_index_of(place, info)) return place;
  }
  return {};
}

bool build_pyramid_index(const TraceReader& trace, const std::filesystem::path& path,
                         const IndexProgress& progress) {
  trace.require_full_rows("an index");
  std::filesystem::path part = path;
  part += "." + std::to_string(getpid()) + ".part";
  bool stopped = false;
  try {
    write_index(trace, part, progress, stopped);
    if (!stopped) h5::publish(part, path);
  } catch (...) {
    std::error_code ignored;
    std::filesystem::remove(part, ignored);
    throw;
  }
  std::error_code ignored;
  if (stopped) std::filesystem::remove(part, ignored);
  return !stopped;
}

}  // namespace dendrokv
