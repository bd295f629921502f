#include "data/trace_reader.h"

#include <algorithm>

#include "data/error.h"
#include "data/file_root.h"
#include "data/half.h"
#include "data/hdf5.h"
#include "data/run_group.h"
#include "data/trace_facts.h"

namespace dendrokv {
namespace {

Encoding encoding_of(const h5::Dataset& weight) {
  if (weight.type() == h5::Type::F16) return Encoding::F16;
  if (weight.type() == h5::Type::U8) return Encoding::U8;
  if (weight.type() == h5::Type::F32) return Encoding::F32;
  fail(weight.subject(), "has type " + std::string(h5::type_name(weight.type())),
       "wanted float16, uint8 or float32");
}

h5::Type cell_type(Encoding encoding) {
  if (encoding == Encoding::F16) return h5::Type::F16;
  return encoding == Encoding::U8 ? h5::Type::U8 : h5::Type::F32;
}

void check_range(const std::string& subject, IndexRange range, uint64_t extent) {
  if (range.first > extent || range.count > extent - range.first)
    fail(subject, "[" + std::to_string(range.first) + ", +" + std::to_string(range.count) + ")",
         "wanted a range below " + std::to_string(extent));
}

uint32_t lanes_of(const ModelFacts& model, LaneKind kind) {
  switch (kind) {
    case LaneKind::PerKvHead:
      return model.kv_heads;
    case LaneKind::PerQueryHead:
      return model.heads;
    case LaneKind::PerLayer:
      return 1;
  }
  DENDROKV_ASSERT(!"a kind of lane");
  return 0;
}

void check_run(const std::string& subject, const Run& run, const TraceInfo& info) {
  const Retention& kept = run.retention;
  const h5::Shape found = {kept.layers(), kept.lanes(), kept.tokens()};
  const h5::Shape wanted = {info.model.layers, lanes_of(info.model, run.lane_kind), info.tokens};
  if (found != wanted)
    fail(subject, "has shape " + h5::shape_text(found),
         "wanted " + h5::shape_text(wanted) + ", that of the trace");
  if (run.trace_uuid != info.uuid)
    fail(subject + "@trace_uuid", "'" + run.trace_uuid + "'",
         "wanted that of the trace, '" + info.uuid + "'");
}

/// Whether a file says so, of which there may be a part only.
bool was_finished(const std::filesystem::path& path) {
  try {
    return is_complete(h5::File::open(path, h5::Reading::Patient));
  } catch (const Error&) {
    return false;
  }
}

}  // namespace

class TraceReader::Impl {
 public:
  Impl(const std::filesystem::path& path, Incomplete incomplete)
      : incomplete_(incomplete),
        lost_(incomplete == Incomplete::Refuse ? std::nullopt
                                               : h5::lost_end(h5::place_of(path).file)),
        file_(open_file(path, incomplete)),
        root_(read_root_of_trace()) {
    attempt([this] { value_.emplace(file_.open_dataset("/value/value")); });
    info_.complete = is_complete(file_);
    // Its writer had not come to its end: what is valid says how far it was.
    if (!info_.complete) lost_.reset();
    if (lost_) info_.complete = false;
    if (!info_.complete && incomplete == Incomplete::Refuse)
      fail(file_.name(), "is not complete", "wanted a finished trace", "run the trace again");
    info_.uuid = root_.uuid;
    info_.created = root_.created;
    info_.creator = root_.creator;
    info_.command_line = root_.command_line;
    info_.model = stored_model(file_);
    read_text();
    info_.tokens = static_cast<uint32_t>(tokens_.id.size());
    info_.layers = stored_ids<Layer>(file_, "/attention/layer", info_.model.layers);
    info_.heads = stored_ids<Head>(file_, "/attention/head", info_.model.heads);
    info_.steps = stored_ids<Step>(file_, "/attention/step", info_.tokens);
    info_.keys = file_.has("/key/key") ? KeyRows::Record : KeyRows::Omit;
    read_capture();
    info_.policy = file_.text_attribute(policy_holder(), "policy");
    attempt([this] {
      // The second place is that of older files, which have it only when they are whole.
      for (const char* place : {"/attention/lane_budget", "/run/lane_budget"})
        if (!info_.lane_budget && file_.has(place))
          info_.lane_budget = read_lane_budget(file_, place);
    });
    for (const Rows& rows : rows_)
      info_.logical_bytes += rows.dataset.elements() * rows.layout.cell_bytes;
    for (const Rows& rows : rows_) check_rows(rows);
    check_shapes();
    if (lost_)
      keep_stored_steps();
    else if (!info_.complete)
      keep_valid_steps();
    if (info_.encoding == Encoding::U8) code_table_ = read_code_table();
  }

