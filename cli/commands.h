#pragma once
// The table of commands: name, summary, constructor.

#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "cli/command.h"

namespace dendrokv {

struct CommandRow {
  std::string_view name;
  std::string_view summary;  // one line, no full stop
  std::unique_ptr<Command> (*make)();
  /// Options that name its inputs, "--text,--ids", where several inputs are so many tasks
  /// (cli/task_list.h); else empty.
  std::string_view inputs = {};
};

std::span<const CommandRow> command_table();
/// How many of the words, which begin with a command, are its name: two of "eval needle --text",
/// else one.
size_t words_of_command(std::span<const std::string> words);
/// Throws UsageError that lists the nearest names.
const CommandRow& find_command(std::string_view name);

}  // namespace dendrokv
