#pragma once
// Which layers, heads and steps: lists such as "0-3,7" and rules such as "every:16".

#include <cstdint>
#include <string>
#include <vector>

#include "data/ids.h"

namespace dendrokv {

/// "all", or numbers and ranges "0-3,7" (both ends included), all below `count`; the result rises
/// and has nothing twice. `option` and `kind` ("layer") name the culprit. Throws UsageError.
std::vector<uint32_t> parse_ranges(const std::string& option, const std::string& kind,
                                   const std::string& text, uint32_t count);

/// "all", "last", "every:K" (steps 0, K, 2K, ...) or a list as above, for a text of `tokens`
/// tokens.
std::vector<Step> parse_steps(const std::string& option, const std::string& text, uint32_t tokens);

}  // namespace dendrokv
