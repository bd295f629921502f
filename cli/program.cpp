// dendrokv COMMAND [options] [files]
//
//   1. no command, --help, help: the table of commands; --version: the version
//   2. find the command's row, declare its options and the shared ones, parse
//   3. run it; every exception ends here as one line on standard error and a status

#include "cli/program.h"

#include <algorithm>
#include <filesystem>
#include <iostream>
#include <new>
#include <optional>
#include <string_view>

#include "cli/commands.h"
#include "cli/format.h"
#include "cli/outputs.h"
#include "cli/shard.h"
#include "cli/shell_words.h"
#include "cli/task_run.h"
#include "data/identity.h"
#include "model/thread_pool.h"

namespace dendrokv {
namespace {

constexpr uint64_t kMostThreads = 1024;
constexpr std::string_view kShareWeights = "--share-weights";

/// Targets of the shared options.
struct CommonOptions {
  std::optional<uint64_t> threads;
  bool json = false, quiet = false, verbose = false, exact = false;
  bool help = false, version = false;  // answered before a command runs
  std::string isa, shard;
  bool share_weights = false;

  /// Of the commands that several processes can divide among them.
  void declare_divided(Options& options) {
    options.text("--shard", "I/N", shard,
                 "several inputs or settings are a list of tasks: do tasks I, I + N, I + 2 N, ... "
                 "(I from 0) into a file that `dendrokv merge` puts together with the others; auto "
                 "takes I and N from a Slurm array or step, OpenMPI or PMI (default: auto where "
                 "one of these started several processes)");
    options.flag(std::string(kShareWeights), share_weights,
                 "keep packed weights in a file of the cache folder that all processes of the "
                 "machine map (default: where several processes divide the list)");
  }

  void declare(Options& options) {
    options.begin_common();
    options.count("--threads", threads, {1, kMostThreads},
                  "threads to compute with (default: one per usable physical core)");
    options.flag("--json", json, "print one JSON object on standard output and nothing else there");
    options.flag("--quiet", quiet, "no progress and no notes on standard error");
    options.flag("--verbose", verbose, "more notes on standard error");
    options.choice("--isa", "scalar|avx2|avx512", isa,
                   "instruction set; the results are the same (default: the best of this machine)");
    options.flag("--exact", exact,
                 "weights in 32-bit floats, activations never quantised: slow, the accuracy "
                 "reference");
    options.flag("-h,--help", help, "explain the command");
    options.flag("--version", version, "say the version");
  }

  Session session() const {
    if (quiet && verbose) fail_usage("--quiet", "together with --verbose", "wanted one of them");
    Session session;
    session.verbosity = quiet ? Verbosity::Quiet : verbose ? Verbosity::Verbose : Verbosity::Normal;
    session.form = json ? OutputForm::Json : OutputForm::Text;
    session.threads = threads ? static_cast<unsigned>(*threads) : usable_cores();
    session.isa = isa.empty() ? best_isa() : checked_isa();
    session.arithmetic = exact ? Arithmetic::Exact : Arithmetic::Fast;
    if (share_weights) session.sharing = WeightSharing::Shared;
    return session;
  }

