#include "gui/reduced_rows.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

namespace dendrokv {
namespace {

constexpr float kNothing = std::numeric_limits<float>::quiet_NaN();

/// Of each block: how many of its weights are stored, and their mass.
struct Known {
  std::vector<uint32_t> count;
  std::vector<double> mass;
};

Known known_of_blocks(const ReducedRow& row) {
  Known known{std::vector<uint32_t>(row.pool.size()), std::vector<double>(row.pool.size())};
  for (size_t i = 0; i < row.top_position.size() && !row.pool.empty(); ++i) {
    if (row.top_position[i] < 0) break;
    const size_t block = static_cast<size_t>(row.top_position[i]) / row.pool_positions;
    if (block >= known.count.size()) continue;
    ++known.count[block];
    known.mass[block] += double{row.top_weight[i]};
  }
  return known;
}

/// The smallest weight that is stored, when the row may have smaller ones.
float ceiling_of(const ReducedRow& row) {
  const bool full = !row.top_position.empty() && row.top_position.back() >= 0;
  return full ? row.top_weight.back() : std::numeric_limits<float>::infinity();
}

}  // namespace

void fill_reduced_row(const ReducedRow& row, Step step, IndexRange positions, Reduction reduction,
                      std::span<float> out) {
  std::fill(out.begin(), out.end(), kNothing);
  const size_t end = std::min(positions.first + positions.count, step.index() + 1);
  const Known known = known_of_blocks(row);
  const float ceiling = ceiling_of(row);
  for (size_t block = 0; block < row.pool.size(); ++block) {
    if (std::isnan(row.pool[block])) continue;
    const size_t begin = block * row.pool_positions;
    const size_t block_end = std::min(begin + row.pool_positions, step.index() + 1);
    const size_t first = std::max(begin, positions.first), last = std::min(block_end, end);
    if (first >= last) continue;
    const double others = static_cast<double>(
        block_end - begin - std::min<size_t>(known.count[block], block_end - begin));
    const float share =
        reduction == Reduction::Max ? std::min(row.pool[block], ceiling)
        : others > 0                ? static_cast<float>(
                           std::max(0.0, double{row.pool[block]} - known.mass[block]) / others)
                     : 0.0f;
    std::fill(out.begin() + static_cast<ptrdiff_t>(first - positions.first),
              out.begin() + static_cast<ptrdiff_t>(last - positions.first), share);
  }
  for (size_t i = 0; i < row.top_position.size() && row.top_position[i] >= 0; ++i) {
    const auto position = static_cast<size_t>(row.top_position[i]);
    if (position >= positions.first && position < end)
      out[position - positions.first] = row.top_weight[i];
  }
}

void read_reduced_rows(const TraceReader& trace, size_t layer_index, size_t head_index,
                       IndexRange steps, IndexRange positions, Reduction reduction,
                       GridView<float> out) {
  const TraceInfo& info = trace.info();
  const Capture& capture = info.capture;
  if (capture.top_k == 0 && capture.pool == 0) trace.require_full_rows("a heat map");
  Grid<int32_t> top_position(steps.count, capture.top_k);
  Grid<float> top_weight(steps.count, capture.top_k), pools;
  std::vector<float> rest(steps.count);
  if (capture.top_k > 0)
    trace.read_top(layer_index, head_index, steps, top_position.view(), top_weight.view(), rest);
  if (capture.pool > 0) {
    pools = Grid<float>(steps.count, (info.tokens + capture.pool - 1) / capture.pool);
    trace.read_pools(reduction == Reduction::Max ? RowSet::PoolMax : RowSet::PoolSum, layer_index,
                     head_index, steps, pools.view());
  }
  for (size_t s = 0; s < steps.count; ++s) {
    ReducedRow row{top_position.row(s), top_weight.row(s), {}, capture.pool};
    if (capture.pool > 0) row.pool = pools.row(s);
    fill_reduced_row(row, info.steps[steps.first + s], positions, reduction, out.row(s));
  }
}

QString needs_full_rows(const Capture& capture) {
  if (capture.rows == FullRows::Record) return {};
  return QStringLiteral("This needs every weight of a row. The trace holds only ") +
         QString::fromStdString(capture.text()) +
         QStringLiteral(": record it with --full-rows beside them.");
}

QString reduced_rows_text(const Capture& capture, Reduction reduction) {
  if (capture.rows == FullRows::Record) return {};
  QString text = QStringLiteral(" · NO FULL ROWS: ");
  if (capture.top_k > 0) text += QStringLiteral("the %1 largest of a row").arg(capture.top_k);
  if (capture.pool == 0) return text + QStringLiteral(" only");
  if (capture.top_k > 0) text += QStringLiteral(", the rest ");
  return text + (reduction == Reduction::Max ? QStringLiteral("at most, by blocks of %1")
                                             : QStringLiteral("the mean of blocks of %1"))
                    .arg(capture.pool);
}

}  // namespace dendrokv
