#include "cli/shell_words.h"

#include <algorithm>
#include <cctype>
#include <string_view>

namespace dendrokv {

std::string shell_line(std::span<const std::string> words) {
  std::string line = "dendrokv";
  for (const std::string& word : words) {
    const bool plain =
        !word.empty() && std::all_of(word.begin(), word.end(), [](unsigned char letter) {
          return std::isalnum(letter) != 0 ||
                 std::string_view("-_./=:,+@%").find(static_cast<char>(letter)) !=
                     std::string_view::npos;
        });
    line += " ";
    if (plain) {
      line += word;
      continue;
    }
    line += '\'';
    for (const char letter : word)
      line += letter == '\'' ? std::string("'\\''") : std::string(1, letter);
    line += '\'';
  }
  return line;
}

}  // namespace dendrokv
