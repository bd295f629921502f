#include "model/row_cells.h"

#include <algorithm>
#include <utility>

namespace dendrokv {
namespace {

// How many positions from the first on follow each other.
size_t without_gap(std::span<const Position> positions) {
  const uint32_t first = positions.front().value;
  if (positions.back().value - first + 1 == positions.size()) return positions.size();
  size_t count = 1;
  while (count < positions.size() && positions[count].value == first + count) ++count;
  return count;
}

// Positions without a gap go straight into the chunk: all of a full cache, long runs of an evicted
// one.
void put_weights(const AttentionRow& row, RowBands::Row& cells) {
  size_t end = 0;  // of the cells so far
  for (size_t first = 0; first < row.weights.size();) {
    const size_t position = row.positions[first].index();
    const size_t count = without_gap(row.positions.subspan(first));
    cells.put_absent(end, position - end);
    cells.put(position, row.weights.subspan(first, count));
    first += count;
    end = position + count;
  }
  cells.put_absent(end, cells.columns() - end);
}

}  // namespace

void put_row(const AttentionRow& row, const RowLayout& layout, const Capture& capture,
             RowReductions& made, RowBands::Row& cells) {
  const auto put_all = [&](auto& values) {
    cells.put(0, std::span(std::as_const(values)).first(std::min(values.size(), cells.columns())));
    const size_t end = std::min(values.size(), cells.columns());
    cells.put_absent(end, cells.columns() - end);
  };
  switch (layout.set) {
    case RowSet::Weight:
      return put_weights(row, cells);
    case RowSet::TopPosition:
      find_top(row.positions, row.weights, capture.top_k, made.top);
      return put_all(made.top.positions);
    case RowSet::TopWeight:
      return put_all(made.top.weights);
    case RowSet::Rest:
      return cells.put(0, std::span<const float>(&made.top.rest, 1));
    case RowSet::PoolMax:
      pool_weights(row.positions, row.weights, capture.pool, layout.columns, made.pools);
      return put_all(made.pools.largest);
    case RowSet::PoolSum:
      return put_all(made.pools.sum);
    case RowSet::Entropy: {
      const float entropy = entropy_of(row.weights);
      return cells.put(0, std::span<const float>(&entropy, 1));
    }
  }
}

}  // namespace dendrokv
