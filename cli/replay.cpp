// dendrokv replay: cache policies over the attention that a trace recorded (open loop: an eviction
// does not change what later layers and tokens see).

#include "cache/replay.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <iostream>
#include <optional>

#include "cache/audit.h"
#include "cache/replay_numbers.h"
#include "cli/audit_text.h"
#include "cli/format.h"
#include "cli/inputs.h"
#include "cli/json.h"
#include "cli/make_command.h"
#include "cli/outputs.h"
#include "cli/ranges.h"
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
  Json json = Json::object()
                  .set("policy", run.policy)
                  .set("mode", run_mode_name(run.mode))
                  .set("budget", run.budget)
                  .set("evictions", evictions(run));
  if (!run.numbers) return json;
  const NumbersSummary numbers = summarise(*run.numbers);
  return json.set("retained_mass", numbers.retained_mass)
      .set("best_mass", numbers.best_mass)
      .set("efficiency", numbers.efficiency)
      .set("output_error", numbers.output_error)
      .set("relative_error", numbers.relative_error)
      .set("cosine", numbers.cosine)
      .set("regret", numbers.regret);
}

/// [policy][policy]: mean Jaccard index of the kept sets after the last step.
Json jaccard_json(const std::vector<Run>& runs, uint32_t heads) {
  Json rows = Json::array();
  for (const Run& a : runs) {
    Json row = Json::array();
    for (const Run& b : runs) row.add(jaccard(a, b, heads, Step(a.retention.tokens() - 1)));
    rows.add(row);
  }
  return rows;
}

/// Open-loop means over heads and measured steps, and how alike the policies are to the first one.
std::string numbers_text(const std::vector<Run>& runs, uint32_t heads) {
  TextTable table;
  table.row({"policy", "retained mass", "of the best", "output error", "cosine", "regret",
             "like the first"});
  for (const Run& run : runs) {
    const NumbersSummary numbers = summarise(*run.numbers);
    const double like = jaccard(runs[0], run, heads, Step(run.retention.tokens() - 1));
    const auto cell = [](double number) {
      return std::isnan(number) ? std::string("-") : significant(number);
    };
    table.row({run.policy.substr(0, run.policy.find(':')), cell(numbers.retained_mass),
               cell(numbers.efficiency), cell(numbers.relative_error), cell(numbers.cosine),
               cell(numbers.regret), significant(like)});
  }
  return table.text();
}

class Replay : public Command {
 public:
  void declare(Options& options) override {
    options.positional("TRACE", trace_, "a trace of full attention: every layer, head and step");
    options.texts("--policy", "SPEC", policies_, kPolicyHelp, Need::Required);
    options.file("-o,--output", output_, "the file of runs to write", Need::Required);
    options.text(
        "--measure", "STEPS", measure_,
        "also write what each policy cost at these steps: none, all, last, every:K or a list "
        "such as 0-9,63");
    options.flag("--audit", audit_, kAuditHelp);
    options.explain(
        "Open loop: the attention stays that of the full cache, rescaled to the rows that a policy "
        "still holds. `dendrokv trace --policy` runs a policy in the engine (closed loop). "
        "--measure compares the output of each head with that of the full cache, exactly: the "
        "share of attention retained, and that over the best of as many rows, the error of the "
        "output relative to its length, its cosine, and the attention that later steps give to "
        "what has left (regret, a sum per lane).");
    options.example(
        "dendrokv replay trace.h5 --policy treekv:budget=128,recent=60 "
        "--policy streaming:budget=128 -o runs.h5");
  }

  ExitStatus run(const Session& session) override {
    std::vector<PolicyChoice> choices;
    for (const std::string& spec : policies_) choices.push_back(checked(spec, choices));
    const TraceReader trace(trace_);
    if (measure_ != "none") steps_ = parse_steps("--measure", measure_, trace.info().tokens);
    check_output(output_, std::vector{trace_});
    const auto start = std::chrono::steady_clock::now();
    const StopOnSignals signals;
    ProgressLine progress("replay", "lane steps", session.verbosity);
    auto runs = replay_trace(trace, choices, session.threads, progress.callback());
    progress.clear();
    if (!runs || !measured(trace, session, *runs)) {
      say(session.verbosity, Verbosity::Quiet,
          "dendrokv: replay: stopped, nothing was written; run the same command again");
      return ExitStatus::Stopped;
    }
    for (const PolicyChoice& choice : choices)
      note_idle_policy(session, trace.info().tokens, choice);
    RunsFile file{.uuid = {},
                  .created = {},
                  .creator = {},
                  .command_line = session.command_line,
                  .trace_uuid = trace.info().uuid,
                  .runs = std::move(*runs)};
    write_runs(output_, file);
    const auto seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start);
    std::optional<Audit> audit;
    if (audit_) audit = audit_file(output_, {.trace = trace_, .threads = session.threads});
    print(session, file, trace.info().model.heads, seconds.count(), audit);
    return audit ? audit_status(*audit) : ExitStatus::Done;
  }

 private:
  static PolicyChoice checked(const std::string& spec, std::span<const PolicyChoice> before) {
    PolicyChoice choice = parse_policy(spec);
    for (const PolicyChoice& other : before)
      if (other.text() == choice.text())
        fail_usage("--policy " + spec, "the same as one before it", "wanted each policy once");
    return choice;
  }

  /// False when it was stopped.
  bool measured(const TraceReader& trace, const Session& session, std::vector<Run>& runs) const {
    if (steps_.empty()) return true;
    ProgressLine progress("measure", "layers", session.verbosity);
    auto numbers = measure_runs(trace, runs, steps_, session.threads, progress.callback());
    progress.clear();
    if (!numbers) return false;
    for (size_t run = 0; run < runs.size(); ++run) runs[run].numbers = std::move((*numbers)[run]);
    return true;
  }

  void print(const Session& session, const RunsFile& file, uint32_t heads, double seconds,
             const std::optional<Audit>& audit) const {
    if (session.json()) {
      Json runs = Json::array();
      for (const Run& run : file.runs) runs.add(run_json(run));
      Json json = Json::object()
                      .set("output", output_.string())
                      .set("trace_uuid", file.trace_uuid)
                      .set("runs", runs)
                      .set("jaccard", jaccard_json(file.runs, heads))
                      .set("seconds", seconds);
      if (audit) json.set("audit", audit_json(*audit));
      std::cout << json.text() << "\n";
      return;
    }
    session.note("replay: " + std::to_string(file.runs.size()) + " policies in " +
                 significant(seconds) + " s");
    std::cout << output_.string() << "\n";
    if (!steps_.empty()) std::cout << numbers_text(file.runs, heads);
    if (audit) std::cout << audit_text(*audit, colour_of_output());
  }

  std::filesystem::path trace_, output_;
  std::vector<std::string> policies_;
  std::string measure_ = "none";
  std::vector<Step> steps_;  // to measure at
  bool audit_ = false;
};

}  // namespace

std::unique_ptr<Command> make_replay() {
  return std::make_unique<Replay>();
}

}  // namespace dendrokv
