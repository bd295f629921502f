// dendrokv tune budgets: rows for each lane under a total of bytes, from what each lane loses over
// traces.
//
//   1. the policy at several numbers of rows, the same for all lanes: replayed over the traces
//      (open loop)
//   2. what each lane loses at each of them, behind its layer's output projection
//      (model/lane_errors.h)
//   3. an allocation (cache/allocation.h), beside the others for comparison, into a budget map

#include <algorithm>
#include <iostream>

#include "cache/allocation.h"
#include "cache/replay.h"
#include "cli/format.h"
#include "cli/inputs.h"
#include "cli/json.h"
#include "cli/make_command.h"
#include "cli/outputs.h"
#include "cli/search_space.h"
#include "cli/stop.h"
#include "data/budget_map.h"
#include "data/error.h"
#include "model/cache_bytes.h"
#include "model/lane_errors.h"

namespace dendrokv {
namespace {

namespace fs = std::filesystem;

// Rows of the levels as parts of the even share.
constexpr double kLevels[] = {0.25, 0.375, 0.5, 0.75, 1, 1.25, 1.5, 2, 3, 4};
constexpr uint32_t kMeasuredSteps = 24;

struct Line {
  std::string name;
  Allocation allocation;
};

class TuneBudgets : public Command {
 public:
  void declare(Options& options) override {
    options.positionals("TRACE", traces_, "traces of full attention: every layer, head and step");
    model_.declare(options);
    options.count("--budget", budget_, {1}, "bytes of keys and values of the whole cache",
                  Need::Required);
    options.text("--policy", "SPEC", policy_,
                 "what runs in each lane, without its budget, as treekv:sinks=4,recent=32,scope=8");
    options.choice("--method", "greedy|exact|lagrangian|procurement", method_,
                   "how the rows are shared out");
    options.file("-o,--output", output_, "the budget map to write", Need::Required);
    options.explain(
        "A lane's gain is what more rows take off the error of its layer's attention output, "
        "behind the output projection and relative to that output, mean over traces and steps; "
        "each lane is measured alone. All methods are printed beside each other and beside the "
        "same number of rows for all lanes. The bytes are what the engine holds once the cache is "
        "full. The last line is a spec to paste.");
    options.example(
        "dendrokv tune budgets novel.h5 --budget 5000000 --policy treekv:sinks=4,recent=16 -o "
        "map.txt");
  }

  ExitStatus run(const Session& session) override {
    check_policy();
    check_output(output_, traces_);
    const Model model = model_.load(session, LoadDepth::Run);
    const StopOnSignals signals;
    const std::vector<PolicyChoice> levels = make_levels(model);
    const auto errors = measure(session, model, levels);
    if (!errors) {
      say(session.verbosity, Verbosity::Quiet,
          "dendrokv: tune budgets: stopped, nothing was written; run the same command again");
      return ExitStatus::Stopped;
    }
    const std::vector<LaneOffer> offers = make_offers(model, levels, *errors);
    const std::vector<Line> lines = allocations(offers);
    const auto chosen = std::ranges::find(lines, method_, &Line::name);
    if (chosen == lines.end())
      fail("--method " + method_, "too large a case", "wanted fewer lanes",
           "use greedy or lagrangian");
    write_map(model, levels, offers, chosen->allocation);
    print(session, model, lines, *errors);
    return ExitStatus::Done;
  }

 private:
  /// Rows can be said lane by lane, and are not said already. Throws UsageError.
  void check_policy() const {
    const std::string subject = "--policy " + policy_;
    const size_t colon = std::min(policy_.find(':'), policy_.size());
    std::string able;
    for (const PolicyRow& row : policy_table()) {
      const bool takes_map = std::ranges::find(row.spec.options, "budget-map", &OptionRow::name) !=
                             row.spec.options.end();
      if (takes_map) able += (able.empty() ? "" : ", ") + std::string(row.spec.name);
      if (row.spec.name != policy_.substr(0, colon)) continue;
      if (!takes_map) break;
      for (const std::string_view key :
           {std::string_view("budget"), std::string_view("budget-map"), row.budget_key})
        if (policy_.find(std::string(key) + "=", colon) != std::string::npos)
          fail_usage(subject, "says its rows by " + std::string(key), "wanted it without",
                     "say the bytes of all lanes with --budget");
      return;
    }
    fail_usage(subject, "has no rows for each lane", "wanted one of " + able);
  }

  std::string spec_at(uint64_t rows) const {
    const char separator = policy_.find(':') == std::string::npos ? ':' : ',';
    return policy_ + separator + "budget=" + std::to_string(rows);
  }

  uint64_t bytes_at(const Model& model, uint64_t rows) const {
    return cache_bytes(model.config(), model.arithmetic(), PolicyChoice(spec_at(rows)));
  }

  /// The largest number of rows that all lanes can have.
  uint64_t even_rows(const Model& model) const {
    return rows_within(budget_, [&](uint64_t rows) { return bytes_at(model, rows); });
  }

