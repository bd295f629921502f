// dendrokv analyze: how much the contributions vary at each position, per frequency band.

#include "analysis/analyze.h"

#include <iostream>
#include <optional>

#include "analysis/surrogates.h"
#include "cli/claims_text.h"
#include "cli/inputs.h"
#include "cli/json.h"
#include "cli/make_command.h"
#include "cli/outputs.h"
#include "cli/stop.h"

namespace dendrokv {
namespace {

constexpr uint64_t kMostPositions = uint64_t{1} << 24;

Json claims_json(const std::vector<Claim>& claims) {
  Json list = Json::array();
  for (const Claim& claim : claims)
    list.add(Json::object()
                 .set("name", claim.name)
                 .set("statement", claim.statement)
                 .set("verdict", verdict_name(claim.verdict))
                 .set("effect", claim.effect)
                 .set("lower", claim.lower)
                 .set("upper", claim.upper)
                 .set("p", claim.raw_p_value)
                 .set("p_adjusted", claim.p_value)
                 .set("n", claim.units));
  return list;
}

Json analysis_json(const Analysis& analysis, const std::filesystem::path& output) {
  return Json::object()
      .set("output", output.string())
      .set("levels", analysis.levels)
      .set("positions", analysis.positions)
      .set("step", analysis.step)
      .set("valid_first", analysis.valid_first)
      .set("valid_count", analysis.valid_count)
      .set("samples", analysis.samples)
      .set("unit", analysis.statistics.unit)
      .set("documents", analysis.statistics.documents)
      .set("claims", claims_json(analysis.statistics.claims));
}

std::string joined_names() {
  std::string names;
  for (const Surrogate& null : surrogate_table())
    names += (names.empty() ? "" : ", ") + std::string(null.name);
  return names;
}

class Analyze : public Command {
 public:
  void declare(Options& options) override {
    options.positionals("TRACE", traces_, "traces without eviction; several are several samples");
    options.file("-o,--output", output_, "the analysis to write", Need::Required);
    options.choice("--transform", "dwt|modwt|packet|cwt", transform_,
                   "decimated, undecimated and causal, packets of the last level, or continuous");
    options.text("--wavelet", "NAME", wavelet_,
                 "one that `dendrokv wavelets` lists (default: haar; of cwt morlet)");
    options.count("--levels", levels_, {1, 12},
                  "levels of the transform; band l holds periods of 2^l to 2^(l+1) tokens, packets "
                  "have 2^levels - 1 bands");
    options.text("--boundary", "NAME", boundary_,
                 "what stands beyond the ends of a window (default: the transform's own); values "
                 "that it touches count nowhere");
    options.choice("--signal", "contribution|weight|value", signal_,
                   "what varies: attention weight times value, or one of the two");
    options.text("--step", "last|N", step_, "the query whose attention is taken, by its position");
    options.count("--exclude-first", exclude_first_, {0, kMostPositions},
                  "positions at the start that figures and tests leave out (default: " +
                      std::to_string(kExcluded) + ")");
    options.count("--exclude-last", exclude_last_, {0, kMostPositions},
                  "positions at the end that figures and tests leave out (default: " +
                      std::to_string(kExcluded) + ")");
    options.count("--windows", windows_, {2, kMostPositions},
                  "take windows of N positions, each ending at a recorded query, side by side from "
                  "the end of each trace");
    options.count("--samples", samples_, {1},
                  "draw so many of the windows by --seed (default: all)");
    options.texts("--null", "NAME", nulls_,
                  "what the data are compared with, one or several: " + joined_names() +
                      "; none (default: shuffle-values; of --signal weight shuffle-weights)");
    options.count("--null-draws", null_draws_, {1, 65535}, "random draws of each null per window");
    options.count("--draws", draws_, {99, 1000000}, "bootstraps and sign flips over documents");
    options.real("--significance", significance_, {0.0001, 0.5},
                 "of every test, after adjustment; bands hold the rest");
    options.count("--seed", seed_, {}, "of everything that is drawn");
    options.explain(
        "For every position: the magnitude of each band of weight times value, mean over channels, "
        "heads, layers and windows "
        "(TreeKV, section 3.2). Without --windows a trace is one window: the positions that its "
        "query sees, for decimated transforms the "
        "largest multiple of 2^levels that ends at it.");
    options.explain(
        "Whether contributions vary more towards the end is tested over documents: traces of "
        "different texts. Windows of one text, cut by "
        "`trace --windows` or by --windows here, are one document; with fewer documents than a "
        "test needs, windows stand in as pseudo-samples, "
        "and the result says so. Each claim ends as shown, not contradicted, contradicted, or not "
        "testable with this sample.");
    options.example("dendrokv analyze trace.h5 -o analysis.h5");
    options.example(
        "dendrokv analyze novel-*.h5 --windows 512 --null shuffle-values --null iaaft -o "
        "analysis.h5");
  }

