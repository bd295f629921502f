#include "gui/content.h"

#include <algorithm>
#include <limits>
#include <mutex>
#include <set>

#include "cache/policies.h"
#include "data/error.h"
#include "data/grid.h"
#include "data/runs_file.h"

namespace dendrokv {
namespace {

/// Tokens of all heads together up to which a run's record is read at once: 17 bytes each.
constexpr uint64_t kMostWhole = uint64_t{2} << 20;

/// By its policy: whether there should be a record of what left.
bool drops_rows(const TraceInfo& info) {
  try {
    return PolicyChoice(info.policy, info.lane_budget).shape().budget > 0;
  } catch (const Error&) {
    return false;  // of another program; there is nothing to expect
  }
}

/// A trace without a run of its own was recorded with every row kept, or its record is lost.
Run unbounded_run(const TraceInfo& info) {
  Run run;
  run.policy = info.policy.empty() ? "full" : info.policy;
  run.mode = RunMode::ClosedLoop;
  run.trace_uuid = info.uuid;
  run.retention = Retention::keep_all(info.model.layers, info.model.kv_heads, info.tokens);
  return run;
}

void check_fits(const std::filesystem::path& file, const Run& run, const TraceInfo& info) {
  if (run.trace_uuid != info.uuid)
    fail(file.string(), "holds runs over trace " + run.trace_uuid, "wanted runs over " + info.uuid,
         "replay this trace");
  if (run.retention.layers() != info.model.layers || run.retention.tokens() != info.tokens)
    fail(file.string(),
         std::to_string(run.retention.layers()) + " layers of " +
             std::to_string(run.retention.tokens()) + " tokens",
         "wanted those of the trace, " + std::to_string(info.model.layers) + " of " +
             std::to_string(info.tokens));
}

/// Of a file that was cut: the rows are lost from some position on, or altogether.
ValueRows first_value_row(const TraceReader& trace) {
  Grid<float> row(1, trace.info().model.head_dim);
  try {
    trace.read_values(0, KvHead(0), {0, 1}, row.view());
  } catch (const Error&) {
    return ValueRows::Lost;
  }
  return ValueRows::There;
}

/// Keys that the title says in words of its own.
bool said_otherwise(std::string_view key) {
  static const std::set<std::string_view> kKeys = {"sinks", "recent", "capacity", "budget"};
  return kKeys.contains(key);
}

/// " · cursor printed · score keep-left": options that differ from the table's defaults. A budget
/// map that the spec names need not be there.
std::string unusual_options(const std::string& policy) {
  std::vector<SpecRow> rows;
  for (const PolicyRow& row : policy_table()) rows.push_back(row.spec);
  const Spec spec = parse_spec("policy", policy, rows);
  const auto row = std::ranges::find(rows, std::string_view(spec.name()), &SpecRow::name);
  std::string text;
  for (const OptionRow& option : row->options) {
    if (option.type != OptionType::Choice || said_otherwise(option.name)) continue;
    if (!spec.has(option.name) || spec.choice(option.name) == option.standard) continue;
    text += " · " + std::string(option.name) + " " + std::string(spec.choice(option.name));
  }
  return text;
}

/// "64", "16 to 64"
std::string range_text(uint64_t fewest, uint64_t most) {
  return (fewest == most ? "" : std::to_string(fewest) + " to ") + std::to_string(most);
}

}  // namespace

struct RunIndexes::State {
  std::mutex mutex;
  std::vector<std::unique_ptr<const RunIndex>> indexes;
};

RunIndexes::RunIndexes() : state_(std::make_unique<State>()) {}
RunIndexes::RunIndexes(const RunIndexes&) : RunIndexes() {}
RunIndexes::RunIndexes(RunIndexes&&) noexcept = default;
RunIndexes& RunIndexes::operator=(RunIndexes&&) noexcept = default;
RunIndexes::~RunIndexes() = default;

const RunIndex& RunIndexes::of(const std::vector<Run>& runs, size_t run) const {
  const std::lock_guard lock(state_->mutex);
  state_->indexes.resize(runs.size());
  std::unique_ptr<const RunIndex>& index = state_->indexes[run];
  if (!index || &index->run() != &runs[run]) index = std::make_unique<const RunIndex>(runs[run]);
  return *index;
}

Content load_content(const TraceReader& trace, const std::filesystem::path& trace_file,
                     const std::vector<std::filesystem::path>& runs_files) {
  Content content{trace_file,      trace.info(),     trace.tokens(),   {}, {},
                  trace.missing(), Ending::Finished, ValueRows::There, {}};
  const auto attempt = [&content](const auto& read) {
    try {
      read();
    } catch (const Error& error) {
      content.missing.push_back(error.what());
    }
  };
  attempt([&] { content.loss = trace.read_loss(); });
  content.loss.resize(content.info.tokens, std::numeric_limits<float>::quiet_NaN());
  const TraceInfo& info = content.info;
  const Records records = uint64_t{info.model.layers} * info.model.heads * info.tokens > kMostWhole
                              ? Records::OnDemand
                              : Records::Whole;
  std::optional<Run> own;
  attempt([&] {
    std::optional<Run> stored = trace.read_run(records);
    if (stored) check_fits(trace_file, *stored, content.info);
    own = std::move(stored);
  });
  if (trace.was_cut()) {
    content.ending = Ending::Cut;
    content.values = first_value_row(trace);
  } else if (!content.info.complete) {
    content.ending = Ending::Live;
  }
  if (content.ending == Ending::Live)
    content.missing.push_back("The recording is not complete: " +
                              std::to_string(content.info.steps.size()) + " steps are there.");
  if (!own && drops_rows(content.info))
    content.missing.push_back("What the policy dropped is not on record (" + content.info.policy +
                              "): every token is shown as kept.");
  content.runs.push_back(own ? std::move(*own) : unbounded_run(content.info));
  for (const std::filesystem::path& file : runs_files) {
    RunsFile read;
    attempt([&] { read = read_runs(file, records); });
    for (Run& run : read.runs) {
      check_fits(file, run, content.info);
      content.runs.push_back(std::move(run));
    }
  }
  return content;
}

RowRange budget_of(const Run& run, std::span<const LaneId> lanes) {
  if (!run.lane_budget) return {run.budget, run.budget};
  if (lanes.empty()) {
    const auto [fewest, most] = std::ranges::minmax(run.lane_budget->rows);
    return {fewest, most};
  }
  RowRange range{UINT64_MAX, 0};
  for (const LaneId& lane : lanes) {
    const uint64_t rows = run.lane_budget->rows_of(lane.layer, lane.lane);
    range = {std::min(range.fewest, rows), std::max(range.most, rows)};
  }
  return range;
}

std::string mapped_rows(const Run& run, std::span<const LaneId> lanes) {
  if (!run.lane_budget) return {};
  const RowRange rows = budget_of(run, lanes);
  return range_text(rows.fewest, rows.most) + " rows";
}

std::string run_title(const Run& run) {
  const std::string name = run.policy.substr(0, run.policy.find(':'));
  const RowRange budget = budget_of(run);
  const std::string rows =
      run.budget == 0 ? "every row" : range_text(budget.fewest, budget.most) + " rows per lane";
  try {
    return name + " · " + rows + unusual_options(run.policy);
  } catch (const Error&) {
    // A policy that this version does not know is shown under the name that the file gives it.
    return name + " · " + rows;
  }
}

std::string run_regions(const Run& run, std::span<const LaneId> lanes) {
  if (run.budget == 0) return {};
  const RowRange budget = budget_of(run, lanes);
  const auto beyond = [](uint64_t rows, uint64_t taken) { return rows - std::min(rows, taken); };
  const auto tree = [&](uint64_t rows) { return beyond(rows, uint64_t{run.sinks} + run.recent); };
  // Of a policy without a tree the map says the recent rows.
  const auto recent = [&](uint64_t rows) {
    return std::min<uint64_t>(run.recent, beyond(rows, run.sinks));
  };
  std::string text = "sinks " + std::to_string(run.sinks);
  if (tree(budget.most) > 0)
    text += " + tree " + range_text(tree(budget.fewest), tree(budget.most));
  return text + " + recent " + range_text(recent(budget.fewest), recent(budget.most));
}

std::string provenance_name(const Run& run) {
  return run.mode == RunMode::ClosedLoop ? "closed loop" : "open-loop replay";
}

std::string provenance_meaning(const Run& run) {
  if (run.mode == RunMode::ClosedLoop)
    return run.budget == 0 ? "Measured: the model ran with every row in its cache."
                           : "Measured: the policy ran inside the model, and later layers felt it.";
  return "Replayed over recorded full attention: exact for layer 0, an approximation above it, "
         "because "
         "the inputs of later layers would have changed.";
}

std::string lane_name(const Run& run, Lane lane) {
  switch (run.lane_kind) {
    case LaneKind::PerKvHead:
      return "KV head " + std::to_string(lane.value);
    case LaneKind::PerQueryHead:
      return "head " + std::to_string(lane.value);
    case LaneKind::PerLayer:
      return "whole layer";
  }
  return {};
}

size_t most_telling_run(const Content& content) {
  for (size_t i = 0; i < content.runs.size(); ++i) {
    const std::vector<int32_t>& evicted = content.runs[i].retention.arrays().evict_step;
    if (std::any_of(evicted.begin(), evicted.end(), [](int32_t step) { return step >= 0; }))
      return i;
  }
  return 0;
}

std::optional<Position> telling_position(const Run& run, Layer layer, Lane lane) {
  constexpr int kLongEnough = 3;
  const std::span<const int32_t> evicted = run.retention.evict_step(layer, lane);
  const std::span<const int32_t> rival = run.retention.rival(layer, lane);
  std::optional<Position> best;
  int longest = 0;
  for (size_t p = evicted.size(); p-- > 0;) {
    int links = 0;
    size_t holder = p;
    while (evicted[holder] >= 0 && rival[holder] >= 0 && links < kLongEnough) {
      holder = static_cast<size_t>(rival[holder]);
      ++links;
    }
    if (links <= longest) continue;
    longest = links;
    best = Position(p);
    if (links == kLongEnough) break;
  }
  return best;
}

std::string not_recorded(const TraceInfo& info, Layer layer, Step step) {
  if (!step_index_at(info, step))
    return info.steps.empty()
               ? "No recorded step is left in this trace."
               : "No step was recorded up to " + std::to_string(step.value) +
                     "; the first one is " + std::to_string(info.steps.front().value) + ".";
  return "Layer " + std::to_string(layer.value) +
         " or the heads of this lane were not recorded in this trace.";
}

size_t head_count(std::span<const LayerHeads> layers) {
  size_t count = 0;
  for (const LayerHeads& layer : layers) count += layer.heads.size();
  return count;
}

std::optional<size_t> layer_index(const TraceInfo& info, Layer layer) {
  const auto found = std::find(info.layers.begin(), info.layers.end(), layer);
  if (found == info.layers.end()) return std::nullopt;
  return static_cast<size_t>(found - info.layers.begin());
}

std::vector<size_t> lane_head_indices(const TraceInfo& info, LaneKind kind, Lane lane) {
  std::vector<size_t> indices;
  for (size_t i = 0; i < info.heads.size(); ++i) {
    const Head head = info.heads[i];
    const bool inside = kind == LaneKind::PerLayer ||
                        (kind == LaneKind::PerQueryHead && head.value == lane.value) ||
                        (kind == LaneKind::PerKvHead && info.kv_head_of(head).value == lane.value);
    if (inside) indices.push_back(i);
  }
  return indices;
}

std::vector<size_t> all_head_indices(const TraceInfo& info) {
  return lane_head_indices(info, LaneKind::PerLayer, Lane(0));
}

std::optional<size_t> step_index_at(const TraceInfo& info, Step step) {
  const auto after = std::upper_bound(info.steps.begin(), info.steps.end(), step);
  if (after == info.steps.begin()) return std::nullopt;
  return static_cast<size_t>(after - info.steps.begin()) - 1;
}

}  // namespace dendrokv
