#pragma once
// What parse and help of options share.

#include <string_view>
#include <vector>

#include "cli/options.h"

namespace dendrokv {

inline std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  for (;;) {
    const size_t end = text.find(separator);
    parts.push_back(text.substr(0, end));
    if (end == std::string_view::npos) return parts;
    text.remove_prefix(end + 1);
  }
}

inline bool is_positional(const Option& option) {
  return option.kind == Option::Kind::Positional || option.kind == Option::Kind::Positionals;
}

}  // namespace dendrokv
