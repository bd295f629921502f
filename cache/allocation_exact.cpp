#include <algorithm>
#include <string>
#include <vector>

#include "cache/allocation_methods.h"
#include "cache/allocation_steps.h"
#include "data/error.h"

namespace dendrokv {
namespace {

constexpr size_t kMostStates = size_t{1} << 22;  // over all lanes

struct State {
  uint64_t bytes;
  double gain;
  uint32_t before, level;  // the state of the lanes before, and the level of this lane
};

/// Of states by rising bytes those that gain more than all cheaper ones.
std::vector<State> undominated(std::vector<State> states) {
  std::ranges::sort(states, [](const State& one, const State& other) {
    return one.bytes != other.bytes ? one.bytes < other.bytes : one.gain > other.gain;
  });
  std::vector<State> kept;
  for (const State& state : states)
    if (kept.empty() || state.gain > kept.back().gain) kept.push_back(state);
  return kept;
}

}  // namespace

Allocation allocate_exactly(std::span<const LaneOffer> lanes, uint64_t budget) {
  std::vector<std::vector<State>> stages{{State{0, 0, 0, 0}}};
  size_t all = 0;
  for (const LaneOffer& offer : lanes) {
    std::vector<State> states;
    for (uint32_t before = 0; before < stages.back().size(); ++before)
      for (uint32_t level = 0; level < offer.rows.size(); ++level) {
        const State& state = stages.back()[before];
        const uint64_t bytes = state.bytes + offer.bytes[level];
        if (bytes <= budget)
          states.push_back({bytes, state.gain + offer.gain[level], before, level});
      }
    stages.push_back(undominated(std::move(states)));
    all += stages.back().size();
    if (all > kMostStates)
      fail("exact allocation", "more than " + std::to_string(kMostStates) + " states",
           "wanted a smaller case", "use greedy or lagrangian, or fewer levels");
  }
  Allocation allocation = lowest(lanes);
  size_t place = stages.back().size() - 1;
  for (size_t lane = lanes.size(); lane-- > 0;) {
    const State& state = stages[lane + 1][place];
    allocation.level[lane] = state.level;
    place = state.before;
  }
  add_up(lanes, allocation);
  allocation.upper_bound = allocation.gain;
  return allocation;
}

}  // namespace dendrokv
