#pragma once
// What the ways of allocation share: steps up the lanes' concave hulls, and levels as they are
// taken.

#include <span>
#include <vector>

#include "cache/allocation.h"

namespace dendrokv {

/// From one level of a lane's concave hull to the next.
struct HullStep {
  size_t lane, from, to;
  double gain;
  uint64_t bytes;
  double per_byte() const { return gain / static_cast<double>(bytes); }
};

/// Steps up the hulls of all lanes, most gain per byte first; equal ones by lane. A hull is the
/// upper left one of (bytes, gain) from the lane's first level on: steps of falling gain per byte,
/// all of them gains. Levels that do not fit the budget with all other lanes at their first level
/// are left out.
std::vector<HullStep> sorted_steps(std::span<const LaneOffer> lanes, uint64_t budget);

/// All lanes at their first level.
Allocation lowest(std::span<const LaneOffer> lanes);
/// Sums of gains and bytes anew, from the levels.
void add_up(std::span<const LaneOffer> lanes, Allocation& allocation);
/// Takes the best change of one lane's level that still fits, until none is left.
void fill(std::span<const LaneOffer> lanes, uint64_t budget, Allocation& allocation);

}  // namespace dendrokv
