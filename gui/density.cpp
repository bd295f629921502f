#include "gui/density.h"

#include <algorithm>
#include <cmath>
#include <map>

namespace dendrokv {
namespace {

/// Bins of growing width from distance 1 to `farthest`, none empty.
std::vector<DensityBin> bins_up_to(uint64_t farthest) {
  std::vector<DensityBin> bins;
  uint64_t first = 1;
  for (int edge = 1; first <= farthest; ++edge) {
    const auto end = static_cast<uint64_t>(
        std::ceil(std::exp2(static_cast<double>(edge) / kBinsPerOctave) - 1e-9));
    if (end <= first) continue;
    bins.push_back({first, std::min(end, farthest + 1), 0});
    first = end;
  }
  return bins;
}

}  // namespace

Density retained_density(const RunIndex& index, std::span<const LaneId> lanes, Step step) {
  Density found;
  const uint64_t seen =
      std::min<uint64_t>(step.value + uint64_t{1}, index.run().retention.tokens());
  found.bins = bins_up_to(seen);
  std::vector<uint64_t> kept(found.bins.size());
  std::map<uint16_t, std::vector<uint32_t>> distances;
  for (const LaneId& id : lanes) {
    const LaneIndex& lane = index.lane(id);
    // Rising positions are falling distances: the bin only goes down.
    size_t bin = found.bins.size() - 1;
    lane.for_each_kept({0, seen}, step, [&](Position position) {
      const uint32_t distance = step.value - position.value + 1;
      while (distance < found.bins[bin].first) --bin;
      ++kept[bin];
      if (index.place(position, step) == Place::Tree)
        distances[lane.level(position, step)].push_back(distance);
    });
  }
  for (size_t bin = 0; bin < kept.size(); ++bin) {
    const uint64_t pairs = (found.bins[bin].end - found.bins[bin].first) * lanes.size();
    found.bins[bin].density = static_cast<double>(kept[bin]) / static_cast<double>(pairs);
  }
  for (auto& [level, far] : distances) {
    const auto middle = far.begin() + static_cast<ptrdiff_t>(far.size() / 2);
    std::nth_element(far.begin(), middle, far.end());
    found.levels.push_back({level, far.size(), static_cast<double>(*middle)});
  }
  return found;
}

}  // namespace dendrokv
