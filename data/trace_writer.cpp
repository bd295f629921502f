#include "data/trace_writer.h"

#include <algorithm>
#include <atomic>
#include <functional>
#include <optional>

#include "data/error.h"
#include "data/half.h"
#include "data/hdf5.h"
#include "data/io_queue.h"
#include "data/trace_output.h"

namespace dendrokv {
namespace {

void check_plan(const TracePlan& plan) {
  const TraceInfo& info = plan.info;
  DENDROKV_ASSERT(info.tokens == plan.tokens.id.size() &&
                  plan.tokens.offset.size() == info.tokens + size_t{1});
  DENDROKV_ASSERT(!info.layers.empty() && !info.heads.empty() && !info.steps.empty());
  DENDROKV_ASSERT(plan.chunk_heads >= 1 && info.heads.size() % plan.chunk_heads == 0);
  DENDROKV_ASSERT(plan.chunk_steps >= 1 && plan.chunk_steps <= info.steps.size());
  DENDROKV_ASSERT(plan.chunk_positions >= 1 && plan.chunk_positions <= info.tokens);
}

std::vector<std::byte> to_bytes(h5::Type type, GridView<const float> rows) {
  std::vector<std::byte> bytes(rows.rows() * rows.cols() * h5::type_bytes(type));
  for (size_t r = 0; r < rows.rows(); ++r) {
    std::byte* out = bytes.data() + r * rows.cols() * h5::type_bytes(type);
    if (type == h5::Type::F16)
      to_half(rows.row(r), {reinterpret_cast<uint16_t*>(out), rows.cols()});
    else
      std::copy_n(reinterpret_cast<const std::byte*>(rows.row(r).data()),
                  rows.cols() * sizeof(float), out);
  }
  return bytes;
}

}  // namespace

/// What callers' threads do, and what they leave to the I/O thread.
class TraceWriter::Impl {
 public:
  Impl(std::filesystem::path path, TracePlan plan);

  enum class Band : uint8_t { Whole, Part };
  void write_rows(RowSet set, const PyramidBuilder::ChunkPlace& place, PageBuffer chunks, Band band,
                  PyramidBand cells = {});
  void write_box(KvRows kind, size_t layer_index, KvHead kv_head, Position first,
                 GridView<const float> rows);
  void submit(uint64_t bytes, std::function<void()> job);
  void finish();

  const TracePlan& plan() const { return plan_; }
  TraceOutput& output() { return *output_; }
  TraceDatasets& datasets() { return output_->datasets(); }
  h5::Dataset& kv(KvRows kind) {
    return kind == KvRows::Value ? datasets().value : datasets().key.value();
  }
  PageBuffer page_buffer(size_t bytes) const { return pool_.take(bytes); }
  uint64_t bytes_written() const { return bytes_written_; }
  uint64_t rows_written() const { return rows_written_; }

 private:
  void add_to_pyramid(PyramidBuilder::ChunkPlace place, std::span<const std::byte> chunks,
                      Band band, std::vector<PyramidChunk>& done);

