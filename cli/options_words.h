#pragma once
// What parse and help of options share.

#include "cli/options.h"
#include "data/split.h"

namespace dendrokv {

inline bool is_positional(const Option& option) {
  return option.kind == Option::Kind::Positional || option.kind == Option::Kind::Positionals;
}

}  // namespace dendrokv
