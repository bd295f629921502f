#include "data/trace_writer.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <optional>
#include <sys/statvfs.h>

#include "data/error.h"
#include "data/file_root.h"
#include "data/half.h"
#include "data/hdf5.h"
#include "data/io_queue.h"
#include "data/pyramid.h"
#include "data/run_group.h"

namespace dendrokv {
namespace {

constexpr uint64_t kRowsPerValueChunk = 2048;
constexpr uint64_t kSyncBytes = uint64_t{256} << 20;
constexpr std::chrono::seconds kSyncPeriod{10};
constexpr uint64_t kOverheadBytes =
    uint64_t{4} << 20;  // superblock, metadata blocks, attributes, small datasets

h5::Type weight_type(Encoding encoding) {
  if (encoding == Encoding::F16) return h5::Type::F16;
  return encoding == Encoding::U8 ? h5::Type::U8 : h5::Type::F32;
}

// Value and key rows are f16; beside f32 weights they stay f32, so that an oracle trace loses nothing.
h5::Type row_type(Encoding encoding) {
  return encoding == Encoding::F32 ? h5::Type::F32 : h5::Type::F16;
}

template <class IdType>
void write_ids(h5::File& file, std::string_view path, const std::vector<IdType>& ids) {
  std::vector<int32_t> numbers;
  for (const IdType id : ids) numbers.push_back(static_cast<int32_t>(id.value));
  file.create_dataset(path, h5::Type::I32, {numbers.size()}, {}, h5::Fill::Zero)
      .write(numbers.data());
}

void write_model(h5::File& file, const ModelFacts& model) {
  file.create_group("/model");
  file.write_attribute("/model", "name", model.name);
  file.write_attribute("/model", "architecture", model.architecture);
  file.write_attribute("/model", "sha256", model.sha256);
  const std::pair<std::string_view, uint64_t> numbers[] = {
      {"layers", model.layers},         {"heads", model.heads},
      {"kv_heads", model.kv_heads},     {"head_dim", model.head_dim},
      {"vocabulary", model.vocabulary}, {"context_length", model.context_length},
  };
  for (const auto& [name, number] : numbers) file.write_attribute("/model", name, number);
  file.write_attribute("/model", "rope_base", model.rope_base);
}

void write_tokens(h5::File& file, const TokenText& tokens) {
  file.create_group("/tokens");
  file.create_dataset("/tokens/id", h5::Type::I32, {tokens.id.size()}, {}, h5::Fill::Zero)
      .write(tokens.id.data());
  file.create_dataset("/tokens/offset", h5::Type::U64, {tokens.offset.size()}, {}, h5::Fill::Zero)
      .write(tokens.offset.data());
  h5::Dataset bytes =
      file.create_dataset("/tokens/bytes", h5::Type::U8, {tokens.bytes.size()}, {}, h5::Fill::Zero);
  if (!tokens.bytes.empty()) bytes.write(tokens.bytes.data());
}

uint64_t rounded_up(uint64_t number, uint64_t unit) {
  return (number + unit - 1) / unit * unit;
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

uint64_t estimated_bytes(const TracePlan& plan) {
  const TraceInfo& info = plan.info;
  const uint64_t lanes = uint64_t{info.layers.size()} * info.heads.size();
  const uint64_t chunk_bytes =
      uint64_t{plan.chunk_steps} * plan.chunk_positions * encoded_bytes(info.encoding);
  uint64_t chunks = 0;  // of one (layer, head): those that reach some position of their steps
  for (size_t first = 0; first < info.steps.size(); first += plan.chunk_steps) {
    const size_t last = std::min(first + plan.chunk_steps, info.steps.size()) - 1;
    chunks += info.steps[last].index() / plan.chunk_positions + 1;
  }
  const uint64_t rows =
      rounded_up(info.tokens, std::min<uint64_t>(info.tokens, kRowsPerValueChunk));
  const uint64_t row_bytes = uint64_t{info.layers.size()} * info.model.kv_heads * rows *
                             info.model.head_dim * h5::type_bytes(row_type(info.encoding)) *
                             (info.keys == KeyRows::Record ? 2 : 1);
  const uint64_t run_bytes =
      info.policy == "full" ? 0
                            : uint64_t{info.model.layers} * info.model.kv_heads * info.tokens * 17;
  const uint64_t pyramid = pyramid_bytes(lanes, info.steps.size(), info.tokens);
  return lanes * chunks * chunk_bytes + pyramid + row_bytes + run_bytes +
         uint64_t{info.tokens} * 24 + kOverheadBytes;
}

void check_disk_space(const std::filesystem::path& path, uint64_t bytes) {
  const std::filesystem::path folder = path.has_parent_path() ? path.parent_path() : ".";
  struct statvfs state {};
  if (statvfs(folder.c_str(), &state) != 0)
    fail(path.string(), "its folder cannot be used", "wanted an existing, writable folder");
  const uint64_t free = uint64_t{state.f_bavail} * state.f_frsize;
  if (free < bytes)
    fail(path.string(), "the disk has " + std::to_string(free >> 20) + " MiB free",
         "wanted " + std::to_string((bytes >> 20) + 1) + " MiB",
         "record fewer tokens, layers, heads or steps, or use u8");
}

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

  void write_weights(const h5::Shape& chunk_index, std::vector<std::byte> chunk) {
    const uint64_t bytes = chunk.size();
    DENDROKV_ASSERT(bytes == uint64_t{plan_.chunk_steps} * plan_.chunk_positions *
                                 encoded_bytes(plan_.info.encoding));
    const uint64_t first_step = chunk_index[2] * plan_.chunk_steps;
    if (chunk_index[3] == 0)  // every row has a first chunk; the last chunks are padded
      rows_written_ += std::min<uint64_t>(plan_.chunk_steps, plan_.info.steps.size() - first_step);
    submit(bytes, [this, chunk_index, chunk = std::move(chunk)] {
      const h5::Shape start = {chunk_index[0], chunk_index[1], chunk_index[2] * plan_.chunk_steps,
                               chunk_index[3] * plan_.chunk_positions};
      weight_->write_chunk(start, chunk);
      pyramid_->add({chunk_index[0], chunk_index[1], chunk_index[2], chunk_index[3]}, chunk);
    });
  }

  void write_rows(std::optional<h5::Dataset>& dataset, const h5::Shape& start,
                  GridView<const float> rows) {
    const h5::Shape count = {1, 1, rows.rows(), rows.cols()};
    std::vector<std::byte> bytes = to_bytes(row_type(plan_.info.encoding), rows);
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
      pyramid_->finish();
      file_->sync();  // what "complete" promises is on the disk before the word is
      mark_complete(*file_);
      close_datasets();
      file_->close();
      h5::publish(part_, path_);
    });
    queue_.drain();
    plan_.info.complete = true;
  }

