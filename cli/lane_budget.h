#pragma once
// The rows of each lane that a budget map said, as commands print them.

#include <string>

#include "cli/json.h"
#include "data/budget_map.h"

namespace dendrokv {

/// An array per layer of the rows of its lanes.
Json lanes_json(const BudgetMap& map);
/// Of each policy, null where one has no map. For an object that has `policies`.
Json lanes_json(const LaneBudgets& budgets);
/// "40 to 96 rows"
std::string lanes_text(const BudgetMap& map);

}  // namespace dendrokv
