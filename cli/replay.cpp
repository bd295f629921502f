// dendrokv replay: cache policies over the attention that a trace recorded (open loop: an eviction does not change what later
// layers and tokens see).

#include "cache/replay.h"

#include <algorithm>
#include <chrono>
#include <iostream>

#include "cli/format.h"
#include "cli/inputs.h"
#include "cli/json.h"
#include "cli/make_command.h"
#include "cli/outputs.h"
#include "cli/stop.h"
#include "data/runs_file.h"

namespace dendrokv {
namespace {

uint64_t evictions(const Run& run) {
  const std::vector<int32_t>& steps = run.retention.arrays().evict_step;
  return static_cast<uint64_t>(
      std::count_if(steps.begin(), steps.end(), [](int32_t step) { return step >= 0; }));
}

Json run_json(const Run& run) {
  return Json::object()
      .set("policy", run.policy)
      .set("mode", run_mode_name(run.mode))
      .set("budget", run.budget)
      .set("evictions", evictions(run));
}

class Replay : public Command {
 public:
  void declare(Options& options) override {
    options.positional("TRACE", trace_, "a trace of full attention: every layer, head and step");
    options.texts("--policy", "SPEC", policies_, kPolicyHelp, Need::Required);
    options.file("-o,--output", output_, "the file of runs to write", Need::Required);
    options.explain(
        "Open loop: the attention stays that of the full cache, rescaled to the rows that a policy "
        "still holds. `dendrokv trace --policy` runs a policy in the engine (closed loop).");
    options.example(
        "dendrokv replay trace.h5 --policy treekv:budget=128,recent=60 "
        "--policy streaming:budget=128 -o runs.h5");
  }

  ExitStatus run(const Session& session) override {
    std::vector<PolicyChoice> choices;
    for (const std::string& spec : policies_) choices.push_back(checked(spec, choices));
    const TraceReader trace(trace_);
    check_output(output_, std::vector{trace_});
    const auto start = std::chrono::steady_clock::now();
    const StopOnSignals signals;
    ProgressLine progress("replay", "lane steps", session.verbosity);
    auto runs = replay_trace(trace, choices, session.threads, progress.callback());
    progress.clear();
    if (!runs) {
      say(session.verbosity, Verbosity::Quiet,
          "dendrokv: replay: stopped, nothing was written; run the same command again");
      return ExitStatus::Stopped;
    }
    RunsFile file{.uuid = {},
                  .created = {},
                  .creator = {},
                  .command_line = session.command_line,
                  .trace_uuid = trace.info().uuid,
                  .runs = std::move(*runs)};
    write_runs(output_, file);
    const auto seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start);
    print(session, file, seconds.count());
    return ExitStatus::Done;
  }

 private:
  static PolicyChoice checked(const std::string& spec, std::span<const PolicyChoice> before) {
    PolicyChoice choice = parse_policy(spec);
    for (const PolicyChoice& other : before)
      if (other.text() == choice.text())
        fail_usage("--policy " + spec, "the same as one before it", "wanted each policy once");
    return choice;
  }

  void print(const Session& session, const RunsFile& file, double seconds) const {
    if (session.json()) {
      Json runs = Json::array();
      for (const Run& run : file.runs) runs.add(run_json(run));
      std::cout << Json::object()
                       .set("output", output_.string())
                       .set("trace_uuid", file.trace_uuid)
                       .set("runs", runs)
                       .set("seconds", seconds)
                       .text()
                << "\n";
      return;
    }
    session.note("replay: " + std::to_string(file.runs.size()) + " policies in " +
                 significant(seconds) + " s");
    std::cout << output_.string() << "\n";
  }

  std::filesystem::path trace_, output_;
  std::vector<std::string> policies_;
};

}  // namespace

std::unique_ptr<Command> make_replay() {
  return std::make_unique<Replay>();
}

}  // namespace dendrokv
