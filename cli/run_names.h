#pragma once
// What runs are called where there is no room for a whole spec.

#include <span>
#include <string>
#include <vector>

#include "data/retention.h"

namespace dendrokv {

/// One each, no two alike: the policy, options of it that change what it is, and as few of the
/// others as tell runs of one policy apart; then the loop, then a number.
std::vector<std::string> run_names(std::span<const Run> runs);

}  // namespace dendrokv