  Isa checked_isa() const {
    try {
      return parse_isa(isa);
    } catch (const Error& error) {
      fail_usage("--isa", error.what());
    }
  }
};

Options declare_all(const CommandRow& row, Command& command, CommonOptions& common) {
  Options options{std::string(row.name), std::string(row.summary)};
  command.declare(options);
  if (!row.inputs.empty()) common.declare_divided(options);
  common.declare(options);
  return options;
}

void print_overview() {
  TextTable table;
  for (const CommandRow& row : command_table())
    table.row({std::string(row.name), std::string(row.summary)});
  std::cout << creator_name()
            << ": look inside, measure and tune the key-value cache of language models\n\n"
            << "usage: dendrokv COMMAND [options] [files]\n\ncommands\n"
            << table.text(2)
            << "\n`dendrokv COMMAND --help` explains one command. Exit status: 0 done, 1 failed, 2 "
               "usage,\n3 done but a check that was asked for fell short, 75 stopped early.\n";
}

std::string joined_name(std::span<const std::string> words) {
  return words.size() == 1 ? words[0] : words[0] + " " + words[1];
}

std::string value_of(std::span<const Options::Given> given, std::string_view name) {
  for (const Options::Given& option : given)
    if (option.name == name) return option.values.back();
  return {};
}

/// The files that are read.
std::vector<std::filesystem::path> inputs_of(std::span<const Options::Given> given) {
  std::vector<std::filesystem::path> inputs;
  for (const Options::Given& option : given)
    if (option.takes_file && option.name != "--output" && option.name != "--csv")
      inputs.insert(inputs.end(), option.values.begin(), option.values.end());
  return inputs;
}

/// Hands over the values of the options that are not the command's own.
void take_common(const Options& options, std::span<const Options::Given> given) {
  for (const Option& option : options.declared())
    for (const Options::Given& found : given)
      if (found.name == option.long_name() &&
          (option.group == Option::Group::Common || found.name == kShareWeights))
        option.take(found.values.back());
}

/// Several inputs or settings, or one of several processes: does its part of the list. Nothing
/// where the command itself does it all in one piece.
std::optional<ExitStatus> run_divided(const CommandRow& row, std::span<const std::string> words,
                                      std::span<const std::string> arguments) {
  if (row.inputs.empty() || std::ranges::find(arguments, "--help") != arguments.end() ||
      std::ranges::find(arguments, "-h") != arguments.end())
    return std::nullopt;
  const auto command = row.make();
  CommonOptions common;
  const Options options = declare_all(row, *command, common);
  const std::vector<std::string_view> inputs = input_names(row);
  const std::vector<Options::Given> given = options.given(arguments, inputs);
  const std::string said = value_of(given, "--shard");
  const Shard shard = find_shard(said, process_environment());
  const bool divided = !shard.origin.empty() && (shard.count > 1 || !said.empty());
  const bool several = takes_one_at_a_time(given);
  if (!divided && !several) return std::nullopt;
  const std::string output = value_of(given, "--output");
  if (output.empty())
    fail_usage("--output", "missing", "wanted a file for the results of the tasks", "see --help");
  check_output(output, inputs_of(given));
  take_common(options, given);
  Session session = common.session();
  session.divided = divided;
  session.command_line = shell_line(words);
  if (shard.count > 1) session.sharing = WeightSharing::Shared;
  const TaskList list = list_tasks(row, options, arguments, session);
  // A job array over one task is a script of its own, which has divided the work already.
  if (said.empty() && list.tasks.size() == 1 && !shard.launched) return std::nullopt;
  return run_tasks(list, divided ? shard : Shard{}, output, session);
}

/// `words` are all of the command line.
ExitStatus run_command(std::span<const std::string> words) {
  const size_t named = words_of_command(words);
  const std::span<const std::string> arguments = words.subspan(named);
  const CommandRow& row = find_command(joined_name(words.first(named)));
  if (const auto status = run_divided(row, words, arguments)) return *status;
  const auto command = row.make();
  CommonOptions common;
  Options options = declare_all(row, *command, common);
  if (!options.parse(arguments)) {
    std::cout << options.help();
    return ExitStatus::Done;
  }
  Session session = common.session();
  session.command_line = shell_line(words);
  return command->run(session);
}

ExitStatus dispatch(std::span<const std::string> arguments) {
  const std::string first = arguments.empty() ? "--help" : arguments.front();
  if (first == "--version") {
    std::cout << creator_name() << "\n";
    return ExitStatus::Done;
  }
  if (first == "--help" || first == "-h" || first == "help") {
    if (first != "help" || arguments.size() == 1) {
      print_overview();
      return ExitStatus::Done;
    }
    const auto rest = arguments.subspan(1);
    std::cout << declared_options(joined_name(rest.first(words_of_command(rest)))).help();
    return ExitStatus::Done;
  }
  if (std::find(arguments.begin() + 1, arguments.end(), "--version") != arguments.end() &&
      first != "view") {
    find_command(first);
    std::cout << creator_name() << "\n";
    return ExitStatus::Done;
  }
  if (first.starts_with('-'))
    fail_usage("'" + first + "'", "an option before the command", "wanted the command first",
               "as in dendrokv trace --help");
  return run_command(arguments);
}

/// One line whatever the names in it hold.
ExitStatus report(std::string line, ExitStatus status) {
  for (char& letter : line)
    if (static_cast<unsigned char>(letter) < 0x20 || letter == 0x7F) letter = '?';
  std::cout.flush();
  std::cerr << "dendrokv: " << line << "\n";
  return status;
}

}  // namespace

ExitStatus run_one(std::string_view name, std::span<const std::string> arguments,
                   const Session& session, const std::string& command_line) {
  const CommandRow& row = find_command(name);
  const auto command = row.make();
  CommonOptions common;
  declare_all(row, *command, common).parse(arguments);
  Session own = session;
  own.command_line = command_line;
  return command->run(own);
}

Options declared_options(std::string_view command) {
  const CommandRow& row = find_command(command);
  const auto object = row.make();
  CommonOptions common;
  return declare_all(row, *object, common);
}

ExitStatus run_program(std::span<const std::string> arguments) {
  try {
    const ExitStatus status = dispatch(arguments);
    std::cout.flush();
    if (!std::cout) fail("standard output", "cannot be written", "wanted room for all of it");
    return status;
  } catch (const UsageError& error) {
    return report(error.what(), ExitStatus::Usage);
  } catch (const Error& error) {
    return report(error.what(), ExitStatus::Failed);
  } catch (const std::bad_alloc&) {
    return report(
        "memory: not enough, wanted more, use a shorter text (--tokens) or a smaller model",
        ExitStatus::Failed);
  } catch (const std::exception& error) {
    return report(error.what(), ExitStatus::Failed);
  }
}

}  // namespace dendrokv
