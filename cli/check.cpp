// dendrokv check: the invariants of a file, green or red, with the value found.

#include <iostream>

#include "cache/audit.h"
#include "cli/audit_text.h"
#include "cli/make_command.h"
#include "cli/stop.h"

namespace dendrokv {
namespace {

class CheckFile : public Command {
 public:
  void declare(Options& options) override {
    options.positional("FILE", file_, "a trace, a file of runs, an analysis, losses or logits");
    options.file("--trace", trace_,
                 "of a file of runs: the trace that it was replayed over, to replay it again");
    options.flag("--all", all_,
                 "read all attention of a trace; else of more than 4 GB evenly chosen heads");
    options.explain(
        "Each check is green, red, or not applicable with the reason why; the last line counts "
        "them. A trace that was recorded under a policy holds the weights that the policy saw: its "
        "record is decided again from them. Exit status 3 when something is red, 1 when the file "
        "cannot be opened.");
    options.example("dendrokv check trace.h5");
    options.example("dendrokv check runs.h5 --trace trace.h5 --json");
  }

  ExitStatus run(const Session& session) override {
    const StopOnSignals signals;
    ProgressLine progress("check", "heads and lanes", session.verbosity);
    AuditOptions options{
        .trace = trace_, .threads = session.threads, .progress = progress.callback()};
    if (all_) options.most_bytes = UINT64_MAX;
    const Audit audit = audit_file(file_, options);
    progress.clear();
    if (stop_requested()) {
      say(session.verbosity, Verbosity::Quiet,
          "dendrokv: check: stopped before all was read; run the same command again");
      return ExitStatus::Stopped;
    }
    std::cout << (session.json() ? audit_json(audit).text() + "\n"
                                 : audit_text(audit, colour_of_output()));
    return audit_status(audit);
  }

 private:
  std::filesystem::path file_, trace_;
  bool all_ = false;
};

}  // namespace

std::unique_ptr<Command> make_check() {
  return std::make_unique<CheckFile>();
}

}  // namespace dendrokv