  std::optional<h5::Dataset>& values() { return value_; }
  std::optional<h5::Dataset>& keys() { return key_; }
  uint64_t bytes_written() const { return bytes_written_; }
  uint64_t rows_written() const { return rows_written_; }

 private:
  void submit(uint64_t bytes, std::function<void()> job) {
    bytes_written_ += bytes;
    queue_.submit(bytes, std::move(job));
  }

  void create() {
    file_.emplace(h5::File::create(part_));
    TraceInfo& info = plan_.info;
    FileRoot root{info.uuid, info.created, info.creator, info.command_line};
    write_root(*file_, "dendrokv-trace", root);
    info.uuid = root.uuid;
    info.created = root.created;
    info.creator = root.creator;
    write_model(*file_, info.model);
    write_tokens(*file_, plan_.tokens);
    create_attention();
    create_rows();
    file_->create_group("/loss");
    loss_.emplace(
        file_->create_dataset("/loss/nll", h5::Type::F32, {info.tokens}, {}, h5::Fill::Absent));
    file_->write_attribute("/loss/nll", "units", "nat");
    pyramid_.emplace(*file_, info, plan_.chunk_steps, plan_.chunk_positions);
    const std::string coarsest = pyramid_->coarsest();
    const DefaultAxis axes[] = {{"layer", "/attention/layer"},
                                {"head", "/attention/head"},
                                {"step", coarsest + "/step"},
                                {"position", coarsest + "/position"}};
    write_default_plot(*file_, coarsest + "/max", axes);
    file_->sync();
  }

