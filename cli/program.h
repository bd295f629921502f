#pragma once
// From the words of the command line to an exit status.

#include <span>
#include <string>

#include "cli/command.h"

namespace dendrokv {

/// `arguments` without the program's own name. Prints; never throws.
ExitStatus run_program(std::span<const std::string> arguments);

/// One command with its own options, as part of another. `command_line` goes into what it writes.
/// Throws what the command throws.
ExitStatus run_one(std::string_view command, std::span<const std::string> arguments,
                   const Session& session, const std::string& command_line);

/// The options of a command, its own and the shared ones, for help, manual page and completion. The
/// values that are parsed land in `command` and are lost with it.
Options declared_options(std::string_view command);

}  // namespace dendrokv