  void require_full_rows(std::string_view rows_for) const {
    if (info_.capture.rows == FullRows::Record) return;
    fail(file_.name() + ": /attention/weight", "holds no full rows, only " + info_.capture.text(),
         "wanted every weight of a row for " + std::string(rows_for),
         "record it without --top-k, --pool and --entropy, or with --full-rows beside them");
  }

  void read_weights(size_t layer_index, size_t head_index, IndexRange steps, IndexRange positions,
                    GridView<float> out) const {
    require_full_rows("this");
    check_range(rows_of(RowSet::Weight).dataset.subject() + " positions", positions, info_.tokens);
    read_cells(RowSet::Weight, layer_index, head_index, steps, positions, out);
  }

  /// Columns [columns.first, + columns.count) of a set, decoded.
  void read_cells(RowSet set, size_t layer_index, size_t head_index, IndexRange steps,
                  IndexRange columns, GridView<float> out) const {
    const Rows& rows = rows_of(set);
    check_range(rows.dataset.subject() + " steps", steps, info_.steps.size());
    DENDROKV_ASSERT(layer_index < info_.layers.size() && head_index < info_.heads.size());
    DENDROKV_ASSERT(out.rows() == steps.count && out.cols() == columns.count);
    if (steps.count == 0 || columns.count == 0) return;
    const Encoding encoding = rows.layout.cell == CellType::F32 ? Encoding::F32 : info_.encoding;
    const size_t row_bytes = columns.count * encoded_bytes(encoding);
    std::vector<std::byte> raw(steps.count * row_bytes);
    read_box(rows, layer_index, head_index, steps, columns, raw.data());
    for (size_t step = 0; step < steps.count; ++step)
      decode_weights(encoding, std::span(raw).subspan(step * row_bytes, row_bytes), code_table_,
                     out.row(step));
  }

  void read_encoded(RowSet set, size_t layer_index, size_t head_index, IndexRange steps,
                    IndexRange columns, std::span<std::byte> out) const {
    const Rows& rows = rows_of(set);
    DENDROKV_ASSERT(out.size() == steps.count * columns.count * rows.layout.cell_bytes);
    read_box(rows, layer_index, head_index, steps, columns, out.data());
  }

  void read_top(size_t layer_index, size_t head_index, IndexRange steps,
                GridView<int32_t> positions, GridView<float> weights, std::span<float> rest) const {
    const size_t k = info_.capture.top_k;
    read_cells(RowSet::TopWeight, layer_index, head_index, steps, {0, k}, weights);
    read_cells(RowSet::Rest, layer_index, head_index, steps, {0, 1}, {rest.data(), rest.size(), 1});
    std::vector<int32_t> raw(steps.count * k);
    if (raw.empty()) return;
    read_box(rows_of(RowSet::TopPosition), layer_index, head_index, steps, {0, k}, raw.data());
    for (const int32_t position : raw)  // who reads them takes them for places
      if (position >= 0 && static_cast<uint32_t>(position) >= info_.tokens)
        fail(rows_of(RowSet::TopPosition).dataset.subject(), "position " + std::to_string(position),
             "wanted less than " + std::to_string(info_.tokens) + ", or -1");
    for (size_t step = 0; step < steps.count; ++step)
      std::copy_n(raw.data() + step * k, k, positions.row(step).data());
  }

  void read_rows(const h5::Dataset& dataset, size_t layer_index, KvHead kv_head,
                 IndexRange positions, GridView<float> out) const {
    check_range(dataset.subject() + " positions", positions, info_.tokens);
    DENDROKV_ASSERT(layer_index < info_.layers.size() && kv_head.value < info_.model.kv_heads);
    DENDROKV_ASSERT(out.rows() == positions.count && out.cols() == info_.model.head_dim);
    if (positions.count == 0) return;
    const h5::Shape start = {layer_index, kv_head.value, positions.first, 0};
    const h5::Shape count = {1, 1, positions.count, info_.model.head_dim};
    const size_t cols = info_.model.head_dim;
    if (dataset.type() == h5::Type::F32) {
      std::vector<float> raw(positions.count * cols);
      dataset.read(start, count, raw.data());
      for (size_t r = 0; r < positions.count; ++r)
        std::copy_n(raw.data() + r * cols, cols, out.row(r).data());
      return;
    }
    std::vector<uint16_t> raw(positions.count * cols);
    dataset.read(start, count, raw.data());
    for (size_t r = 0; r < positions.count; ++r)
      from_half(std::span(raw).subspan(r * cols, cols), out.row(r));
  }

