#pragma once
// The manual page and the shell completion, made from the table of commands and their declared
// options.

#include <string>

namespace dendrokv {

/// dendrokv(1), in man's macros.
std::string manual_page();
/// For bash-completion: command names, options of the command, choices of an option, else files.
std::string bash_completion();

}  // namespace dendrokv
