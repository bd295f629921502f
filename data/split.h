#pragma once
// Lists in a text: options of a spec, values of an option.

#include <string_view>
#include <vector>

namespace dendrokv {

/// The parts between separators, empty ones too: at least one. They point into `text`.
inline std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  for (;;) {
    const size_t end = text.find(separator);
    parts.push_back(text.substr(0, end));
    if (end == std::string_view::npos) return parts;
    text.remove_prefix(end + 1);
  }
}

}  // namespace dendrokv
