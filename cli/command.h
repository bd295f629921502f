#pragma once
// What a command of the program is, and what all commands are given.

#include <cstdint>
#include <string>

#include "cli/options.h"
#include "cli/terminal.h"
#include "model/kernels.h"
#include "model/model.h"

namespace dendrokv {

class ModelKeeper;

enum class ExitStatus : int {
  Done = 0,
  Failed = 1,
  Usage = 2,
  FellShort = 3,  // done, but a check that was asked for fell short
  Stopped = 75,   // stopped early by a signal
};

/// What standard output carries.
enum class OutputForm : uint8_t {
  Text,  // for people
  Json,  // one object on one line, and nothing else
};

/// The options that every command has.
struct Session {
  Verbosity verbosity = Verbosity::Normal;
  OutputForm form = OutputForm::Text;
  unsigned threads = 1;
  Isa isa = Isa::Scalar;
  Arithmetic arithmetic = Arithmetic::Fast;
  std::string command_line;   // as typed, for the files that are written
  std::string uuid, created;  // for the file that is written; empty = new ones
  bool divided = false;       // one of the processes of a divided run
  WeightSharing sharing = WeightSharing::Private;
  ModelKeeper* models = nullptr;  // keeps a model from task to task; null = nobody does

  bool json() const { return form == OutputForm::Json; }
  /// A line on standard error, unless quiet.
  void note(std::string_view line) const { say(verbosity, Verbosity::Normal, line); }
  /// A line on standard error when verbose.
  void detail(std::string_view line) const { say(verbosity, Verbosity::Verbose, line); }
};

class Command {
 public:
  virtual ~Command() = default;
  /// Says what may stand on the command line; the values land in members, whose first values are
  /// the defaults.
  virtual void declare(Options& options) = 0;
  /// After a successful parse. Errors are thrown; main turns them into a line and a status.
  virtual ExitStatus run(const Session& session) = 0;
};

}  // namespace dendrokv
