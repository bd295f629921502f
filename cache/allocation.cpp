// The table of the ways to allocate. To add one: a function in a file of its own, declared in
// cache/allocation_methods.h, and a row.

#include "cache/allocation.h"

#include <algorithm>
#include <string>

#include "cache/allocation_methods.h"
#include "cache/allocation_steps.h"
#include "data/error.h"

namespace dendrokv {
namespace {

constexpr AllocationRow kTable[] = {
    {"greedy", "most gain per byte first", AllocationMethod::Greedy, allocate_greedily},
    {"exact", "dynamic programming, for small cases", AllocationMethod::Exact, allocate_exactly},
    {"lagrangian", "a price per byte", AllocationMethod::Lagrangian, allocate_by_price},
    {"procurement", "proportional share with threshold payments", AllocationMethod::Procurement,
     allocate_by_procurement},
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

}  // namespace

std::span<const AllocationRow> allocation_table() {
  return kTable;
}

Allocation allocate(AllocationMethod method, std::span<const LaneOffer> lanes, uint64_t budget) {
  check(lanes, budget);
  const auto row = std::ranges::find(kTable, method, &AllocationRow::method);
  DENDROKV_ASSERT(row != std::end(kTable));
  return row->allocate(lanes, budget);
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
  even.upper_bound = allocate_greedily(lanes, budget).upper_bound;
  return even;
}

}  // namespace dendrokv
