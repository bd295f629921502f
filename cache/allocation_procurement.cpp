#include <algorithm>
#include <utility>
#include <vector>

#include "cache/allocation_methods.h"
#include "cache/allocation_steps.h"

namespace dendrokv {
namespace {

/// How many of the steps, in their order, the budget buys; and what their gains sum to.
std::pair<size_t, double> buyers_choice(std::span<const HullStep> steps, double budget) {
  double sum = 0;
  size_t count = 0;
  for (const HullStep& step : steps) {
    const double with = sum + step.gain;
    if (static_cast<double>(step.bytes) > budget * step.gain / with) break;
    sum = with;
    ++count;
  }
  return {count, sum};
}

}  // namespace

Allocation allocate_by_procurement(std::span<const LaneOffer> lanes, uint64_t budget) {
  Allocation allocation = lowest(lanes);
  allocation.payment.assign(lanes.size(), 0);
  const auto rest = static_cast<double>(budget - allocation.bytes);
  const std::vector<HullStep> steps = sorted_steps(lanes, budget);
  const auto [count, sum] = buyers_choice(steps, rest);
  for (size_t i = 0; i < count; ++i) {
    const HullStep& step = steps[i];
    allocation.level[step.lane] = step.to;
    const double share = rest * step.gain / sum;
    const double next = count < steps.size() ? step.gain / steps[count].per_byte() : share;
    allocation.payment[step.lane] += std::min(share, next);
  }
  add_up(lanes, allocation);
  allocation.upper_bound = allocate_greedily(lanes, budget).upper_bound;
  return allocation;
}

}  // namespace dendrokv
