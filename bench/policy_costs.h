#pragma once
// What each policy costs per decoded token, beside a full cache that reads as many rows.
//
// All streams decode in turns, token by token, past their budgets; a cut of many rows is shared by
// the tokens of its cycle. The rows that a policy reads differ from one to the next (cuts, pages),
// so the time of a full cache with just as many is drawn between those of two full caches.

#include "bench/benchmarks.h"
#include "bench/json.h"

namespace dendrokv::bench {

/// Needs a model; `options.filter` chooses policies. Throws Error.
void append_policy_costs(const Options& options, JsonObject& result);

}  // namespace dendrokv::bench
