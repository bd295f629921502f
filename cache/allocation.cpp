#include "cache/allocation.h"

#include <algorithm>
#include <limits>
#include <optional>
#include <string>

#include "data/error.h"

namespace dendrokv {
namespace {

constexpr size_t kMostStates = size_t{1} << 22;  // of the exact way, over all lanes

constexpr AllocationRow kTable[] = {
    {"greedy", "most gain per byte first", AllocationMethod::Greedy},
    {"exact", "dynamic programming, for small cases", AllocationMethod::Exact},
    {"lagrangian", "a price per byte", AllocationMethod::Lagrangian},
    {"procurement", "proportional share with threshold payments", AllocationMethod::Procurement},
};

void check(std::span<const LaneOffer> lanes, uint64_t budget) {
  uint64_t least = 0;
  for (const LaneOffer& lane : lanes) {
    DENDROKV_ASSERT(!lane.rows.empty() && lane.rows.size() == lane.bytes.size() &&
                    lane.rows.size() == lane.gain.size());
    DENDROKV_ASSERT(std::ranges::is_sorted(lane.bytes) && std::ranges::is_sorted(lane.rows));
    least += lane.bytes[0];
  }
  if (least > budget)
    fail("budget of " + std::to_string(budget) + " bytes",
         "the fewest rows of all lanes cost " + std::to_string(least), "wanted at least that",
         "raise the budget or allow fewer rows");
}

/// From one level of a lane's concave hull to the next.
struct HullStep {
  size_t lane, from, to;
  double gain;
  uint64_t bytes;
  double per_byte() const { return gain / static_cast<double>(bytes); }
};

/// Upper left hull of (bytes, gain) from the first level on: steps of falling gain per byte, all of
/// them gains. Levels that cost more than `most` above the first are none: with all others at their
/// first level they would not fit.
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

/// Steps of all lanes, most gain per byte first; equal ones by lane.
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

/// Takes the best change of one lane's level that still fits, until none is left.
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

Allocation greedy(std::span<const LaneOffer> lanes, uint64_t budget) {
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

Allocation exact(std::span<const LaneOffer> lanes, uint64_t budget) {
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

Allocation lagrangian(std::span<const LaneOffer> lanes, uint64_t budget) {
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

Allocation procurement(std::span<const LaneOffer> lanes, uint64_t budget) {
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
  allocation.upper_bound = greedy(lanes, budget).upper_bound;
  return allocation;
}

}  // namespace

std::span<const AllocationRow> allocation_table() {
  return kTable;
}

Allocation allocate(AllocationMethod method, std::span<const LaneOffer> lanes, uint64_t budget) {
  check(lanes, budget);
  switch (method) {
    case AllocationMethod::Greedy:
      return greedy(lanes, budget);
    case AllocationMethod::Exact:
      return exact(lanes, budget);
    case AllocationMethod::Lagrangian:
      return lagrangian(lanes, budget);
    case AllocationMethod::Procurement:
      break;
  }
  return procurement(lanes, budget);
}

Allocation allocate_evenly(std::span<const LaneOffer> lanes, uint64_t budget) {
  check(lanes, budget);
  Allocation even = lowest(lanes);
  for (size_t level = 1; level < lanes[0].rows.size(); ++level) {
    Allocation next = even;
    next.level.assign(lanes.size(), level);
    add_up(lanes, next);
    if (next.bytes > budget) break;
    even = next;
  }
  even.upper_bound = greedy(lanes, budget).upper_bound;
  return even;
}

}  // namespace dendrokv
