#pragma once
// Rows for each lane under a total of bytes.
//
// A lane has levels of rows; a level costs bytes and is worth a gain. One level of each lane is
// chosen so that the sum of gains is as large as can be and the sum of bytes no more than the
// budget: a multiple-choice knapsack (Kellerer, Pferschy, Pisinger, Knapsack Problems, 2004,
// chapter 11). Four ways:
//
//   greedy        up the concave hull of each lane's gains, the step with most gain per byte first.
//                 With U the value of the relaxed problem (steps may be taken in part): the result
//                 is at least U minus the gain of the first step that did not fit, and, since that
//                 step alone is tried too, at least U / 2 above what the lowest levels give. Then
//                 what still fits is taken.
//   exact         by dynamic programming over all (bytes, gain) that no other beats; for small
//                 cases
//   lagrangian    a price per byte, halved until the bytes fit: each lane takes the level that is
//                 best at the price. Everett, Operations Research 11, 1963. For any number of
//                 lanes; then what still fits is taken.
//   procurement   the budget buys rows from the lanes, who declare what they gain. Proportional
//                 share: steps in the order of gain per byte, as many of them as cost, each, no
//                 more than the budget's share by gain (Singer, FOCS 2010, section 3.1). What a
//                 lane is paid for a step, in bytes, is the most at which the step would still have
//                 been bought; payments sum to no more than the budget. A lane that declares more
//                 never gets less, and what it can win by that is bounded by the payments.

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace dendrokv {

/// Levels with rising rows and bytes; the first is what the lane has at least. Gains may be any
/// numbers.
struct LaneOffer {
  std::vector<uint32_t> rows;
  std::vector<uint64_t> bytes;
  std::vector<double> gain;
};

struct Allocation {
  std::vector<size_t> level;  // [lane]
  double gain = 0;            // sum
  uint64_t bytes = 0;         // sum, never more than the budget
  // Of the gain that any allocation can have; exact: the gain itself.
  double upper_bound = 0;
  std::vector<double> payment = {};  // procurement: bytes, [lane], the first levels' cost left out
};

enum class AllocationMethod : uint8_t { Greedy, Exact, Lagrangian, Procurement };

struct AllocationRow {
  std::string_view name, summary;
  AllocationMethod method;
  /// As allocate() below; the first levels fit.
  Allocation (*allocate)(std::span<const LaneOffer> lanes, uint64_t budget);
};
std::span<const AllocationRow> allocation_table();

/// Throws Error when the first levels alone cost more than the budget, and, of Exact, when the case
/// is too large.
Allocation allocate(AllocationMethod method, std::span<const LaneOffer> lanes, uint64_t budget);

/// The same number of rows for every lane, as many as the budget allows: what an allocation has to
/// beat. `lanes` have equal levels.
Allocation allocate_evenly(std::span<const LaneOffer> lanes, uint64_t budget);

}  // namespace dendrokv
