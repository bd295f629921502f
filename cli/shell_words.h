#pragma once
// Command lines as a shell reads them.

#include <span>
#include <string>

namespace dendrokv {

/// "dendrokv" and the words behind it, quoted where a shell needs it.
std::string shell_line(std::span<const std::string> words);

}  // namespace dendrokv
