#include <algorithm>
#include <optional>
#include <vector>

#include "cache/allocation_methods.h"
#include "cache/allocation_steps.h"

namespace dendrokv {

Allocation allocate_greedily(std::span<const LaneOffer> lanes, uint64_t budget) {
  Allocation taken = lowest(lanes), alone = taken;
  std::optional<double> upper;
  // A lane whose step did not fit goes no further up its hull.
  std::vector<bool> closed(lanes.size(), false);
  for (const HullStep& step : sorted_steps(lanes, budget)) {
    if (closed[step.lane]) continue;
    if (step.bytes <= budget - taken.bytes) {
      taken.level[step.lane] = step.to;
      taken.bytes += step.bytes;
      taken.gain += step.gain;
      continue;
    }
    closed[step.lane] = true;
    if (upper) continue;
    upper = taken.gain + step.per_byte() * static_cast<double>(budget - taken.bytes);
    alone.level[step.lane] = step.to;
  }
  add_up(lanes, taken);
  add_up(lanes, alone);
  fill(lanes, budget, taken);
  if (alone.bytes <= budget) {
    fill(lanes, budget, alone);
    if (alone.gain > taken.gain) taken = alone;
  }
  taken.upper_bound = upper ? std::max(*upper, taken.gain) : taken.gain;
  return taken;
}

}  // namespace dendrokv
