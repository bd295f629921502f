#pragma once
// How many rows a lane may hold, by its policy alone.

#include <cstdint>

#include "cache/policies.h"

namespace dendrokv {

struct RowBounds {
  uint64_t fewest = 0, most = 0;
};

/// Rows of a lane after the step that brought token number `arrived` (from 1), by the lane's own
/// shape (PolicyChoice::lane_shape). Of a policy whose lanes share a layer's rows, `most` is the
/// mean over the lanes. Exact (fewest = most) for everything before the budget is full and for
/// policies that take one row in and put one row out.
RowBounds row_bounds(const PolicyShape& lane, uint64_t arrived);

/// The most rows that a lane shows a query while `tokens` tokens come, the query's own included:
/// what ranks in the cache need of a model's context. The policy fits() so many layers and lanes.
uint64_t most_rows_shown(const PolicyChoice& choice, uint32_t layers, uint32_t lanes,
                         uint64_t tokens);

}  // namespace dendrokv
