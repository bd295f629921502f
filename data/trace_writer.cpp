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
#include "data/pyramid.h"
#include "data/run_group.h"
#include "data/trace_facts.h"

namespace dendrokv {
namespace {

constexpr uint64_t kSyncBytes = uint64_t{256} << 20;
constexpr std::chrono::seconds kSyncPeriod{10};

h5::Type cell_type(CellType cell, Encoding encoding) {
  if (cell == CellType::I32) return h5::Type::I32;
  if (cell == CellType::F32 || encoding == Encoding::F32) return h5::Type::F32;
  return encoding == Encoding::U8 ? h5::Type::U8 : h5::Type::F16;
}

void check_plan(const TracePlan& plan) {
  const TraceInfo& info = plan.info;
  DENDROKV_ASSERT(info.tokens == plan.tokens.id.size() &&
                  plan.tokens.offset.size() == info.tokens + size_t{1});
  DENDROKV_ASSERT(!info.layers.empty() && !info.heads.empty() && !info.steps.empty());
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
    OpenRows& rows = rows_of(set);
    const size_t chunk_bytes = rows.layout.chunk_bytes();
    DENDROKV_ASSERT(chunks.size() % chunk_bytes == 0);
    // Every row has a first chunk, in the first of the sets.
    if (first_column_chunk == 0 && set == rows_.front().layout.set)
      rows_written_ += rows.layout.steps_in(step_chunk, plan_.info.steps.size());
    struct Work {
      PageBuffer chunks;
      PyramidBand band;
      std::vector<PyramidChunk> pyramid;
    };
    // A job must be copyable.
    auto work = std::make_shared<Work>(std::move(chunks), std::move(cells));
    const PyramidBuilder::ChunkPlace place{layer_index, head_index, step_chunk, first_column_chunk};
    if (work->band.chunks > 0)
      pyramid_->add_band(place, work->band, work->pyramid);
    else if (set == RowSet::Weight)
      add_to_pyramid(place, work->chunks.bytes(), band, work->pyramid);
    uint64_t bytes = work->chunks.size() + work->band.cells.size();
    for (const PyramidChunk& chunk : work->pyramid) bytes += chunk.cells.size();
    submit(bytes, [this, &rows, place, work] {
      write_chunks(rows, place, std::move(work->chunks));
      if (work->band.chunks > 0) pyramid_->write_band(place, std::move(work->band), *chunks_);
      write_pyramid(work->pyramid);
    });
  }

  void write_kv_chunk(std::optional<h5::Dataset>& dataset, const h5::Shape& start,
                      PageBuffer chunk) {
    auto held = std::make_shared<PageBuffer>(std::move(chunk));
    submit(held->size(),
           [this, &dataset, start, held] { chunks_->write(*dataset, start, std::move(*held)); });
  }

  void write_box(std::optional<h5::Dataset>& dataset, const h5::Shape& start,
                 GridView<const float> rows) {
    const h5::Shape count = {1, 1, rows.rows(), rows.cols()};
    std::vector<std::byte> bytes = to_bytes(kv_type(plan_.info), rows);
    const uint64_t size = bytes.size();
    submit(size, [&dataset, start, count, bytes = std::move(bytes)] {
      dataset->write(start, count, bytes.data());
    });
  }

  void write_loss(std::span<const float> nll) {
    DENDROKV_ASSERT(nll.size() == plan_.info.tokens);
    submit(nll.size_bytes(), [this, copy = std::vector<float>(nll.begin(), nll.end())] {
      loss_->write(copy.data());
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
      steps_valid_->write(&count);
      checkpoint();
    });
  }

  void finish() {
    queue_.submit(0, [this] {
      if (pyramid_) finish_pyramid();
      chunks_->settle();
      file_->sync();  // what "complete" promises is on the disk before the word is
      mark_complete(*file_);
      close_datasets();
      file_->close();
      h5::publish(part_, path_);
    });
    queue_.drain();
    plan_.info.complete = true;
  }

  std::optional<h5::Dataset>& kv(KvRows kind) { return kind == KvRows::Value ? value_ : key_; }
  PageBuffer page_buffer(size_t bytes) const { return pool_.take(bytes); }
  bool takes_pyramid_bands() const { return pyramid_ && pyramid_->takes_bands(); }
  PyramidBand new_pyramid_band(size_t positions) const { return pyramid_->new_band(positions); }
  uint64_t bytes_written() const { return bytes_written_; }
  uint64_t rows_written() const { return rows_written_; }

 private:
  struct OpenRows {
    RowLayout layout;
    std::optional<h5::Dataset> dataset;
  };

  OpenRows& rows_of(RowSet set) {
    const auto found =
        std::ranges::find_if(rows_, [&](const OpenRows& rows) { return rows.layout.set == set; });
    DENDROKV_ASSERT(found != rows_.end());
    return *found;
  }

  void add_to_pyramid(PyramidBuilder::ChunkPlace place, std::span<const std::byte> chunks,
                      Band band, std::vector<PyramidChunk>& done) {
    const size_t chunk_bytes = rows_of(RowSet::Weight).layout.chunk_bytes();
    for (size_t at = 0; at < chunks.size(); at += chunk_bytes, ++place.position_chunk)
      pyramid_->add(place, chunks.subspan(at, chunk_bytes), done);
    if (band == Band::Whole) pyramid_->end_band(place, done);
  }

