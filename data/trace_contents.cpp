#include "data/trace_contents.h"

#include <algorithm>

#include "data/error.h"
#include "data/file_root.h"
#include "data/run_group.h"
#include "data/trace_facts.h"

namespace dendrokv {
namespace {

constexpr std::string_view kFormat = "dendrokv-trace";

Encoding encoding_of(const h5::Dataset& weight) {
  if (weight.type() == h5::Type::F16) return Encoding::F16;
  if (weight.type() == h5::Type::U8) return Encoding::U8;
  if (weight.type() == h5::Type::F32) return Encoding::F32;
  fail(weight.subject(), "has type " + std::string(h5::type_name(weight.type())),
       "wanted float16, uint8 or float32");
}

/// Whether a file says so, of which there may be a part only.
bool was_finished(const std::filesystem::path& path) {
  try {
    return is_complete(h5::File::open(path, h5::Reading::Patient));
  } catch (const Error&) {
    return false;
  }
}

h5::File open_file(const std::filesystem::path& path, Incomplete incomplete) {
  if (incomplete == Incomplete::Refuse) return h5::File::open(path);
  try {
    return h5::File::open(path);
  } catch (const Error&) {
    if (!std::filesystem::is_regular_file(path)) throw;
    return h5::File::open(path, h5::Reading::Patient);
  }
}

/// Rows (the third axis) of a dataset before the first that lies behind the first `bytes` of its
/// file, in any of the planes.
size_t stored_rows(const h5::Dataset& dataset, uint64_t bytes) {
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
                       places->address[i] + places->bytes[i] <= bytes;
    if (!there) stored = std::min(stored, i / columns % bands * places->chunk[2]);
  }
  return stored;
}

/// Fills in the contents, part by part; each relies on those before it.
class Opening {
 public:
  Opening(const std::filesystem::path& path, Incomplete incomplete)
      : incomplete_(incomplete), trace_{open_file(path, incomplete)} {
    if (incomplete != Incomplete::Refuse) trace_.lost = h5::lost_end(h5::place_of(path).file);
  }

  TraceContents contents() {
    read_root();
    attempt([this] { trace_.value.emplace(file_.open_dataset("/value/value")); });
    read_completeness();
    info_.model = stored_model(file_);
    read_text();
    read_ids();
    read_capture();
    read_policy();
    check_rows();
    check_other_shapes();
    if (trace_.lost)
      keep_stored_steps();
    else if (!info_.complete)
      keep_valid_steps();
    if (info_.encoding == Encoding::U8) read_code_table();
    return std::move(trace_);
  }

 private:
  void read_root();
  FileRoot root_of_any_version();
  void read_completeness();
  void read_text();
  void read_ids();
  void read_capture();
  uint32_t capture_count(std::string_view name) const;
  void read_policy();
  void check_rows();
  void check_other_shapes();
  void keep_valid_steps();
  void keep_stored_steps();
  void read_code_table();

  /// What may be lacking when whatever is there is taken.
  template <class Read>
  void attempt(const Read& read) {
    try {
      read();
    } catch (const Error& error) {
      if (incomplete_ == Incomplete::Refuse) throw;
      trace_.missing.push_back(error.what());
    }
  }