  const TraceInfo& info() const { return info_; }
  bool was_cut() const { return lost_.has_value(); }
  const TokenText& tokens() const { return tokens_; }
  const h5::File& file() const { return file_; }
  const h5::Dataset& value() const {
    if (!value_) fail(file_.name() + ": /value/value", "is missing", "wanted the value rows");
    return *value_;
  }
  const std::vector<std::string>& missing() const { return missing_; }
  h5::Dataset key() const { return file_.open_dataset("/key/key"); }

 private:
  struct Rows {
    RowLayout layout;
    h5::Dataset dataset;
  };

  const Rows& rows_of(RowSet set) const {
    for (const Rows& rows : rows_)
      if (rows.layout.set == set) return rows;
    fail(file_.name() + ": " + std::string(row_set_path(set)), "is missing",
         "wanted a trace that has it, this one has " + info_.capture.text());
  }

  void read_box(const Rows& rows, size_t layer_index, size_t head_index, IndexRange steps,
                IndexRange columns, void* out) const {
    h5::Shape start = {layer_index, head_index, steps.first}, count = {1, 1, steps.count};
    if (rows.layout.has_columns) {
      start.push_back(columns.first);
      count.push_back(columns.count);
    }
    rows.dataset.read(start, count, out);
  }

  std::string policy_holder() const {
    return file_.has_attribute("/attention", "policy") ? "/attention" : "/attention/weight";
  }

  // What the file has says what was captured. Older files say nothing more.
  void read_capture() {
    Capture& capture = info_.capture;
    const auto has = [&](RowSet set) { return file_.has(row_set_path(set)); };
    const auto count = [&](std::string_view name) {
      const uint64_t number = file_.count_attribute("/attention", name);
      if (number == 0 || number > kMostTraceTokens)
        fail(file_.name() + ": /attention@" + std::string(name), std::to_string(number),
             "wanted 1 to 2^28");
      return static_cast<uint32_t>(number);
    };
    capture.rows = has(RowSet::Weight) ? FullRows::Record : FullRows::Omit;
    if (has(RowSet::TopWeight)) capture.top_k = count("top_k");
    if (has(RowSet::PoolMax)) capture.pool = count("pool");
    if (has(RowSet::Entropy)) capture.entropy = EntropyRows::Record;
    for (const RowLayout& layout : row_layouts(info_, {}))
      rows_.push_back({layout, file_.open_dataset(layout.path)});
    if (rows_.empty()) file_.open_dataset("/attention/weight");  // which fails and says so
    info_.encoding = Encoding::F32;
    for (const Rows& rows : rows_)
      if (rows.layout.cell == CellType::Encoded) info_.encoding = encoding_of(rows.dataset);
    for (Rows& rows : rows_)
      if (rows.layout.cell == CellType::Encoded)
        rows.layout.cell_bytes = encoded_bytes(info_.encoding);
  }

  void check_rows(const Rows& rows) const {
    h5::Shape shape = {info_.layers.size(), info_.heads.size(), info_.steps.size()};
    if (rows.layout.has_columns) shape.push_back(rows.layout.columns);
    const h5::Type type = rows.layout.cell == CellType::I32   ? h5::Type::I32
                          : rows.layout.cell == CellType::F32 ? h5::Type::F32
                                                              : cell_type(info_.encoding);
    file_.open_dataset(rows.layout.path, type, shape);
  }

  void read_text() {
    try {
      tokens_ = stored_tokens(file_);
      if (!file_.has_attribute("/tokens", "source")) return;
      info_.source = file_.text_attribute("/tokens", "source");
      info_.source_first = file_.count_attribute("/tokens", "source_first");
    } catch (const Error& error) {
      if (!lost_) throw;
      tokens_ = nameless_tokens(file_, error);
      missing_.push_back("/tokens: lost, with the text; each token is shown as a dot");
    }
  }