  void write_chunks(OpenRows& rows, const PyramidBuilder::ChunkPlace& place, PageBuffer chunks) {
    const RowLayout& layout = rows.layout;
    h5::Shape start = {place.layer_index, place.head_index, place.step_chunk * layout.chunk_steps};
    if (layout.has_columns) start.push_back(place.position_chunk * layout.chunk_columns);
    for (size_t at = 0; at < chunks.size(); at += layout.chunk_bytes()) {
      chunks_->write_part(*rows.dataset, start, chunks.bytes().subspan(at, layout.chunk_bytes()));
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
    for (size_t lane = 0; lane < pyramid_->lanes(); ++lane) {
      pyramid_->finish(lane, rest);
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
    TraceInfo& info = plan_.info;
    FileRoot root{info.uuid, info.created, info.creator, info.command_line};
    write_root(*file_, "dendrokv-trace", root);
    info.uuid = root.uuid;
    info.created = root.created;
    info.creator = root.creator;
    store_model(*file_, info.model);
    store_tokens(*file_, plan_.tokens);
    create_attention();
    create_kv_rows();
    file_->create_group("/loss");
    loss_.emplace(
        file_->create_dataset("/loss/nll", h5::Type::F32, {info.tokens}, {}, h5::Fill::Absent));
    file_->write_attribute("/loss/nll", "units", "nat");
    if (info.capture.rows == FullRows::Record)
      pyramid_.emplace(*file_, info, ChunkShape{plan_.chunk_steps, plan_.chunk_positions},
                       plan_.counts);
    create_default_plot();
    file_->sync();
  }

  void create_default_plot() {
    if (!pyramid_) return write_default_plot(*file_, rows_.back().layout.path);
    const std::string coarsest = pyramid_->coarsest();
    const DefaultAxis axes[] = {{"layer", "/attention/layer"},
                                {"head", "/attention/head"},
                                {"step", coarsest + "/step"},
                                {"position", coarsest + "/position"}};
    write_default_plot(*file_, coarsest + "/max", axes);
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

  void create_attention() {
    const TraceInfo& info = plan_.info;
    file_->create_group("/attention");
    if (!info.source.empty()) {
      file_->write_attribute("/tokens", "source", info.source);
      file_->write_attribute("/tokens", "source_first", info.source_first);
    }
    file_->write_attribute("/attention", "policy", info.policy);
    file_->write_attribute("/attention", "encoding", encoding_name(info.encoding));
    file_->write_attribute("/attention", "top_k", uint64_t{info.capture.top_k});
    file_->write_attribute("/attention", "pool", uint64_t{info.capture.pool});
    for (const RowLayout& layout : plan_.layouts()) create_rows(layout);
    store_ids(*file_, "/attention/layer", info.layers);
    store_ids(*file_, "/attention/head", info.heads);
    store_ids(*file_, "/attention/step", info.steps);
    steps_valid_.emplace(
        file_->create_dataset("/attention/steps_valid", h5::Type::U64, {1}, {}, h5::Fill::Zero));
    const uint64_t none = 0;
    steps_valid_->write(&none);
  }

  void create_rows(const RowLayout& layout) {
    const TraceInfo& info = plan_.info;
    h5::Shape shape = {info.layers.size(), info.heads.size(), info.steps.size()};
    h5::Shape chunk = {1, 1, layout.chunk_steps};
    if (layout.has_columns) {
      shape.push_back(layout.columns);
      chunk.push_back(layout.chunk_columns);
    }
    rows_.push_back(
        {layout, file_->create_dataset(layout.path, cell_type(layout.cell, info.encoding), shape,
                                       chunk, h5::Fill::Absent)});
    if (layout.set == RowSet::Weight) file_->write_attribute(layout.path, "policy", info.policy);
    if (layout.set == RowSet::Entropy) file_->write_attribute(layout.path, "units", "nat");
    if (layout.cell != CellType::Encoded) return;
    file_->write_attribute(layout.path, "encoding", encoding_name(info.encoding));
    if (info.encoding == Encoding::U8)
      file_->write_attribute(layout.path, "code_table", u8_code_table());
  }

  void create_kv_rows() {
    const TraceInfo& info = plan_.info;
    const h5::Shape shape = {info.layers.size(), info.model.kv_heads, info.tokens,
                             info.model.head_dim};
    const h5::Shape chunk = {1, 1, kv_chunk_rows(info), info.model.head_dim};
    const h5::Type type = kv_type(info);
    file_->create_group("/value");
    value_.emplace(file_->create_dataset("/value/value", type, shape, chunk, h5::Fill::Absent));
    if (info.keys == KeyRows::Omit) return;
    file_->create_group("/key");
    key_.emplace(file_->create_dataset("/key/key", type, shape, chunk, h5::Fill::Absent));
  }

  void close_datasets() {
    pyramid_.reset();
    rows_.clear();
    for (std::optional<h5::Dataset>* dataset : {&value_, &key_, &loss_, &steps_valid_})
      dataset->reset();
  }

  std::filesystem::path path_, part_;
  TracePlan plan_;
  const PagePool pool_;
  // Before the file, which may want what it holds until it is closed.
  std::optional<ChunkWriter> chunks_;
  std::optional<h5::File> file_;
  std::vector<OpenRows> rows_;  // one of each set
  std::optional<h5::Dataset> value_, key_, loss_, steps_valid_;
  std::optional<PyramidBuilder> pyramid_;  // only over full rows
  uint64_t synced_bytes_ = 0;              // at the last sync, as submitted
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
