// dendrokv analyze: how much the contributions vary at each position, per frequency band.

#include "analysis/analyze.h"

#include <iostream>

#include "cli/inputs.h"
#include "cli/json.h"
#include "cli/make_command.h"
#include "cli/outputs.h"
#include "cli/stop.h"

namespace dendrokv {
namespace {

constexpr uint64_t kMostPositions = uint64_t{1} << 24;

Json analysis_json(const Analysis& analysis, const std::filesystem::path& output) {
  return Json::object()
      .set("output", output.string())
      .set("levels", analysis.levels)
      .set("positions", analysis.positions)
      .set("step", analysis.step)
      .set("valid_first", analysis.valid_first)
      .set("valid_count", analysis.valid_count)
      .set("samples", analysis.samples);
}

class Analyze : public Command {
 public:
  void declare(Options& options) override {
    options.positionals("TRACE", traces_, "traces without eviction; several are several samples");
    options.file("-o,--output", output_, "the analysis to write", Need::Required);
    options.choice("--transform", "dwt", transform_, "decimated wavelet transform");
    options.choice("--wavelet", "haar", wavelet_, "wavelet");
    options.count("--levels", levels_, {1, 12}, "frequency bands; band l compares neighbours of 2^(l-1) tokens");
    options.choice("--signal", "contribution|weight|value", signal_, "what varies: attention weight times value, or one of the two");
    options.text("--step", "last|N", step_, "the query whose attention is taken, by its position");
    options.count("--exclude-first", exclude_first_, {0, kMostPositions}, "positions at the start that figures leave out");
    options.count("--exclude-last", exclude_last_, {0, kMostPositions}, "positions at the end that figures leave out");
    options.explain(
        "For every position: the magnitude of each Haar band of weight times value, mean over channels, heads, layers and samples "
        "(TreeKV, section 3.2). The window is the largest multiple of 2^levels positions that ends at the query.");
    options.example("dendrokv analyze trace.h5 -o analysis.h5");
  }

  ExitStatus run(const Session& session) override {
    const AnalyzeOptions options = checked_options(session);
    std::vector<TraceReader> readers;
    for (const std::filesystem::path& path : traces_) readers.emplace_back(path);
    check_output(output_, traces_);
    std::vector<const TraceReader*> traces;
    for (const TraceReader& reader : readers) traces.push_back(&reader);
    const StopOnSignals signals;
    ProgressLine progress("analyze", "layers", session.verbosity);
    auto analysis = analyze(traces, options, progress.callback());
    progress.clear();
    if (!analysis) {
      say(session.verbosity, Verbosity::Quiet, "dendrokv: analyze: stopped, nothing was written; run the same command again");
      return ExitStatus::Stopped;
    }
    analysis->uuid = session.uuid;
    analysis->created = session.created;
    analysis->command_line = session.command_line;
    write_analysis(output_, *analysis);
    if (session.json())
      std::cout << analysis_json(*analysis, output_).text() << "\n";
    else
      std::cout << output_.string() << "\n";
    return ExitStatus::Done;
  }

 private:
  AnalyzeOptions checked_options(const Session& session) const {
    AnalyzeOptions options;
    options.levels = static_cast<uint32_t>(levels_);
    options.signal = parse_signal(signal_);
    options.exclude_first = static_cast<uint32_t>(exclude_first_);
    options.exclude_last = static_cast<uint32_t>(exclude_last_);
    options.threads = session.threads;
    if (step_ == "last") return options;
    if (step_.empty() || step_.size() > 8 || step_.find_first_not_of("0123456789") != std::string::npos)
      fail_usage("--step " + step_, "not a position", "wanted last or a whole number");
    options.step = Step(std::stoul(step_));
    return options;
  }

  std::vector<std::filesystem::path> traces_;
  std::filesystem::path output_;
  std::string transform_ = "dwt", wavelet_ = "haar", signal_ = "contribution", step_ = "last";
  uint64_t levels_ = 5, exclude_first_ = 32, exclude_last_ = 32;
};

}  // namespace

std::unique_ptr<Command> make_analyze() { return std::make_unique<Analyze>(); }

}  // namespace dendrokv