  std::vector<PolicyChoice> make_levels(const Model& model) const {
    const uint64_t even = even_rows(model);
    std::vector<PolicyChoice> levels;
    uint64_t before = 0;
    for (const double part : kLevels) {
      const auto rows = static_cast<uint64_t>(part * static_cast<double>(even));
      if (rows <= before) continue;
      try {
        levels.emplace_back(spec_at(rows));
        before = rows;
      } catch (const Error&) {  // fewer rows than are protected
      }
    }
    return levels;
  }

  /// [level, lane]
  std::optional<Grid<double>> measure(const Session& session, const Model& model,
                                      const std::vector<PolicyChoice>& levels) const {
    std::optional<Grid<double>> sum;
    for (const fs::path& path : traces_) {
      const TraceReader trace(path);
      ProgressLine progress("tune budgets", "lane steps", session.verbosity);
      const auto runs = replay_trace(trace, levels, session.threads, progress.callback());
      if (!runs) return std::nullopt;
      ProgressLine layers("tune budgets", "layers", session.verbosity);
      const auto errors = lane_errors(trace, model, *runs, steps_of(trace), layers.callback());
      if (!errors) return std::nullopt;
      if (!sum) sum = Grid<double>(errors->rows(), errors->cols());
      for (size_t i = 0; i < errors->all().size(); ++i)
        sum->all()[i] += errors->all()[i] / static_cast<double>(traces_.size());
    }
    return sum;
  }

  /// Evenly over the second half of the text.
  static std::vector<Step> steps_of(const TraceReader& trace) {
    const uint32_t tokens = trace.info().tokens, first = tokens / 2;
    std::vector<Step> steps;
    for (uint32_t i = 0; i < std::min(kMeasuredSteps, tokens - first); ++i)
      steps.emplace_back(first + (tokens - first) * i / std::min(kMeasuredSteps, tokens - first));
    return steps;
  }

  std::vector<LaneOffer> make_offers(const Model& model, const std::vector<PolicyChoice>& levels,
                                     const Grid<double>& errors) const {
    std::vector<LaneOffer> offers(errors.cols());
    for (size_t lane = 0; lane < offers.size(); ++lane)
      for (size_t level = 0; level < levels.size(); ++level) {
        offers[lane].rows.push_back(static_cast<uint32_t>(levels[level].shape().budget));
        offers[lane].bytes.push_back(
            lane_bytes(model.config(), model.arithmetic(), levels[level].shape()));
        offers[lane].gain.push_back(errors(0, lane) - errors(level, lane));
      }
    return offers;
  }

  std::vector<Line> allocations(const std::vector<LaneOffer>& offers) const {
    std::vector<Line> lines{{"even", allocate_evenly(offers, budget_)}};
    for (const AllocationRow& row : allocation_table()) {
      try {
        lines.push_back({std::string(row.name), allocate(row.method, offers, budget_)});
      } catch (const Error&) {
        if (row.method != AllocationMethod::Exact) throw;  // that one is for small cases
      }
    }
    return lines;
  }

  void write_map(const Model& model, const std::vector<PolicyChoice>& levels,
                 const std::vector<LaneOffer>& offers, const Allocation& allocation) const {
    BudgetMap map{model.config().layers, lanes_of(model.config(), levels[0].shape()), {}};
    for (size_t lane = 0; lane < offers.size(); ++lane)
      map.rows.push_back(offers[lane].rows[allocation.level[lane]]);
    write_budget_map(output_, map);
  }

  std::string spec() const {
    const char separator = policy_.find(':') == std::string::npos ? ':' : ',';
    return policy_ + separator + "budget-map=" + output_.string();
  }

  void print(const Session& session, const Model& model, const std::vector<Line>& lines,
             const Grid<double>& errors) const {
    double least = 0;  // error of the lowest levels
    for (const double error : errors.row(0)) least += error;
    const uint64_t held = cache_bytes(model.config(), model.arithmetic(), PolicyChoice(spec()));
    if (session.json()) {
      Json methods = Json::array();
      for (const Line& line : lines)
        methods.add(Json::object()
                        .set("method", line.name)
                        .set("error", least - line.allocation.gain)
                        .set("error_bound", least - line.allocation.upper_bound)
                        .set("bytes", line.allocation.bytes));
      std::cout << Json::object()
                       .set("output", output_.string())
                       .set("budget_bytes", budget_)
                       .set("bytes", held)
                       .set("methods", methods)
                       .set("spec", spec())
                       .text()
                << "\n";
      return;
    }
    TextTable table;
    table.row({"method", "error, sum of lanes", "no allocation below", "bytes"});
    for (const Line& line : lines)
      table.row({line.name, significant(least - line.allocation.gain),
                 significant(least - line.allocation.upper_bound),
                 std::to_string(line.allocation.bytes)});
    std::cout << table.text() << spec() << "\n";
  }

  std::vector<fs::path> traces_;
  ModelOption model_;
  uint64_t budget_ = 0;
  std::string policy_ = "treekv:sinks=4,recent=16", method_ = "greedy";
  fs::path output_;
};

}  // namespace

std::unique_ptr<Command> make_tune_budgets() {
  return std::make_unique<TuneBudgets>();
}

}  // namespace dendrokv