  void check_shapes() {
    const uint64_t tokens = info_.tokens;
    attempt([&] { file_.open_dataset("/loss/nll", h5::Type::F32, {tokens}); });
    if (!value_) return;
    const h5::Shape rows = {info_.layers.size(), info_.model.kv_heads, tokens,
                            info_.model.head_dim};
    const h5::Type type = value_->type() == h5::Type::F32 ? h5::Type::F32 : h5::Type::F16;
    file_.open_dataset("/value/value", type, rows);
    if (info_.keys == KeyRows::Record) file_.open_dataset("/key/key", type, rows);
  }

  static h5::File open_file(const std::filesystem::path& path, Incomplete incomplete) {
    if (incomplete == Incomplete::Refuse) return h5::File::open(path);
    try {
      return h5::File::open(path);
    } catch (const Error&) {
      if (!std::filesystem::is_regular_file(path)) throw;
      return h5::File::open(path, h5::Reading::Patient);
    }
  }

  FileRoot read_root_of_trace() {
    const bool newer = incomplete_ == Incomplete::TakeWhatIsThere &&
                       file_.has_attribute("/", "format_version") &&
                       file_.count_attribute("/", "format_version") > kFormatVersion;
    if (!newer) return read_root(file_, "dendrokv-trace");
    if (file_.text_attribute("/", "format") != "dendrokv-trace")
      fail(file_.name(), "is no trace", "wanted a dendrokv-trace file");
    missing_.push_back("A newer version wrote this file (format " +
                       std::to_string(file_.count_attribute("/", "format_version")) +
                       ", known is " + std::to_string(kFormatVersion) +
                       "): what is new in it is not shown.");
    return {file_.text_attribute("/", "uuid"), file_.text_attribute("/", "created"),
            file_.text_attribute("/", "creator"), file_.text_attribute("/", "command_line")};
  }

  /// What may be lacking when whatever is there is taken.
  template <class Read>
  void attempt(const Read& read) {
    try {
      read();
    } catch (const Error& error) {
      if (incomplete_ == Incomplete::Refuse) throw;
      missing_.push_back(error.what());
    }
  }

  void keep_valid_steps() {
    uint64_t valid = 0;
    file_.open_dataset("/attention/steps_valid", h5::Type::U64, {1}).read(&valid);
    if (valid == 0)
      fail(file_.name() + ": /attention/steps_valid", "0", "wanted at least one complete step");
    if (valid < info_.steps.size()) info_.steps.resize(valid);
  }

  /// Of a file that was cut: steps up to the first that has lost a row of any head, in any of the
  /// sets.
  void keep_stored_steps() {
    size_t steps = info_.steps.size();
    for (const Rows& rows : rows_) steps = std::min(steps, stored_rows(rows.dataset));
    missing_.insert(missing_.begin(), "The file was cut: " + std::to_string(lost_->bytes) + " of " +
                                          std::to_string(lost_->wanted) + " bytes are there, and " +
                                          std::to_string(steps) + " of " +
                                          std::to_string(info_.steps.size()) + " steps");
    info_.steps.resize(steps);
    if (!value_) return;
    if (const size_t values = stored_rows(*value_); values < info_.tokens)
      missing_.push_back(value_->subject() + ": lost from position " + std::to_string(values) +
                         " on");
  }

  /// Rows (the third axis) before the first that lies behind the end of the file, in any of the
  /// planes.
  size_t stored_rows(const h5::Dataset& dataset) const {
    const auto places = dataset.chunk_places();
    const size_t all = dataset.shape()[2];
    if (!places) return dataset.elements() == 0 ? all : 0;
    size_t columns = 1;  // chunks side by side in one row of chunks
    for (size_t axis = 3; axis < places->chunk.size(); ++axis)
      columns *= (dataset.shape()[axis] + places->chunk[axis] - 1) / places->chunk[axis];
    const size_t bands = (all + places->chunk[2] - 1) / places->chunk[2];
    size_t stored = all;
    for (size_t i = 0; i < places->address.size(); ++i) {
      const bool there = places->address[i] == h5::Dataset::kNowhere ||
                         places->address[i] + places->bytes[i] <= lost_->bytes;
      if (!there) stored = std::min(stored, i / columns % bands * places->chunk[2]);
    }
    return stored;
  }

