#include "data/trace_recovery.h"

#include <algorithm>
#include <cstring>
#include <limits>

#include "data/error.h"
#include "data/hdf5.h"
#include "data/trace_reader.h"
#include "data/trace_writer.h"

namespace dendrokv {
namespace {

namespace fs = std::filesystem;

/// A copy that opens although its writer never closed it; gone with the object.
class OpenableCopy {
 public:
  OpenableCopy(const fs::path& part, fs::path path) : path_(std::move(path)) {
    try {
      std::error_code error;
      check_disk_space(path_, fs::file_size(part, error));
      fs::copy_file(part, path_, fs::copy_options::overwrite_existing, error);
      if (error)
        fail(path_.string(), "cannot be written: " + error.message(), "wanted room for a copy");
    } catch (...) {
      remove();
      throw;
    }
  }
  ~OpenableCopy() { remove(); }
  OpenableCopy(const OpenableCopy&) = delete;
  OpenableCopy& operator=(const OpenableCopy&) = delete;
  const fs::path& path() const { return path_; }

 private:
  void remove() const {
    std::error_code ignored;
    fs::remove(path_, ignored);
  }
  fs::path path_;
};

/// Reads the copy; whatever is wrong with it is wrong with `part`.
TraceReader read_copy(const OpenableCopy& copy, const fs::path& part) {
  try {
    h5::forget_open_writer(copy.path());
    return TraceReader(copy.path(), Incomplete::TakeWhatIsThere);
  } catch (const Error& error) {
    std::string subject = error.subject();
    const std::string own = copy.path().string();
    if (subject.starts_with(own)) subject.replace(0, own.size(), part.string());
    throw Error(subject, error.found(), error.wanted(), error.remedy());
  }
}

TokenText first_tokens(const TokenText& all, uint32_t count) {
  TokenText tokens;
  tokens.id.assign(all.id.begin(), all.id.begin() + count);
  tokens.offset.assign(all.offset.begin(), all.offset.begin() + count + 1);
  tokens.bytes = all.bytes.substr(0, tokens.offset.back());
  return tokens;
}

TracePlan plan_of(const TraceReader& reader) {
  TracePlan plan;
  plan.info = reader.info();
  plan.info.complete = false;
  plan.info.tokens = plan.info.steps.back().value + 1;
  plan.tokens = first_tokens(reader.tokens(), plan.info.tokens);
  plan.chunk_steps =
      std::min<uint32_t>(plan.chunk_steps, static_cast<uint32_t>(plan.info.steps.size()));
  plan.chunk_positions = std::min(plan.chunk_positions, plan.info.tokens);
  return plan;
}

/// The cells of a chunk that no step has written.
void fill_absent(const RowLayout& layout, Encoding encoding, std::span<std::byte> bytes) {
  const size_t cells = bytes.size() / layout.cell_bytes;
  const std::vector<float> absent(cells, std::numeric_limits<float>::quiet_NaN());
  if (layout.cell == CellType::I32)
    std::memset(bytes.data(), 0xFF, bytes.size());  // -1
  else
    encode_weights(layout.cell == CellType::F32 ? Encoding::F32 : encoding, absent, bytes);
}

class Copier {
 public:
  Copier(const TraceReader& reader, const TracePlan& plan, TraceWriter& writer)
      : reader_(reader), plan_(plan), writer_(writer) {}

  /// False: stopped.
  bool rows(const Progress& progress) {
    const std::vector<RowLayout> layouts = plan_.layouts();
    const size_t bands = layouts[0].step_chunks(plan_.info.steps.size());
    for (const RowLayout& layout : layouts)
      for (size_t band = 0; band < layout.step_chunks(plan_.info.steps.size()); ++band) {
        for (size_t layer = 0; layer < plan_.info.layers.size(); ++layer)
          for (size_t head = 0; head < plan_.info.heads.size(); ++head)
            copy_band(layout, layer, head, band);
        if (progress && progress(std::min(band + 1, bands), bands) == Continue::Stop) return false;
      }
    return true;
  }

  void key_value_rows() {
    const size_t tokens = plan_.info.tokens;
    Grid<float> rows(tokens, plan_.info.model.head_dim);
    for (size_t layer = 0; layer < plan_.info.layers.size(); ++layer)
      for (uint32_t kv_head = 0; kv_head < plan_.info.model.kv_heads; ++kv_head) {
        reader_.read_values(layer, KvHead(kv_head), {0, tokens}, rows.view());
        writer_.write_values(layer, KvHead(kv_head), Position(0), rows.view());
        if (plan_.info.keys == KeyRows::Omit) continue;
        reader_.read_keys(layer, KvHead(kv_head), {0, tokens}, rows.view());
        writer_.write_keys(layer, KvHead(kv_head), Position(0), rows.view());
      }
  }

 private:
  void copy_band(const RowLayout& layout, size_t layer, size_t head, size_t band) {
    const size_t first = band * layout.chunk_steps;
    const size_t steps = layout.steps_in(band, plan_.info.steps.size());
    const size_t reached =
        columns_reached(layout, plan_.info.capture, plan_.info.steps[first + steps - 1]);
    const size_t count = (reached + layout.chunk_columns - 1) / layout.chunk_columns;
    PageBuffer chunks = writer_.page_buffer(count * layout.chunk_bytes());
    fill_absent(layout, plan_.info.encoding, chunks.bytes());
    for (size_t at = 0; at < count; ++at) {
      const size_t column = at * layout.chunk_columns,
                   columns = std::min(layout.chunk_columns, layout.columns - column);
      raw_.resize(steps * columns * layout.cell_bytes);
      reader_.read_encoded(layout.set, layer, head, {first, steps}, {column, columns}, raw_);
      std::byte* const chunk = chunks.bytes().data() + at * layout.chunk_bytes();
      for (size_t step = 0; step < steps; ++step)
        std::memcpy(chunk + step * layout.chunk_columns * layout.cell_bytes,
                    raw_.data() + step * columns * layout.cell_bytes, columns * layout.cell_bytes);
    }
    writer_.write_rows(layout.set, layer, head, band, std::move(chunks));
  }

  const TraceReader& reader_;
  const TracePlan& plan_;
  TraceWriter& writer_;
  std::vector<std::byte> raw_;
};

}  // namespace

Recovered recover_trace(const fs::path& part, const fs::path& output, const Progress& progress) {
  fs::path copied = output;
  copied += ".copy";
  const OpenableCopy copy(part, copied);
  const TraceReader reader = read_copy(copy, part);
  if (reader.info().complete)
    fail(part.string(), "is a whole trace", "wanted the .part file of a writer that stopped",
         "rename it");
  if (reader.info().steps.empty())
    fail(part.string(), "has no complete step", "wanted at least one", "record it again");
  const TracePlan plan = plan_of(reader);
  TraceWriter writer(output, plan);
  Copier copier(reader, plan, writer);
  Recovered recovered{plan.info.tokens, reader.info().tokens, plan.info.steps.size(), false};
  if (!copier.rows(progress)) {
    recovered.stopped = true;
    return recovered;
  }
  copier.key_value_rows();
  std::vector<float> nll = reader.read_loss();
  nll.resize(plan.info.tokens);
  writer.write_loss(nll);
  writer.mark_steps_valid(plan.info.steps.size());
  writer.finish();
  return recovered;
}

}  // namespace dendrokv
