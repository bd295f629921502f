#include "data/trace_reader.h"

#include <algorithm>

#include "data/error.h"
#include "data/half.h"
#include "data/run_group.h"

namespace dendrokv {
namespace {

void check_range(const std::string& subject, IndexRange range, uint64_t extent) {
  if (range.first > extent || range.count > extent - range.first)
    fail(subject, "[" + std::to_string(range.first) + ", +" + std::to_string(range.count) + ")",
         "wanted a range below " + std::to_string(extent));
}

void check_run(const std::string& subject, const Run& run, const TraceInfo& info) {
  const Retention& kept = run.retention;
  const h5::Shape found = {kept.layers(), kept.lanes(), kept.tokens()};
  const h5::Shape wanted = {info.model.layers,
                            lane_count(run.lane_kind, info.model.heads, info.model.kv_heads),
                            info.tokens};
  if (found != wanted)
    fail(subject, "has shape " + h5::shape_text(found),
         "wanted " + h5::shape_text(wanted) + ", that of the trace");
  if (run.trace_uuid != info.uuid)
    fail(subject + "@trace_uuid", "'" + run.trace_uuid + "'",
         "wanted that of the trace, '" + info.uuid + "'");
}

}  // namespace

TraceReader::TraceReader(const std::filesystem::path& path, Incomplete incomplete)
    : trace_(std::make_unique<TraceContents>(open_trace(path, incomplete))) {}

void TraceReader::require_full_rows(std::string_view rows_for) const {
  if (info().capture.rows == FullRows::Record) return;
  fail(trace_->file.name() + ": /attention/weight",
       "holds no full rows, only " + info().capture.text(),
       "wanted every weight of a row for " + std::string(rows_for),
       "record it without --top-k, --pool and --entropy, or with --full-rows beside them");
}

void TraceReader::read_box(const TraceContents::Rows& rows, size_t layer_index, size_t head_index,
                           IndexRange steps, IndexRange columns, void* out) const {
  h5::Shape start = {layer_index, head_index, steps.first}, count = {1, 1, steps.count};
  if (rows.layout.has_columns) {
    start.push_back(columns.first);
    count.push_back(columns.count);
  }
  rows.dataset.read(start, count, out);
}

/// Columns [columns.first, + columns.count) of a set, decoded.
void TraceReader::read_cells(RowSet set, size_t layer_index, size_t head_index, IndexRange steps,
                             IndexRange columns, GridView<float> out) const {
  const TraceContents::Rows& rows = trace_->rows_of(set);
  check_range(rows.dataset.subject() + " steps", steps, info().steps.size());
  DENDROKV_ASSERT(layer_index < info().layers.size() && head_index < info().heads.size());
  DENDROKV_ASSERT(out.rows() == steps.count && out.cols() == columns.count);
  if (steps.count == 0 || columns.count == 0) return;
  const Encoding encoding = rows.layout.cell == CellType::F32 ? Encoding::F32 : info().encoding;
  const size_t row_bytes = columns.count * encoded_bytes(encoding);
  std::vector<std::byte> raw(steps.count * row_bytes);
  read_box(rows, layer_index, head_index, steps, columns, raw.data());
  for (size_t step = 0; step < steps.count; ++step)
    decode_weights(encoding, std::span(raw).subspan(step * row_bytes, row_bytes),
                   trace_->code_table, out.row(step));
}

void TraceReader::read_weights(size_t layer_index, size_t head_index, IndexRange steps,
                               IndexRange positions, GridView<float> out) const {
  require_full_rows("this");
  check_range(trace_->rows_of(RowSet::Weight).dataset.subject() + " positions", positions,
              info().tokens);
  read_cells(RowSet::Weight, layer_index, head_index, steps, positions, out);
}

void TraceReader::read_encoded(RowSet set, size_t layer_index, size_t head_index, IndexRange steps,
                               IndexRange columns, std::span<std::byte> out) const {
  const TraceContents::Rows& rows = trace_->rows_of(set);
  DENDROKV_ASSERT(out.size() == steps.count * columns.count * rows.layout.cell_bytes);
  read_box(rows, layer_index, head_index, steps, columns, out.data());
}

void TraceReader::read_top(size_t layer_index, size_t head_index, IndexRange steps,
                           GridView<int32_t> positions, GridView<float> weights,
                           std::span<float> rest) const {
  const size_t k = info().capture.top_k;
  read_cells(RowSet::TopWeight, layer_index, head_index, steps, {0, k}, weights);
  read_cells(RowSet::Rest, layer_index, head_index, steps, {0, 1}, {rest.data(), rest.size(), 1});
  std::vector<int32_t> raw(steps.count * k);
  if (raw.empty()) return;
  read_box(trace_->rows_of(RowSet::TopPosition), layer_index, head_index, steps, {0, k},
           raw.data());
  for (const int32_t position : raw)  // who reads them takes them for places
    if (position >= 0 && static_cast<uint32_t>(position) >= info().tokens)
      fail(trace_->rows_of(RowSet::TopPosition).dataset.subject(),
           "position " + std::to_string(position),
           "wanted less than " + std::to_string(info().tokens) + ", or -1");
  for (size_t step = 0; step < steps.count; ++step)
    std::copy_n(raw.data() + step * k, k, positions.row(step).data());
}

void TraceReader::read_pools(RowSet set, size_t layer_index, size_t head_index, IndexRange steps,
                             GridView<float> out) const {
  DENDROKV_ASSERT(set == RowSet::PoolMax || set == RowSet::PoolSum);
  read_cells(set, layer_index, head_index, steps, {0, out.cols()}, out);
}

void TraceReader::read_entropy(size_t layer_index, size_t head_index, IndexRange steps,
                               std::span<float> out) const {
  read_cells(RowSet::Entropy, layer_index, head_index, steps, {0, 1}, {out.data(), out.size(), 1});
}

void TraceReader::read_rows(const h5::Dataset& dataset, size_t layer_index, KvHead kv_head,
                            IndexRange positions, GridView<float> out) const {
  check_range(dataset.subject() + " positions", positions, info().tokens);
  const size_t cols = info().model.head_dim;
  DENDROKV_ASSERT(layer_index < info().layers.size() && kv_head.value < info().model.kv_heads);
  DENDROKV_ASSERT(out.rows() == positions.count && out.cols() == cols);
  if (positions.count == 0) return;
  const h5::Shape start = {layer_index, kv_head.value, positions.first, 0};
  const h5::Shape count = {1, 1, positions.count, cols};
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

void TraceReader::read_values(size_t layer_index, KvHead kv_head, IndexRange positions,
                              GridView<float> out) const {
  if (!trace_->value)
    fail(trace_->file.name() + ": /value/value", "is missing", "wanted the value rows");
  read_rows(*trace_->value, layer_index, kv_head, positions, out);
}

void TraceReader::read_keys(size_t layer_index, KvHead kv_head, IndexRange positions,
                            GridView<float> out) const {
  // Without values, keys were not looked at when the trace was opened.
  read_rows(trace_->kv_rows("/key/key"), layer_index, kv_head, positions, out);
}

std::vector<float> TraceReader::read_loss() const {
  std::vector<float> nll(info().tokens);
  trace_->file.open_dataset("/loss/nll", h5::Type::F32, {nll.size()}).read(nll.data());
  return nll;
}

std::optional<Run> TraceReader::read_run(Records records) const {
  if (!trace_->file.has("/run")) return std::nullopt;
  Run run = read_run_group(trace_->file, "/run", records);
  check_run(trace_->file.name() + ": /run", run, info());
  return run;
}

}  // namespace dendrokv
