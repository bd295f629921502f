#include "data/row_sets.h"

#include <algorithm>
#include <bit>

#include "data/error.h"

namespace dendrokv {
namespace {

constexpr size_t kChunkBytes = 64 << 10;  // of a reduction
constexpr size_t kMostChunkSteps = 1024, kMostChunkColumns = 4096;

struct Row {
  RowSet set;
  std::string_view path;
  CellType cell;
  /// Columns of a row; 0 = one number; absent unless the capture wants it.
  size_t (*columns)(const TraceInfo& info);
  bool (*is_wanted)(const Capture& capture);
};

size_t one_number(const TraceInfo&) {
  return 0;
}
size_t per_position(const TraceInfo& info) {
  return info.tokens;
}
size_t per_rank(const TraceInfo& info) {
  return info.capture.top_k;
}
size_t per_pool(const TraceInfo& info) {
  return (info.tokens + info.capture.pool - 1) / info.capture.pool;
}

bool wants_rows(const Capture& capture) {
  return capture.rows == FullRows::Record;
}
bool wants_top(const Capture& capture) {
  return capture.top_k > 0;
}
bool wants_pools(const Capture& capture) {
  return capture.pool > 0;
}
bool wants_entropy(const Capture& capture) {
  return capture.entropy == EntropyRows::Record;
}

constexpr Row kRows[] = {
    {RowSet::Weight, "/attention/weight", CellType::Encoded, per_position, wants_rows},
    {RowSet::TopPosition, "/attention/topk_position", CellType::I32, per_rank, wants_top},
    {RowSet::TopWeight, "/attention/topk_weight", CellType::Encoded, per_rank, wants_top},
    {RowSet::Rest, "/attention/rest", CellType::F32, one_number, wants_top},
    {RowSet::PoolMax, "/attention/pool_max", CellType::Encoded, per_pool, wants_pools},
    {RowSet::PoolSum, "/attention/pool_sum", CellType::Encoded, per_pool, wants_pools},
    {RowSet::Entropy, "/attention/entropy", CellType::F32, one_number, wants_entropy},
};

RowLayout layout_of(const Row& row, const TraceInfo& info, ChunkShape weights) {
  RowLayout layout;
  layout.set = row.set;
  layout.path = row.path;
  layout.cell = row.cell;
  layout.cell_bytes = row.cell == CellType::Encoded ? encoded_bytes(info.encoding) : 4;
  const size_t columns = row.columns(info);
  layout.has_columns = columns > 0;
  layout.columns = std::max<size_t>(columns, 1);
  const size_t steps = std::max<size_t>(info.steps.size(), 1);
  if (row.set == RowSet::Weight) {
    layout.chunk_heads = weights.heads;
    layout.chunk_steps = weights.steps;
    layout.chunk_columns = weights.positions;
  } else {
    layout.chunk_columns = std::min(layout.columns, kMostChunkColumns);
    const size_t fitting = std::bit_floor(kChunkBytes / (layout.chunk_columns * layout.cell_bytes));
    layout.chunk_steps = std::min(std::clamp<size_t>(fitting, 1, kMostChunkSteps), steps);
  }
  return layout;
}

}  // namespace

std::string_view row_set_path(RowSet set) {
  for (const Row& row : kRows)
    if (row.set == set) return row.path;
  DENDROKV_ASSERT(!"a set of the table");
  return {};
}

size_t RowLayout::steps_in(size_t step_chunk, size_t steps) const {
  DENDROKV_ASSERT(step_chunk * chunk_steps < steps);
  return std::min(chunk_steps, steps - step_chunk * chunk_steps);
}

std::vector<RowLayout> row_layouts(const TraceInfo& info, ChunkShape weights) {
  std::vector<RowLayout> layouts;
  for (const Row& row : kRows)
    if (row.is_wanted(info.capture)) layouts.push_back(layout_of(row, info, weights));
  return layouts;
}

size_t columns_reached(const RowLayout& layout, const Capture& capture, Step step) {
  if (layout.set == RowSet::Weight) return step.index() + 1;
  if (layout.set == RowSet::PoolMax || layout.set == RowSet::PoolSum)
    return step.index() / capture.pool + 1;
  return layout.columns;
}

uint64_t stored_bytes(const RowLayout& layout, const TraceInfo& info) {
  uint64_t chunks = 0;
  for (size_t first = 0; first < info.steps.size(); first += layout.chunk_steps) {
    const size_t last = std::min(first + layout.chunk_steps, info.steps.size()) - 1;
    const size_t reached = columns_reached(layout, info.capture, info.steps[last]);
    chunks += (reached + layout.chunk_columns - 1) / layout.chunk_columns;
  }
  return chunks * layout.head_bytes();
}

}  // namespace dendrokv
