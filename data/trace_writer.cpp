#include "data/trace_writer.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <optional>

#include "data/chunk_writer.h"
#include "data/error.h"
#include "data/file_root.h"
#include "data/half.h"
#include "data/hdf5.h"
#include "data/io_queue.h"
#include "data/run_group.h"
#include "data/trace_datasets.h"

namespace dendrokv {
namespace {

constexpr uint64_t kSyncBytes = uint64_t{256} << 20;
constexpr std::chrono::seconds kSyncPeriod{10};

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

class TraceWriter::Impl {
 public:
  Impl(std::filesystem::path path, TracePlan plan)
      : path_(std::move(path)), part_(path_), plan_(std::move(plan)), queue_(plan_.queue_bytes) {
    part_ += ".part";
    check_plan(plan_);
    check_disk_space(path_, estimated_bytes(plan_));
    queue_.submit(0, [this] { create(); });
    queue_.drain();
  }

  // The queue ends its thread first; then the file closes with what was written.
  ~Impl() = default;

  const TracePlan& plan() const { return plan_; }

  enum class Band : uint8_t { Whole, Part };

  void write_rows(RowSet set, size_t layer_index, size_t head_index, size_t step_chunk,
                  size_t first_column_chunk, PageBuffer chunks, Band band, PyramidBand cells = {}) {
    TraceDatasets::Rows& rows = datasets_->rows_of(set);
    const size_t chunk_bytes = rows.layout.chunk_bytes();
    DENDROKV_ASSERT(chunks.size() % chunk_bytes == 0);
    // Every row has a first chunk, in the first of the sets.
    if (first_column_chunk == 0 && set == datasets_->rows.front().layout.set)
      rows_written_ +=
          rows.layout.chunk_heads * rows.layout.steps_in(step_chunk, plan_.info.steps.size());
    struct Work {
      PageBuffer chunks;
      PyramidBand band;
      std::vector<PyramidChunk> pyramid;
    };
    // A job must be copyable.
    auto work = std::make_shared<Work>(std::move(chunks), std::move(cells));
    const PyramidBuilder::ChunkPlace place{layer_index, head_index, step_chunk, first_column_chunk};
    if (work->band.chunks > 0)
      datasets_->pyramid->add_band(place, work->band, work->pyramid);
    else if (set == RowSet::Weight)
      add_to_pyramid(place, work->chunks.bytes(), band, work->pyramid);
    uint64_t bytes = work->chunks.size() + work->band.cells.size();
    for (const PyramidChunk& chunk : work->pyramid) bytes += chunk.cells.size();
    submit(bytes, [this, &rows, place, work] {
      write_chunks(rows, place, std::move(work->chunks));
      if (work->band.chunks > 0)
        datasets_->pyramid->write_band(place, std::move(work->band), *chunks_);
      write_pyramid(work->pyramid);
    });
  }

  void write_kv_chunk(h5::Dataset& dataset, const h5::Shape& start, PageBuffer chunk) {
    auto held = std::make_shared<PageBuffer>(std::move(chunk));
    submit(held->size(),
           [this, &dataset, start, held] { chunks_->write(dataset, start, std::move(*held)); });
  }

  void write_box(h5::Dataset& dataset, const h5::Shape& start, GridView<const float> rows) {
    const h5::Shape count = {1, 1, rows.rows(), rows.cols()};
    std::vector<std::byte> bytes = to_bytes(kv_type(plan_.info), rows);
    const uint64_t size = bytes.size();
    submit(size, [&dataset, start, count, bytes = std::move(bytes)] {
      dataset.write(start, count, bytes.data());
    });
  }

  void write_loss(std::span<const float> nll) {
    DENDROKV_ASSERT(nll.size() == plan_.info.tokens);
    submit(nll.size_bytes(), [this, copy = std::vector<float>(nll.begin(), nll.end())] {
      datasets_->loss.write(copy.data());
    });
  }

  void write_run(const Run& run) {
    submit(uint64_t{run.retention.layers()} * run.retention.lanes() * run.retention.tokens() * 17,
           [this, copy = run]() mutable {
             copy.trace_uuid = plan_.info.uuid;
             write_run_group(*file_, "/run", copy);
           });
  }

  void mark_steps_valid(uint64_t count) {
    submit(sizeof count, [this, count] {
      datasets_->steps_valid.write(&count);
      checkpoint();
    });
  }

  void finish() {
    queue_.submit(0, [this] {
      if (datasets_->pyramid) finish_pyramid();
      chunks_->settle();
      file_->sync();  // what "complete" promises is on the disk before the word is
      mark_complete(*file_);
      datasets_.reset();
      file_->close();
      h5::publish(part_, path_);
    });
    queue_.drain();
    plan_.info.complete = true;
  }

  h5::Dataset& kv(KvRows kind) {
    return kind == KvRows::Value ? datasets_->value : datasets_->key.value();
  }
  PageBuffer page_buffer(size_t bytes) const { return pool_.take(bytes); }
  bool takes_pyramid_bands() const {
    return datasets_->pyramid && datasets_->pyramid->takes_bands();
  }
  PyramidBand new_pyramid_band(size_t positions) const {
    return datasets_->pyramid->new_band(positions);
  }
  uint64_t bytes_written() const { return bytes_written_; }
  uint64_t rows_written() const { return rows_written_; }