  std::vector<float> read_code_table() const {
    const auto encoded = std::ranges::find_if(
        rows_, [](const Rows& rows) { return rows.layout.cell == CellType::Encoded; });
    std::vector<float> table = file_.table_attribute(encoded->layout.path, "code_table");
    if (table.size() != 256)
      fail(encoded->dataset.subject() + "@code_table", std::to_string(table.size()) + " entries",
           "wanted 256");
    return table;
  }

  const Incomplete incomplete_;
  std::vector<std::string> missing_;
  std::optional<h5::LostEnd> lost_;
  h5::File file_;
  FileRoot root_;
  std::optional<h5::Dataset> value_;
  TraceInfo info_;
  std::vector<Rows> rows_;  // one of each set that the file has
  TokenText tokens_;
  std::vector<float> code_table_;
};

TraceReader::TraceReader(const std::filesystem::path& path, Incomplete incomplete) {
  try {
    impl_ = std::make_unique<Impl>(path, incomplete);
  } catch (const Error& error) {
    const auto lost = h5::lost_end(h5::place_of(path).file);
    if (!lost || incomplete == Incomplete::Refuse || !was_finished(path)) throw;
    const std::string parts = lost_facts(path);
    fail(path.string(),
         "was cut: " + std::to_string(lost->bytes) + " of " + std::to_string(lost->wanted) +
             " bytes are there, and it has lost " + (parts.empty() ? error.what() : parts),
         "wanted at least that", "copy the file again, or record it again");
  }
}
TraceReader::~TraceReader() = default;
TraceReader::TraceReader(TraceReader&&) noexcept = default;
TraceReader& TraceReader::operator=(TraceReader&&) noexcept = default;

const std::vector<std::string>& TraceReader::missing() const {
  return impl_->missing();
}
bool TraceReader::was_cut() const {
  return impl_->was_cut();
}
const TraceInfo& TraceReader::info() const {
  return impl_->info();
}
const TokenText& TraceReader::tokens() const {
  return impl_->tokens();
}

void TraceReader::require_full_rows(std::string_view rows_for) const {
  impl_->require_full_rows(rows_for);
}

void TraceReader::read_weights(size_t layer_index, size_t head_index, IndexRange steps,
                               IndexRange positions, GridView<float> out) const {
  impl_->read_weights(layer_index, head_index, steps, positions, out);
}

void TraceReader::read_encoded(RowSet set, size_t layer_index, size_t head_index, IndexRange steps,
                               IndexRange columns, std::span<std::byte> out) const {
  impl_->read_encoded(set, layer_index, head_index, steps, columns, out);
}

void TraceReader::read_top(size_t layer_index, size_t head_index, IndexRange steps,
                           GridView<int32_t> positions, GridView<float> weights,
                           std::span<float> rest) const {
  impl_->read_top(layer_index, head_index, steps, positions, weights, rest);
}

void TraceReader::read_pools(RowSet set, size_t layer_index, size_t head_index, IndexRange steps,
                             GridView<float> out) const {
  DENDROKV_ASSERT(set == RowSet::PoolMax || set == RowSet::PoolSum);
  impl_->read_cells(set, layer_index, head_index, steps, {0, out.cols()}, out);
}

void TraceReader::read_entropy(size_t layer_index, size_t head_index, IndexRange steps,
                               std::span<float> out) const {
  impl_->read_cells(RowSet::Entropy, layer_index, head_index, steps, {0, 1},
                    {out.data(), out.size(), 1});
}

void TraceReader::read_values(size_t layer_index, KvHead kv_head, IndexRange positions,
                              GridView<float> out) const {
  impl_->read_rows(impl_->value(), layer_index, kv_head, positions, out);
}

void TraceReader::read_keys(size_t layer_index, KvHead kv_head, IndexRange positions,
                            GridView<float> out) const {
  impl_->read_rows(impl_->key(), layer_index, kv_head, positions, out);
}

std::vector<float> TraceReader::read_loss() const {
  std::vector<float> nll(info().tokens);
  impl_->file().open_dataset("/loss/nll", h5::Type::F32, {nll.size()}).read(nll.data());
  return nll;
}

std::optional<Run> TraceReader::read_run(Records records) const {
  if (!impl_->file().has("/run")) return std::nullopt;
  Run run = read_run_group(impl_->file(), "/run", records);
  check_run(impl_->file().name() + ": /run", run, info());
  return run;
}

}  // namespace dendrokv
