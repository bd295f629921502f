#include <algorithm>
#include <limits>

#include "cache/allocation_methods.h"
#include "cache/allocation_steps.h"

namespace dendrokv {
namespace {

/// Each lane's best level when a byte costs `price`; of equals the cheapest.
Allocation at_price(std::span<const LaneOffer> lanes, double price, double& dual) {
  Allocation allocation = lowest(lanes);
  dual = 0;
  for (size_t lane = 0; lane < lanes.size(); ++lane) {
    double best = -std::numeric_limits<double>::infinity();
    for (size_t level = 0; level < lanes[lane].rows.size(); ++level) {
      const double profit =
          lanes[lane].gain[level] - price * static_cast<double>(lanes[lane].bytes[level]);
      if (profit <= best) continue;
      best = profit;
      allocation.level[lane] = level;
    }
    dual += best;
  }
  add_up(lanes, allocation);
  return allocation;
}

}  // namespace

Allocation allocate_by_price(std::span<const LaneOffer> lanes, uint64_t budget) {
  constexpr int kHalvings = 100;
  double low = 0, high = 1e-300, dual = 0;
  Allocation found = at_price(lanes, 0, dual);
  double upper = dual;  // price 0: the dual is the sum of the best gains
  if (found.bytes > budget) {
    while (at_price(lanes, high, dual).bytes > budget) high *= 1e3;
    for (int halving = 0; halving < kHalvings; ++halving) {
      const double price = (low + high) / 2;
      const Allocation here = at_price(lanes, price, dual);
      upper = std::min(upper, dual + price * static_cast<double>(budget));
      (here.bytes > budget ? low : high) = price;
    }
    found = at_price(lanes, high, dual);
    upper = std::min(upper, dual + high * static_cast<double>(budget));
  }
  fill(lanes, budget, found);
  found.upper_bound = std::max(upper, found.gain);
  return found;
}

}  // namespace dendrokv
