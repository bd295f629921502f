#include "data/trace_output.h"

#include <utility>

#include "data/file_root.h"
#include "data/run_group.h"

namespace dendrokv {
namespace {

constexpr uint64_t kSyncBytes = uint64_t{256} << 20;
constexpr std::chrono::seconds kSyncPeriod{10};

}  // namespace

TraceOutput::TraceOutput(const std::filesystem::path& part, TracePlan& plan)
    : part_(part), file_(h5::File::create(part, h5::Writing::Direct)) {
  chunks_.emplace(file_);
  datasets_.emplace(file_, plan);
  file_.flush();
}

void TraceOutput::write_rows(TraceDatasets::Rows& rows, const PyramidBuilder::ChunkPlace& place,
                             PageBuffer chunks) {
  const RowLayout& layout = rows.layout;
  h5::Shape start = {place.layer_index, place.head_index, place.step_chunk * layout.chunk_steps};
  if (layout.has_columns) start.push_back(place.position_chunk * layout.chunk_columns);
  for (size_t at = 0; at < chunks.size(); at += layout.chunk_bytes()) {
    chunks_->write_part(rows.dataset, start, chunks.bytes().subspan(at, layout.chunk_bytes()));
    start.back() += layout.chunk_columns;
  }
  chunks_->hold(std::move(chunks));
}

void TraceOutput::write_pyramid(std::vector<PyramidChunk> chunks) {
  for (PyramidChunk& chunk : chunks)
    write_chunk(*chunk.dataset, chunk.start, std::move(chunk.cells));
}

void TraceOutput::write_band(const PyramidBuilder::ChunkPlace& place, PyramidBand band) {
  datasets_->pyramid->write_band(place, std::move(band), *chunks_);
}

void TraceOutput::write_chunk(h5::Dataset& dataset, const h5::Shape& start, PageBuffer chunk) {
  chunks_->write(dataset, start, std::move(chunk));
}

void TraceOutput::write_run(const Run& run) {
  write_run_group(file_, "/run", run);
}

// A reader trusts steps_valid, so it is flushed every time; a sync costs a wait for the disk and
// comes now and then.
void TraceOutput::mark_steps_valid(uint64_t count, uint64_t bytes) {
  datasets_->steps_valid.write(&count);
  chunks_->settle();
  const auto now = std::chrono::steady_clock::now();
  if (bytes - synced_bytes_ < kSyncBytes && now - synced_at_ < kSyncPeriod) return file_.flush();
  file_.sync();
  synced_bytes_ = bytes;
  synced_at_ = now;
}

void TraceOutput::finish(const std::filesystem::path& path) {
  if (datasets_->pyramid)
    for (size_t stack = 0; stack < datasets_->pyramid->stacks(); ++stack) {
      std::vector<PyramidChunk> rest;
      datasets_->pyramid->finish(stack, rest);
      write_pyramid(std::move(rest));
    }
  chunks_->settle();
  file_.sync();  // what "complete" promises is on the disk before the word is
  mark_complete(file_);
  datasets_.reset();
  file_.close();
  h5::publish(part_, path);
}

}  // namespace dendrokv