 private:
  void add_to_pyramid(PyramidBuilder::ChunkPlace place, std::span<const std::byte> chunks,
                      Band band, std::vector<PyramidChunk>& done) {
    const RowLayout& layout = datasets_->rows_of(RowSet::Weight).layout;
    const size_t first_head = place.head_index;
    for (size_t at = 0; at < chunks.size(); at += layout.chunk_bytes(), ++place.position_chunk)
      for (size_t head = 0; head < layout.chunk_heads; ++head) {
        place.head_index = first_head + head;
        datasets_->pyramid->add(
            place, chunks.subspan(at + head * layout.head_bytes(), layout.head_bytes()), done);
      }
    if (band == Band::Whole) datasets_->pyramid->end_band(place, done);
  }

  void write_chunks(TraceDatasets::Rows& rows, const PyramidBuilder::ChunkPlace& place,
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

  void write_pyramid(std::vector<PyramidChunk>& chunks) {
    for (PyramidChunk& chunk : chunks)
      chunks_->write(*chunk.dataset, chunk.start, std::move(chunk.cells));
    chunks.clear();
  }

  void finish_pyramid() {
    std::vector<PyramidChunk> rest;
    for (size_t stack = 0; stack < datasets_->pyramid->stacks(); ++stack) {
      datasets_->pyramid->finish(stack, rest);
      write_pyramid(rest);
    }
  }

  void submit(uint64_t bytes, std::function<void()> job) {
    bytes_written_ += bytes;
    queue_.submit(bytes, std::move(job));
  }

  void create() {
    file_.emplace(h5::File::create(part_, h5::Writing::Direct));
    chunks_.emplace(*file_);
    datasets_.emplace(*file_, plan_);
    file_->flush();
  }

  // A reader trusts steps_valid, so it is flushed every time; a sync costs a wait for the disk and
  // comes now and then.
  void checkpoint() {
    chunks_->settle();
    const auto now = std::chrono::steady_clock::now();
    const uint64_t bytes = bytes_written_;
    if (bytes - synced_bytes_ < kSyncBytes && now - synced_at_ < kSyncPeriod) return file_->flush();
    file_->sync();
    synced_bytes_ = bytes;
    synced_at_ = now;
  }

  std::filesystem::path path_, part_;
  TracePlan plan_;
  const PagePool pool_;
  // Before the file, which may want what it holds until it is closed.
  std::optional<ChunkWriter> chunks_;
  std::optional<h5::File> file_;
  std::optional<TraceDatasets> datasets_;
  uint64_t synced_bytes_ = 0;  // at the last sync, as submitted
  std::chrono::steady_clock::time_point synced_at_ = std::chrono::steady_clock::now();
  std::atomic<uint64_t> bytes_written_{0}, rows_written_{0};
  IoQueue queue_;  // last: its thread ends before what it uses goes
};

TraceWriter::TraceWriter(std::filesystem::path path, TracePlan plan)
    : impl_(std::make_unique<Impl>(std::move(path), std::move(plan))) {}
TraceWriter::~TraceWriter() = default;

PageBuffer TraceWriter::page_buffer(size_t bytes) const {
  return impl_->page_buffer(bytes);
}

void TraceWriter::write_rows(RowSet set, size_t layer_index, size_t head_index, size_t step_chunk,
                             PageBuffer chunks) {
  impl_->write_rows(set, layer_index, head_index, step_chunk, 0, std::move(chunks),
                    Impl::Band::Whole);
}

void TraceWriter::write_rows(size_t layer_index, size_t head_index, size_t step_chunk,
                             PageBuffer chunks, PyramidBand cells) {
  impl_->write_rows(RowSet::Weight, layer_index, head_index, step_chunk, 0, std::move(chunks),
                    Impl::Band::Whole, std::move(cells));
}

bool TraceWriter::takes_pyramid_bands() const {
  return impl_->takes_pyramid_bands();
}

PyramidBand TraceWriter::new_pyramid_band(size_t positions) const {
  return impl_->new_pyramid_band(positions);
}

void TraceWriter::write_weights(size_t layer_index, size_t head_index, size_t step_chunk,
                                size_t position_chunk, std::span<const std::byte> chunk) {
  PageBuffer copy = impl_->page_buffer(chunk.size());
  std::ranges::copy(chunk, copy.bytes().begin());
  impl_->write_rows(RowSet::Weight, layer_index, head_index, step_chunk, position_chunk,
                    std::move(copy), Impl::Band::Part);
}

void TraceWriter::write_kv_chunk(KvRows kind, size_t layer_index, KvHead kv_head,
                                 size_t chunk_index, PageBuffer chunk) {
  const uint64_t first = chunk_index * kv_chunk_rows(impl_->plan().info);
  impl_->write_kv_chunk(impl_->kv(kind), {layer_index, kv_head.value, first, 0}, std::move(chunk));
}

void TraceWriter::write_values(size_t layer_index, KvHead kv_head, Position first,
                               GridView<const float> rows) {
  impl_->write_box(impl_->kv(KvRows::Value), {layer_index, kv_head.value, first.value, 0}, rows);
}

void TraceWriter::write_keys(size_t layer_index, KvHead kv_head, Position first,
                             GridView<const float> rows) {
  DENDROKV_ASSERT(impl_->plan().info.keys == KeyRows::Record);
  impl_->write_box(impl_->kv(KvRows::Key), {layer_index, kv_head.value, first.value, 0}, rows);
}

void TraceWriter::write_loss(std::span<const float> nll) {
  impl_->write_loss(nll);
}
void TraceWriter::write_run(const Run& run) {
  impl_->write_run(run);
}
void TraceWriter::mark_steps_valid(uint64_t count) {
  impl_->mark_steps_valid(count);
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