  // A reader trusts steps_valid, so it is flushed every time; a sync costs a wait for the disk and comes now and then.
  void checkpoint() {
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
    weight_.emplace(file_->create_dataset(
        "/attention/weight", weight_type(info.encoding),
        {info.layers.size(), info.heads.size(), info.steps.size(), info.tokens},
        {1, 1, plan_.chunk_steps, plan_.chunk_positions}, h5::Fill::Absent));
    file_->write_attribute("/attention/weight", "encoding", encoding_name(info.encoding));
    file_->write_attribute("/attention/weight", "policy", info.policy);
    if (info.encoding == Encoding::U8)
      file_->write_attribute("/attention/weight", "code_table", u8_code_table());
    write_ids(*file_, "/attention/layer", info.layers);
    write_ids(*file_, "/attention/head", info.heads);
    write_ids(*file_, "/attention/step", info.steps);
    steps_valid_.emplace(
        file_->create_dataset("/attention/steps_valid", h5::Type::U64, {1}, {}, h5::Fill::Zero));
    const uint64_t none = 0;
    steps_valid_->write(&none);
  }

  void create_rows() {
    const TraceInfo& info = plan_.info;
    const h5::Shape shape = {info.layers.size(), info.model.kv_heads, info.tokens,
                             info.model.head_dim};
    const h5::Shape chunk = {1, 1, std::min<uint64_t>(info.tokens, kRowsPerValueChunk),
                             info.model.head_dim};
    const h5::Type type = row_type(info.encoding);
    file_->create_group("/value");
    value_.emplace(file_->create_dataset("/value/value", type, shape, chunk, h5::Fill::Absent));
    if (info.keys == KeyRows::Omit) return;
    file_->create_group("/key");
    key_.emplace(file_->create_dataset("/key/key", type, shape, chunk, h5::Fill::Absent));
  }

  void close_datasets() {
    pyramid_.reset();
    for (std::optional<h5::Dataset>* dataset : {&weight_, &value_, &key_, &loss_, &steps_valid_})
      dataset->reset();
  }

  std::filesystem::path path_, part_;
  TracePlan plan_;
  std::optional<h5::File> file_;
  std::optional<h5::Dataset> weight_, value_, key_, loss_, steps_valid_;
  std::optional<PyramidBuilder> pyramid_;
  uint64_t synced_bytes_ = 0;  // at the last sync, as submitted
  std::chrono::steady_clock::time_point synced_at_ = std::chrono::steady_clock::now();
  std::atomic<uint64_t> bytes_written_{0}, rows_written_{0};
  IoQueue queue_;  // last: its thread ends before what it uses goes
};

TraceWriter::TraceWriter(std::filesystem::path path, TracePlan plan)
    : impl_(std::make_unique<Impl>(std::move(path), std::move(plan))) {}
TraceWriter::~TraceWriter() = default;

void TraceWriter::write_weights(size_t layer_index, size_t head_index, size_t step_chunk,
                                size_t position_chunk, std::vector<std::byte> chunk) {
  impl_->write_weights({layer_index, head_index, step_chunk, position_chunk}, std::move(chunk));
}

void TraceWriter::write_values(size_t layer_index, KvHead kv_head, Position first,
                               GridView<const float> rows) {
  impl_->write_rows(impl_->values(), {layer_index, kv_head.value, first.value, 0}, rows);
}

void TraceWriter::write_keys(size_t layer_index, KvHead kv_head, Position first,
                             GridView<const float> rows) {
  DENDROKV_ASSERT(impl_->plan().info.keys == KeyRows::Record);
  impl_->write_rows(impl_->keys(), {layer_index, kv_head.value, first.value, 0}, rows);
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