  const Incomplete incomplete_;
  TraceContents trace_;
  h5::File& file_ = trace_.file;
  TraceInfo& info_ = trace_.info;
};

void Opening::read_root() {
  const FileRoot root = root_of_any_version();
  info_.uuid = root.uuid;
  info_.created = root.created;
  info_.creator = root.creator;
  info_.command_line = root.command_line;
}

FileRoot Opening::root_of_any_version() {
  const bool newer = incomplete_ == Incomplete::TakeWhatIsThere &&
                     file_.has_attribute("/", "format_version") &&
                     file_.count_attribute("/", "format_version") > kFormatVersion;
  if (!newer) return dendrokv::read_root(file_, kFormat);
  if (file_.text_attribute("/", "format") != kFormat)
    fail(file_.name(), "is no trace", "wanted a dendrokv-trace file");
  trace_.missing.push_back("A newer version wrote this file (format " +
                           std::to_string(file_.count_attribute("/", "format_version")) +
                           ", known is " + std::to_string(kFormatVersion) +
                           "): what is new in it is not shown.");
  return {file_.text_attribute("/", "uuid"), file_.text_attribute("/", "created"),
          file_.text_attribute("/", "creator"), file_.text_attribute("/", "command_line")};
}

void Opening::read_completeness() {
  info_.complete = is_complete(file_);
  // Its writer had not come to its end: what is valid says how far it was.
  if (!info_.complete) trace_.lost.reset();
  if (trace_.lost) info_.complete = false;
  if (!info_.complete && incomplete_ == Incomplete::Refuse)
    fail(file_.name(), "is not complete", "wanted a finished trace", "run the trace again");
}

void Opening::read_text() {
  try {
    trace_.tokens = stored_tokens(file_);
    if (!file_.has_attribute("/tokens", "source")) return;
    info_.source = file_.text_attribute("/tokens", "source");
    info_.source_first = file_.count_attribute("/tokens", "source_first");
  } catch (const Error& error) {
    if (!trace_.lost) throw;
    trace_.tokens = nameless_tokens(file_, error);
    trace_.missing.push_back("/tokens: lost, with the text; each token is shown as a dot");
  }
}

void Opening::read_ids() {
  info_.tokens = static_cast<uint32_t>(trace_.tokens.id.size());
  info_.layers = stored_ids<Layer>(file_, "/attention/layer", info_.model.layers);
  info_.heads = stored_ids<Head>(file_, "/attention/head", info_.model.heads);
  info_.steps = stored_ids<Step>(file_, "/attention/step", info_.tokens);
  info_.keys = file_.has("/key/key") ? KeyRows::Record : KeyRows::Omit;
}

// What the file has says what was captured. Older files say nothing more.
void Opening::read_capture() {
  Capture& capture = info_.capture;
  const auto has = [&](RowSet set) { return file_.has(row_set_path(set)); };
  capture.rows = has(RowSet::Weight) ? FullRows::Record : FullRows::Omit;
  if (has(RowSet::TopWeight)) capture.top_k = capture_count("top_k");
  if (has(RowSet::PoolMax)) capture.pool = capture_count("pool");
  if (has(RowSet::Entropy)) capture.entropy = EntropyRows::Record;
  std::vector<TraceContents::Rows>& rows = trace_.rows;
  for (const RowLayout& layout : row_layouts(info_, {}))
    rows.push_back({layout, file_.open_dataset(layout.path)});
  if (rows.empty()) file_.open_dataset("/attention/weight");  // which fails and says so
  info_.encoding = Encoding::F32;
  for (const TraceContents::Rows& one : rows)
    if (one.layout.cell == CellType::Encoded) info_.encoding = encoding_of(one.dataset);
  for (TraceContents::Rows& one : rows)
    if (one.layout.cell == CellType::Encoded) one.layout.cell_bytes = encoded_bytes(info_.encoding);
}

uint32_t Opening::capture_count(std::string_view name) const {
  const uint64_t number = file_.count_attribute("/attention", name);
  if (number == 0 || number > kMostTraceTokens)
    fail(file_.name() + ": /attention@" + std::string(name), std::to_string(number),
         "wanted 1 to 2^28");
  return static_cast<uint32_t>(number);
}

void Opening::read_policy() {
  const bool of_all_rows = file_.has_attribute("/attention", "policy");
  info_.policy = file_.text_attribute(of_all_rows ? "/attention" : "/attention/weight", "policy");
  attempt([this] {
    // The second place is that of older files, which have it only when they are whole.
    for (const char* place : {"/attention/lane_budget", "/run/lane_budget"})
      if (!info_.lane_budget && file_.has(place))
        info_.lane_budget = read_lane_budget(file_, place);
  });
}

void Opening::check_rows() {
  for (const TraceContents::Rows& rows : trace_.rows) {
    h5::Shape shape = {info_.layers.size(), info_.heads.size(), info_.steps.size()};
    if (rows.layout.has_columns) shape.push_back(rows.layout.columns);
    file_.open_dataset(rows.layout.path, stored_type(rows.layout.cell, info_.encoding), shape);
    info_.logical_bytes += rows.dataset.elements() * rows.layout.cell_bytes;
  }
}

void Opening::check_other_shapes() {
  const uint64_t tokens = info_.tokens;
  attempt([&] { file_.open_dataset("/loss/nll", h5::Type::F32, {tokens}); });
  if (!trace_.value) return;
  const h5::Dataset value = trace_.kv_rows("/value/value");
  if (info_.keys == KeyRows::Record) file_.open_dataset("/key/key", value.type(), value.shape());
}

void Opening::keep_valid_steps() {
  uint64_t valid = 0;
  file_.open_dataset("/attention/steps_valid", h5::Type::U64, {1}).read(&valid);
  if (valid == 0)
    fail(file_.name() + ": /attention/steps_valid", "0", "wanted at least one complete step");
  if (valid < info_.steps.size()) info_.steps.resize(valid);
}

// Up to the first that has lost a row of any head, in any of the sets.
void Opening::keep_stored_steps() {
  const h5::LostEnd& end = *trace_.lost;
  std::vector<std::string>& missing = trace_.missing;
  size_t steps = info_.steps.size();
  for (const TraceContents::Rows& rows : trace_.rows)
    steps = std::min(steps, stored_rows(rows.dataset, end.bytes));
  missing.insert(missing.begin(), "The file was cut: " + std::to_string(end.bytes) + " of " +
                                      std::to_string(end.wanted) + " bytes are there, and " +
                                      std::to_string(steps) + " of " +
                                      std::to_string(info_.steps.size()) + " steps");
  info_.steps.resize(steps);
  if (!trace_.value) return;
  if (const size_t values = stored_rows(*trace_.value, end.bytes); values < info_.tokens)
    missing.push_back(trace_.value->subject() + ": lost from position " + std::to_string(values) +
                      " on");
}

void Opening::read_code_table() {
  const auto encoded = std::ranges::find_if(trace_.rows, [](const TraceContents::Rows& rows) {
    return rows.layout.cell == CellType::Encoded;
  });
  trace_.code_table = file_.table_attribute(encoded->layout.path, "code_table");
  if (trace_.code_table.size() != 256)
    fail(encoded->dataset.subject() + "@code_table",
         std::to_string(trace_.code_table.size()) + " entries", "wanted 256");
}

}  // namespace

TraceContents open_trace(const std::filesystem::path& path, Incomplete incomplete) {
  try {
    return Opening(path, incomplete).contents();
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

const TraceContents::Rows& TraceContents::rows_of(RowSet set) const {
  for (const Rows& one : rows)
    if (one.layout.set == set) return one;
  fail(file.name() + ": " + std::string(row_set_path(set)), "is missing",
       "wanted a trace that has it, this one has " + info.capture.text());
}

h5::Dataset TraceContents::kv_rows(std::string_view path) const {
  const h5::Type type = file.open_dataset(path).type();
  return file.open_dataset(
      path, type == h5::Type::F32 ? h5::Type::F32 : h5::Type::F16,
      {info.layers.size(), info.model.kv_heads, info.tokens, info.model.head_dim});
}

}  // namespace dendrokv