  const std::filesystem::path path_;
  TracePlan plan_;
  const PagePool pool_;
  std::optional<TraceOutput> output_;
  std::atomic<uint64_t> bytes_written_{0}, rows_written_{0};
  IoQueue queue_;  // last: its thread ends before what it uses goes
};

TraceWriter::Impl::Impl(std::filesystem::path path, TracePlan plan)
    : path_(std::move(path)), plan_(std::move(plan)), queue_(plan_.queue_bytes) {
  check_plan(plan_);
  check_disk_space(path_, estimated_bytes(plan_));
  queue_.submit(0, [this] { output_.emplace(path_.string() + ".part", plan_); });
  queue_.drain();
}

void TraceWriter::Impl::submit(uint64_t bytes, std::function<void()> job) {
  bytes_written_ += bytes;
  queue_.submit(bytes, std::move(job));
}

void TraceWriter::Impl::write_rows(RowSet set, const PyramidBuilder::ChunkPlace& place,
                                   PageBuffer chunks, Band band, PyramidBand cells) {
  TraceDatasets::Rows& rows = datasets().rows_of(set);
  DENDROKV_ASSERT(chunks.size() % rows.layout.chunk_bytes() == 0);
  // Every row has a first chunk, in the first of the sets.
  if (place.position_chunk == 0 && set == datasets().rows.front().layout.set)
    rows_written_ +=
        rows.layout.chunk_heads * rows.layout.steps_in(place.step_chunk, plan_.info.steps.size());
  struct Work {
    PageBuffer chunks;
    PyramidBand band;
    std::vector<PyramidChunk> pyramid;
  };
  // A job must be copyable.
  auto work = std::make_shared<Work>(std::move(chunks), std::move(cells));
  if (work->band.chunks > 0)
    datasets().pyramid->add_band(place, work->band, work->pyramid);
  else if (set == RowSet::Weight)
    add_to_pyramid(place, work->chunks.bytes(), band, work->pyramid);
  uint64_t bytes = work->chunks.size() + work->band.cells.size();
  for (const PyramidChunk& chunk : work->pyramid) bytes += chunk.cells.size();
  submit(bytes, [this, &rows, place, work] {
    output_->write_rows(rows, place, std::move(work->chunks));
    if (work->band.chunks > 0) output_->write_band(place, std::move(work->band));
    output_->write_pyramid(std::move(work->pyramid));
  });
}

void TraceWriter::Impl::add_to_pyramid(PyramidBuilder::ChunkPlace place,
                                       std::span<const std::byte> chunks, Band band,
                                       std::vector<PyramidChunk>& done) {
  const RowLayout& layout = datasets().rows_of(RowSet::Weight).layout;
  const size_t first_head = place.head_index;
  for (size_t at = 0; at < chunks.size(); at += layout.chunk_bytes(), ++place.position_chunk)
    for (size_t head = 0; head < layout.chunk_heads; ++head) {
      place.head_index = first_head + head;
      datasets().pyramid->add(
          place, chunks.subspan(at + head * layout.head_bytes(), layout.head_bytes()), done);
    }
  if (band == Band::Whole) datasets().pyramid->end_band(place, done);
}

void TraceWriter::Impl::write_box(KvRows kind, size_t layer_index, KvHead kv_head, Position first,
                                  GridView<const float> rows) {
  const h5::Shape start = {layer_index, kv_head.value, first.value, 0},
                  count = {1, 1, rows.rows(), rows.cols()};
  std::vector<std::byte> bytes = to_bytes(kv_type(plan_.info), rows);
  const uint64_t size = bytes.size();
  submit(size, [&dataset = kv(kind), start, count, bytes = std::move(bytes)] {
    dataset.write(start, count, bytes.data());
  });
}

void TraceWriter::Impl::finish() {
  queue_.submit(0, [this] { output_->finish(path_); });
  queue_.drain();
  plan_.info.complete = true;
}

TraceWriter::TraceWriter(std::filesystem::path path, TracePlan plan)
    : impl_(std::make_unique<Impl>(std::move(path), std::move(plan))) {}
// The queue ends its thread first; then the file closes with what was written.
TraceWriter::~TraceWriter() = default;

PageBuffer TraceWriter::page_buffer(size_t bytes) const {
  return impl_->page_buffer(bytes);
}

void TraceWriter::write_rows(RowSet set, size_t layer_index, size_t head_index, size_t step_chunk,
                             PageBuffer chunks) {
  impl_->write_rows(set, {layer_index, head_index, step_chunk, 0}, std::move(chunks),
                    Impl::Band::Whole);
}

void TraceWriter::write_rows(size_t layer_index, size_t head_index, size_t step_chunk,
                             PageBuffer chunks, PyramidBand cells) {
  impl_->write_rows(RowSet::Weight, {layer_index, head_index, step_chunk, 0}, std::move(chunks),
                    Impl::Band::Whole, std::move(cells));
}

bool TraceWriter::takes_pyramid_bands() const {
  const auto& pyramid = impl_->datasets().pyramid;
  return pyramid && pyramid->takes_bands();
}

PyramidBand TraceWriter::new_pyramid_band(size_t positions) const {
  return impl_->datasets().pyramid->new_band(positions);
}

void TraceWriter::write_weights(size_t layer_index, size_t head_index, size_t step_chunk,
                                size_t position_chunk, std::span<const std::byte> chunk) {
  PageBuffer copy = impl_->page_buffer(chunk.size());
  std::ranges::copy(chunk, copy.bytes().begin());
  impl_->write_rows(RowSet::Weight, {layer_index, head_index, step_chunk, position_chunk},
                    std::move(copy), Impl::Band::Part);
}

void TraceWriter::write_kv_chunk(KvRows kind, size_t layer_index, KvHead kv_head,
                                 size_t chunk_index, PageBuffer chunk) {
  const uint64_t first = chunk_index * kv_chunk_rows(impl_->plan().info);
  const h5::Shape start = {layer_index, kv_head.value, first, 0};
  auto held = std::make_shared<PageBuffer>(std::move(chunk));
  impl_->submit(held->size(), [&output = impl_->output(), &dataset = impl_->kv(kind), start, held] {
    output.write_chunk(dataset, start, std::move(*held));
  });
}

void TraceWriter::write_values(size_t layer_index, KvHead kv_head, Position first,
                               GridView<const float> rows) {
  impl_->write_box(KvRows::Value, layer_index, kv_head, first, rows);
}

void TraceWriter::write_keys(size_t layer_index, KvHead kv_head, Position first,
                             GridView<const float> rows) {
  DENDROKV_ASSERT(impl_->plan().info.keys == KeyRows::Record);
  impl_->write_box(KvRows::Key, layer_index, kv_head, first, rows);
}

void TraceWriter::write_loss(std::span<const float> nll) {
  DENDROKV_ASSERT(nll.size() == impl_->plan().info.tokens);
  impl_->submit(nll.size_bytes(),
                [&loss = impl_->datasets().loss,
                 copy = std::vector<float>(nll.begin(), nll.end())] { loss.write(copy.data()); });
}

void TraceWriter::write_run(const Run& run) {
  Run copy = run;
  copy.trace_uuid = info().uuid;
  const uint64_t entries =
      uint64_t{run.retention.layers()} * run.retention.lanes() * run.retention.tokens();
  impl_->submit(entries * 17,
                [&output = impl_->output(), copy = std::move(copy)] { output.write_run(copy); });
}

void TraceWriter::mark_steps_valid(uint64_t count) {
  impl_->submit(sizeof count,
                [this, count] { impl_->output().mark_steps_valid(count, impl_->bytes_written()); });
}

void TraceWriter::finish() {
  impl_->finish();
}
uint64_t TraceWriter::bytes_written() const {
  return impl_->bytes_written();
}
uint64_t TraceWriter::rows_written() const {
  return impl_->rows_written();
}
const TraceInfo& TraceWriter::info() const {
  return impl_->plan().info;
}

}  // namespace dendrokv