  ExitStatus run(const Session& session) override {
    const AnalyzeOptions options = checked_options(session);
    check_output(output_, traces_);
    TraceSet traces(traces_);
    const StopOnSignals signals;
    ProgressLine progress("analyze", "pieces", session.verbosity);
    auto analysis = analyze(traces, options, progress.callback());
    progress.clear();
    if (!analysis) {
      say(session.verbosity, Verbosity::Quiet,
          "dendrokv: analyze: stopped, nothing was written; run the same command again");
      return ExitStatus::Stopped;
    }
    analysis->uuid = session.uuid;
    analysis->created = session.created;
    analysis->command_line = session.command_line;
    write_analysis(output_, *analysis);
    if (session.json())
      std::cout << analysis_json(*analysis, output_).text() << "\n";
    else
      print(session, *analysis);
    return ExitStatus::Done;
  }

 private:
  void print(const Session& session, const Analysis& analysis) const {
    if (session.verbosity > Verbosity::Quiet) std::cerr << claims_text(analysis);
    std::cout << output_.string() << "\n";
  }

  AnalyzeOptions checked_options(const Session& session) const {
    AnalyzeOptions options;
    options.transform = checked_transform();
    options.signal = parse_signal(signal_);
    if (exclude_first_) options.exclude_first = static_cast<uint32_t>(*exclude_first_);
    if (exclude_last_) options.exclude_last = static_cast<uint32_t>(*exclude_last_);
    options.threads = session.threads;
    if (windows_) options.windows = static_cast<uint32_t>(*windows_);
    options.samples = samples_;
    options.nulls = checked_nulls();
    options.null_draws = static_cast<uint32_t>(null_draws_);
    options.draws = static_cast<uint32_t>(draws_);
    options.significance = significance_;
    options.seed = seed_;
    if (windows_ && step_ != "last")
      fail_usage("--step " + step_, "together with --windows", "wanted one of them");
    if (step_ == "last") return options;
    if (step_.empty() || step_.size() > 8 ||
        step_.find_first_not_of("0123456789") != std::string::npos)
      fail_usage("--step " + step_, "not a position", "wanted last or a whole number");
    options.step = Step(std::stoul(step_));
    return options;
  }

  TransformChoice checked_transform() const {
    try {
      TransformChoice choice{parse_transform(transform_), wavelet_, static_cast<uint32_t>(levels_),
                             std::nullopt};
      if (!boundary_.empty()) choice.boundary = parse_boundary(boundary_);
      choice.check();
      return choice;
    } catch (const Error& error) {
      throw UsageError(error.subject(), error.found(), error.wanted(), error.remedy());
    }
  }

  std::vector<std::string> checked_nulls() const {
    if (nulls_.empty()) return {signal_ == "weight" ? "shuffle-weights" : "shuffle-values"};
    if (nulls_.size() == 1 && nulls_[0] == "none") return {};
    try {
      for (const std::string& name : nulls_) find_surrogate(name);
    } catch (const Error& error) {
      throw UsageError(error.subject(), error.found(), error.wanted(), error.remedy());
    }
    return nulls_;
  }

  std::vector<std::filesystem::path> traces_;
  std::filesystem::path output_;
  std::string transform_ = "dwt", wavelet_, boundary_, signal_ = "contribution", step_ = "last";
  uint64_t levels_ = 5, null_draws_ = 40, draws_ = 1999, seed_ = 1;
  std::optional<uint64_t> exclude_first_, exclude_last_, windows_, samples_;
  std::vector<std::string> nulls_;
  double significance_ = 0.05;
};

}  // namespace

std::unique_ptr<Command> make_analyze() {
  return std::make_unique<Analyze>();
}

}  // namespace dendrokv
