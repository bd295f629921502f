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
#include "data/identity.h"
#include "model/thread_pool.h"

namespace dendrokv {
namespace {

constexpr uint64_t kMostThreads = 1024;

/// Targets of the shared options.
struct CommonOptions {
  std::optional<uint64_t> threads;
  bool json = false, quiet = false, verbose = false, exact = false;
  bool help = false, version = false;  // answered before a command runs
  std::string isa;

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

/// As typed, quoted where a shell needs it.
std::string joined(std::span<const std::string> words) {
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

std::string joined_name(std::span<const std::string> words) {
  return words.size() == 1 ? words[0] : words[0] + " " + words[1];
}

/// `words` are all of the command line.
ExitStatus run_command(std::span<const std::string> words) {
  const size_t named = words_of_command(words);
  const std::span<const std::string> arguments = words.subspan(named);
  const CommandRow& row = find_command(joined_name(words.first(named)));
  const auto command = row.make();
  CommonOptions common;
  Options options = declare_all(row, *command, common);
  if (!options.parse(arguments)) {
    std::cout << options.help();
    return ExitStatus::Done;
  }
  Session session = common.session();
  session.command_line = joined(words);
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
  if (first.front() == '-')
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
