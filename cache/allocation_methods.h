#pragma once
// The ways of the table in cache/allocation.cpp, each in a file of its own. The first levels of all
// lanes fit the budget.

#include <span>

#include "cache/allocation.h"

namespace dendrokv {

Allocation allocate_greedily(std::span<const LaneOffer> lanes, uint64_t budget);
Allocation allocate_exactly(std::span<const LaneOffer> lanes, uint64_t budget);
Allocation allocate_by_price(std::span<const LaneOffer> lanes, uint64_t budget);
Allocation allocate_by_procurement(std::span<const LaneOffer> lanes, uint64_t budget);

}  // namespace dendrokv
