#include "cache/allocation_steps.h"

#include <algorithm>
#include <optional>

namespace dendrokv {
namespace {

/// Levels that cost more than `most` above the first are left out.
std::vector<HullStep> hull_of(const LaneOffer& offer, size_t lane, uint64_t most) {
  std::vector<HullStep> hull;
  size_t level = 0;
  for (;;) {
    std::optional<HullStep> best;
    for (size_t to = level + 1; to < offer.rows.size(); ++to) {
      if (offer.bytes[to] == offer.bytes[level] || offer.bytes[to] - offer.bytes[0] > most)
        continue;
      const HullStep step{lane, level, to, offer.gain[to] - offer.gain[level],
                          offer.bytes[to] - offer.bytes[level]};
      if (step.gain > 0 && (!best || step.per_byte() >= best->per_byte())) best = step;
    }
    if (!best) return hull;
    hull.push_back(*best);
    level = best->to;
  }
}

}  // namespace

std::vector<HullStep> sorted_steps(std::span<const LaneOffer> lanes, uint64_t budget) {
  uint64_t least = 0;
  for (const LaneOffer& offer : lanes) least += offer.bytes[0];
  std::vector<HullStep> steps;
  for (size_t lane = 0; lane < lanes.size(); ++lane) {
    const std::vector<HullStep> hull = hull_of(lanes[lane], lane, budget - least);
    steps.insert(steps.end(), hull.begin(), hull.end());
  }
  std::ranges::stable_sort(steps, [](const HullStep& one, const HullStep& other) {
    return one.per_byte() > other.per_byte();
  });
  return steps;
}

void add_up(std::span<const LaneOffer> lanes, Allocation& allocation) {
  allocation.gain = 0;
  allocation.bytes = 0;
  for (size_t lane = 0; lane < lanes.size(); ++lane) {
    allocation.gain += lanes[lane].gain[allocation.level[lane]];
    allocation.bytes += lanes[lane].bytes[allocation.level[lane]];
  }
}

Allocation lowest(std::span<const LaneOffer> lanes) {
  Allocation allocation;
  allocation.level.assign(lanes.size(), 0);
  add_up(lanes, allocation);
  return allocation;
}

void fill(std::span<const LaneOffer> lanes, uint64_t budget, Allocation& allocation) {
  for (;;) {
    std::optional<HullStep> best;
    for (size_t lane = 0; lane < lanes.size(); ++lane) {
      const LaneOffer& offer = lanes[lane];
      const size_t level = allocation.level[lane];
      for (size_t to = level + 1; to < offer.rows.size(); ++to) {
        const HullStep step{lane, level, to, offer.gain[to] - offer.gain[level],
                            offer.bytes[to] - offer.bytes[level]};
        if (step.gain > 0 && step.bytes <= budget - allocation.bytes &&
            (!best || step.gain > best->gain))
          best = step;
      }
    }
    if (!best) return;
    allocation.level[best->lane] = best->to;
    add_up(lanes, allocation);
  }
}

}  // namespace dendrokv
