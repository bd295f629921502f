// dendrokv recover: a whole trace from the .part file of a run that was stopped or killed.

#include <iostream>

#include "cli/json.h"
#include "cli/make_command.h"
#include "cli/outputs.h"
#include "cli/stop.h"
#include "data/trace_recovery.h"

namespace dendrokv {
namespace {

namespace fs = std::filesystem;

class Recover : public Command {
 public:
  void declare(Options& options) override {
    options.positional("PART", part_, "the .part file of a trace; it stays as it is");
    options.file("-o,--output", output_, "the trace to write (default: PART without .part)");
    options.explain(
        "Keeps the steps that are whole and the tokens up to the last of them. It works on a copy, "
        "so there must be room for two files of that size. Evaluations and tunings go on from "
        "their .part files when the same command is given again, and tasks by themselves.");
    options.example("dendrokv recover trace.h5.part");
  }

  ExitStatus run(const Session& session) override {
    if (output_.empty()) {
      if (part_.extension() != ".part")
        fail_usage(part_.string(), "not NAME.part", "wanted such a name, or -o FILE");
      output_ = fs::path(part_).replace_extension();
    }
    std::error_code ignored;
    if (!fs::is_regular_file(part_, ignored))
      fail(part_.string(), "no such file", "wanted the .part file of a trace");
    check_output(output_, std::vector{part_});
    fs::path writing = output_;
    writing += ".part";
    if (fs::exists(writing, ignored) && fs::equivalent(writing, part_, ignored))
      return beside(session);
    return recover(session, output_);
  }

 private:
  /// The writer of OUTPUT would write over PART: so under another name first.
  ExitStatus beside(const Session& session) {
    fs::path other = output_;
    other += ".recovered";
    const ExitStatus status = recover(session, other);
    if (status == ExitStatus::Done) fs::rename(other, output_);
    return status;
  }

  ExitStatus recover(const Session& session, const fs::path& output) {
    const StopOnSignals signals;
    ProgressLine progress("recover", "bands of steps", session.verbosity);
    const Recovered found = recover_trace(part_, output, progress.callback());
    progress.clear();
    if (found.stopped) {
      std::error_code ignored;
      fs::remove(fs::path(output) += ".part", ignored);
      say(session.verbosity, Verbosity::Quiet,
          "dendrokv: recover: stopped, nothing was written; run the same command again");
      return ExitStatus::Stopped;
    }
    session.note("recover: " + std::to_string(found.steps) + " steps over " +
                 std::to_string(found.tokens) + " of " + std::to_string(found.tokens_planned) +
                 " tokens");
    if (session.json())
      std::cout << Json::object()
                       .set("output", output_.string())
                       .set("tokens", found.tokens)
                       .set("tokens_planned", found.tokens_planned)
                       .set("steps", found.steps)
                       .text()
                << "\n";
    else
      std::cout << output_.string() << "\n";
    return ExitStatus::Done;
  }

  fs::path part_, output_;
};

}  // namespace

std::unique_ptr<Command> make_recover() {
  return std::make_unique<Recover>();
}

}  // namespace dendrokv
