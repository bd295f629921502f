#pragma once
// A command over many inputs and settings as a list of tasks, each the same command over one input
// with one setting.
//
// Every input, and every value of an option that was given several times, makes a row of the list:
// texts outermost, options in the order of the help. What a task gives depends on its row alone, so
// it does not matter which process does it, or when.

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "cli/commands.h"

namespace dendrokv {

struct Task {
  uint64_t order = 0;  // place in the list
  std::string key;     // SHA-256 over model, inputs, parameters and format
  std::string text;    // its command line, without where results go and how they are computed
  std::vector<std::string> arguments;  // behind the command, without output
};

struct TaskList {
  std::string command;
  std::string text;  // of the whole list, as Task::text
  std::vector<Task> tasks;
};

/// The options of a row that name inputs.
std::vector<std::string_view> input_names(const CommandRow& row);
/// Whether some option that the command takes once was given several values.
bool takes_one_at_a_time(std::span<const Options::Given> given);

/// How much a command line asks for: 1 where the command itself does it in one piece. `arguments`
/// must have been parsed without error or have several values where one was wanted.
TaskList list_tasks(const CommandRow& row, const Options& options,
                    std::span<const std::string> arguments, const Session& session);

}  // namespace dendrokv
