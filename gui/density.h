#pragma once
// How much of the text is kept at which distance from the step. Plain numbers, no window.

#include <span>
#include <vector>

#include "gui/run_index.h"

namespace dendrokv {

/// Distances [first, end) from the step (the step's own token has distance 1), several to an
/// octave.
struct DensityBin {
  uint64_t first = 1, end = 2;
  double density = 0;  // kept share of the (lane, position) pairs
};
/// Tokens of one tree level.
struct DensityLevel {
  uint16_t level = 0;
  uint64_t tokens = 0;  // over all lanes
  double median_distance = 0;
};
struct Density {
  std::vector<DensityBin> bins;
  std::vector<DensityLevel> levels;  // those that hold tokens, rising; the tree only
};
inline constexpr int kBinsPerOctave = 3;
Density retained_density(const RunIndex& index, std::span<const LaneId> lanes, Step step);

}  // namespace dendrokv
