#include "analysis/change_points.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <string>

#include "analysis/random.h"
#include "data/error.h"

namespace dendrokv {
namespace {

constexpr size_t kLeastBlocks = 4;

// D and its place for squares in the order that `blocks` gives.
VarianceChange cumulative(std::span<const double> squares, std::span<const size_t> blocks,
                          size_t block, double total) {
  VarianceChange change;
  const auto count = static_cast<double>(squares.size());
  double sum = 0;
  size_t place = 0;
  for (const size_t from : blocks)
    for (size_t t = from * block; t < std::min((from + 1) * block, squares.size()); ++t, ++place) {
      sum += squares[t];
      const double distance = std::fabs(sum / total - static_cast<double>(place + 1) / count);
      if (distance > change.statistic) {
        change.statistic = distance;
        change.after = place;
      }
    }
  return change;
}

void segment(std::span<const double> coefficients, size_t offset, size_t block, double significance,
             const Resampling& resampling, std::vector<VarianceChange>& changes) {
  if (coefficients.size() < kLeastBlocks * block) return;
  VarianceChange change = variance_change(coefficients, block, resampling);
  if (change.p_value > significance) return;
  const size_t cut = change.after + 1;
  segment(coefficients.first(cut), offset, block, significance, resampling, changes);
  change.after += offset;
  changes.push_back(change);
  segment(coefficients.subspan(cut), offset + cut, block, significance, resampling, changes);
}

}  // namespace

VarianceChange variance_change(std::span<const double> coefficients, size_t block,
                               const Resampling& resampling) {
  DENDROKV_ASSERT(block >= 1 && resampling.draws > 0);
  const size_t blocks = (coefficients.size() + block - 1) / block;
  if (blocks < kLeastBlocks)
    fail("coefficients", std::to_string(coefficients.size()),
         "wanted at least " + std::to_string(kLeastBlocks * block) + " to look for a change",
         "take a longer text or a lower level");
  std::vector<double> squares(coefficients.size());
  std::ranges::transform(coefficients, squares.begin(), [](double w) { return w * w; });
  const double total = std::accumulate(squares.begin(), squares.end(), 0.0);
  if (!(total > 0)) return {};
  std::vector<size_t> order(blocks);
  std::iota(order.begin(), order.end(), size_t{0});
  VarianceChange change = cumulative(squares, order, block, total);
  size_t reached = 0;
  for (size_t draw = 0; draw < resampling.draws; ++draw) {
    RandomStream random(resampling.seed, draw);
    random.shuffle(std::span(order));
    reached += cumulative(squares, order, block, total).statistic >= change.statistic ? 1 : 0;
  }
  change.p_value = static_cast<double>(1 + reached) / static_cast<double>(1 + resampling.draws);
  return change;
}

std::vector<VarianceChange> variance_changes(std::span<const double> coefficients, size_t block,
                                             double significance, const Resampling& resampling) {
  std::vector<VarianceChange> changes;
  segment(coefficients, 0, block, significance, resampling, changes);
  return changes;
}

}  // namespace dendrokv
