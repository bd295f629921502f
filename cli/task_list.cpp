#include "cli/task_list.h"

#include <algorithm>
#include <filesystem>

#include "cli/inputs.h"
#include "cli/shell_words.h"
#include "data/hdf5.h"
#include "data/identity.h"
#include "data/set_file.h"
#include "data/split.h"

namespace dendrokv {
namespace {

namespace fs = std::filesystem;

constexpr uint64_t kMostTasks = uint64_t{1} << 24;
constexpr std::string_view kKeyVersion = "dendrokv task 1";

// Say where results go or how they are computed, never what they are.
constexpr std::string_view kWithoutEffect[] = {"--output", "--threads",       "--isa",
                                               "--json",   "--quiet",         "--verbose",
                                               "--shard",  "--share-weights", "--block"};

bool has_effect(std::string_view name) {
  return std::ranges::find(kWithoutEffect, name) == std::end(kWithoutEffect);
}

/// A value as it stands on the command line, and for the key: with what is in the file that it
/// names.
struct Word {
  std::string value, fingerprint;
};

/// Who a file is: its uuid where it is one of ours, else what is in it.
std::string fingerprint(const fs::path& path) {
  std::error_code ignored;
  const h5::Place place = h5::place_of(path);
  if (!fs::is_regular_file(place.file, ignored)) return {};
  try {
    return uuid_of_file(path);
  } catch (const Error&) {
    return sha256_of(path);
  }
}

/// A policy may name a file: NAME:budget-map=FILE.
std::string fingerprint_in_spec(const std::string& spec) {
  constexpr std::string_view kKey = "budget-map=";
  const size_t at = spec.find(kKey);
  if (at == std::string::npos) return {};
  const size_t first = at + kKey.size();
  return fingerprint(spec.substr(first, spec.find(',', first) - first));
}

Word word_of(const Options::Given& given, const std::string& value) {
  if (given.takes_file) return {value, fingerprint(value)};
  return {value, fingerprint_in_spec(value)};
}

/// Options that go together: one of the values of all of them makes a task.
struct Axis {
  std::vector<std::pair<const Options::Given*, Word>> choices;
};

void add_argument(const Options::Given& given, const std::string& value,
                  std::vector<std::string>& arguments) {
  if (given.kind == Option::Kind::Flag)
    arguments.push_back(given.name);
  else if (given.kind == Option::Kind::Positional || given.kind == Option::Kind::Positionals)
    arguments.insert(arguments.begin(), value);  // in front: an option of many values would take it
  else
    arguments.push_back(given.name + "=" + value);
}

/// The parts that all tasks share, and what they differ in.
struct Plan {
  std::vector<Axis> axes;
  std::vector<std::pair<const Options::Given*, Word>> fixed;
};

Plan plan_of(std::span<const Options::Given> all, std::span<const std::string_view> inputs) {
  Plan plan;
  plan.axes.emplace_back();
  for (const Options::Given& given : all) {
    const bool is_input = std::ranges::find(inputs, given.name) != inputs.end();
    const bool varies = given.kind == Option::Kind::Value && given.values.size() > 1;
    std::vector<std::pair<const Options::Given*, Word>> words;
    for (const std::string& value : given.values) words.emplace_back(&given, word_of(given, value));
    auto& to = is_input ? plan.axes[0].choices
               : varies ? plan.axes.emplace_back().choices
                        : plan.fixed;
    to.insert(to.end(), words.begin(), words.end());
  }
  if (plan.axes[0].choices.empty()) plan.axes.erase(plan.axes.begin());
  return plan;
}

uint64_t size_of(const Plan& plan) {
  uint64_t size = 1;
  for (const Axis& axis : plan.axes) {
    size *= axis.choices.size();
    if (size > kMostTasks)
      fail_usage("command line", "more than 2^24 tasks", "wanted fewer inputs or settings");
  }
  return size;
}

std::string task_text(const std::string& command, const std::vector<std::string>& arguments) {
  std::vector<std::string> words{command};
  for (const std::string& argument : arguments)
    if (has_effect(argument.substr(0, argument.find('=')))) words.push_back(argument);
  return shell_line(words);
}

Task task_at(const Plan& plan, uint64_t order, const std::string& command,
             const std::string& model) {
  Task task;
  task.order = order;
  std::vector<std::string> facts;
  const auto add = [&](const Options::Given& given, const Word& word) {
    if (has_effect(given.name) || given.name == "--block")
      add_argument(given, word.value, task.arguments);
    if (has_effect(given.name))
      facts.push_back(given.name + "=" + word.value + " " + word.fingerprint);
  };
  uint64_t rest = order, size = size_of(plan);
  for (const Axis& axis : plan.axes) {
    size /= axis.choices.size();
    const auto& [given, word] = axis.choices[rest / size];
    rest %= size;
    add(*given, word);
  }
  for (const auto& [given, word] : plan.fixed) add(*given, word);
  std::ranges::sort(facts);
  std::string all =
      std::string(kKeyVersion) + "\n" + creator_name() + "\n" + command + "\n" + model;
  for (const std::string& fact : facts) all += "\n" + fact;
  task.key = sha256_of_text(all);
  task.text = task_text(command, task.arguments);
  return task;
}

/// SHA-256 of the model that the command would load; empty for a command without one.
std::string model_of(const Options& options, std::span<const Options::Given> all,
                     const Session& session) {
  const auto is_model = [](const auto& option) { return option.long_name() == "--model"; };
  if (std::ranges::none_of(options.declared(), is_model)) return {};
  ModelOption model;
  for (const Options::Given& given : all)
    if (given.name == "--model") model.path = given.values.back();
  return sha256_of(model.file(session));
}

}  // namespace

std::vector<std::string_view> input_names(const CommandRow& row) {
  return split(row.inputs, ',');
}

bool takes_one_at_a_time(std::span<const Options::Given> given) {
  return std::ranges::any_of(given, [](const Options::Given& option) {
    return option.kind == Option::Kind::Value && option.values.size() > 1;
  });
}

TaskList list_tasks(const CommandRow& row, const Options& options,
                    std::span<const std::string> arguments, const Session& session) {
  const std::vector<std::string_view> inputs = input_names(row);
  const std::vector<Options::Given> all = options.given(arguments, inputs);
  const Plan plan = plan_of(all, inputs);
  TaskList list;
  list.command = row.name;
  list.tasks.resize(size_of(plan));
  std::vector<std::string> whole;
  for (const Options::Given& given : all)
    for (const std::string& value : given.values) add_argument(given, value, whole);
  list.text = task_text(list.command, whole);
  if (list.tasks.size() == 1 && !session.divided) return list;
  const std::string model = model_of(options, all, session);
  for (uint64_t order = 0; order < list.tasks.size(); ++order)
    list.tasks[order] = task_at(plan, order, list.command, model);
  return list;
}

}  // namespace dendrokv
