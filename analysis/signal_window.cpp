#include "analysis/signal_window.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <set>
#include <string>

#include "analysis/random.h"
#include "data/error.h"

namespace dendrokv {
namespace {

// Apart from those of the nulls, which are numbered by window.
constexpr uint64_t kDrawStream = ~uint64_t{0};

std::string name_of(const TraceInfo& info) {
  return "trace " + info.uuid;
}

size_t step_index_of(const TraceInfo& info, const AnalyzeOptions& options) {
  const std::vector<Step>& steps = info.steps;
  if (steps.empty()) fail(name_of(info), "no recorded step", "wanted at least one");
  if (!options.step) return steps.size() - 1;
  const auto found = std::ranges::lower_bound(steps, *options.step);
  if (found == steps.end() || *found != *options.step)
    fail(name_of(info), "step " + std::to_string(options.step->value) + " was not recorded",
         "wanted one of its " + std::to_string(steps.size()) + " steps from " +
             std::to_string(steps.front().value) + " to " + std::to_string(steps.back().value));
  return static_cast<size_t>(found - steps.begin());
}

void check_together(const TraceInfo& info, const WindowPlan& plan) {
  const TraceInfo& first = plan.model;
  if (info.model.sha256 != first.model.sha256)
    fail(name_of(info), "of model " + info.model.name,
         "wanted " + first.model.name + " as in " + name_of(first));
  if (info.layers != first.layers || info.heads != first.heads)
    fail(name_of(info), "other layers or heads than " + name_of(first),
         "wanted the same ones recorded");
}

/// Windows of `length` side by side, from the query backwards, each ending at a recorded query.
std::vector<SignalWindow> windows_of(const TraceInfo& info, size_t last_index, size_t length) {
  std::vector<SignalWindow> windows;
  size_t end = info.steps[last_index].index() + 1;  // windows so far begin here
  for (size_t index = last_index + 1; index-- > 0;) {
    const size_t stop = info.steps[index].index() + 1;
    if (stop > end) continue;
    if (stop < length) break;
    windows.push_back({0, {stop - length, length}, index, info.steps[index], 0});
    end = stop - length;
  }
  std::ranges::reverse(windows);
  return windows;
}

size_t document_of(const TraceInfo& info, std::map<std::string, size_t>& known,
                   std::vector<std::string>& names) {
  const std::string key = info.source.empty() ? "trace " + info.uuid : info.source;
  const auto [place, is_new] = known.emplace(key, names.size());
  if (is_new) names.push_back(key);
  return place->second;
}

/// Documents of which no window was drawn leave the plan.
void renumber(WindowPlan& plan) {
  std::vector<std::string> names;
  std::map<size_t, size_t> places;
  for (SignalWindow& window : plan.windows) {
    const auto [place, is_new] = places.emplace(window.document, names.size());
    if (is_new) names.push_back(plan.documents[window.document]);
    window.document = place->second;
  }
  plan.documents = std::move(names);
}

void draw(WindowPlan& plan, const AnalyzeOptions& options) {
  if (!options.samples) return;
  std::vector<SignalWindow>& windows = plan.windows;
  if (*options.samples > windows.size())
    fail("traces", std::to_string(windows.size()) + " windows",
         "wanted " + std::to_string(*options.samples) + " samples",
         "give more traces or ask for fewer samples");
  std::vector<size_t> order(windows.size());
  std::iota(order.begin(), order.end(), size_t{0});
  RandomStream(options.seed, kDrawStream).shuffle(std::span(order));
  order.resize(*options.samples);
  std::ranges::sort(order);
  std::vector<SignalWindow> drawn;
  for (const size_t window : order) drawn.push_back(windows[window]);
  windows = std::move(drawn);
  renumber(plan);
}

size_t common_length(size_t shortest, const AnalyzeOptions& options) {
  const size_t grid = transform_grid(options.transform);
  const std::string levels = "levels " + std::to_string(options.transform.levels);
  if (options.windows && *options.windows % grid != 0)
    fail("windows of " + std::to_string(*options.windows), "not whole blocks",
         "wanted a multiple of " + std::to_string(grid), "take another length or fewer levels");
  const size_t length = shortest / grid * grid;
  const size_t least = std::max<size_t>(grid, size_t{1} << options.transform.levels);
  if (length < least)
    fail(levels, std::to_string(shortest) + " positions",
         "wanted at least " + std::to_string(least), "take fewer levels or a later step");
  return length;
}

}  // namespace

WindowPlan plan_windows(TraceSet& traces, const AnalyzeOptions& options) {
  options.transform.check();
  if (traces.size() == 0) fail("analyze", "no trace", "wanted at least one");
  WindowPlan plan;
  std::map<std::string, size_t> documents;
  std::set<std::string> uuids;
  for (size_t t = 0; t < traces.size(); ++t) {
    const auto reader = traces.open(t);
    const TraceInfo& info = reader->info();
    reader->require_full_rows("an analysis");
    if (t == 0) plan.model = info;
    check_together(info, plan);
    if (!uuids.insert(info.uuid).second)
      fail(name_of(info), "given twice", "wanted each sample once");
    plan.trace_uuids.push_back(info.uuid);
    const size_t last = step_index_of(info, options);
    const size_t seen = info.steps[last].index() + 1;
    std::vector<SignalWindow> windows = {{t, {0, seen}, last, info.steps[last], 0}};
    if (options.windows) windows = windows_of(info, last, *options.windows);
    if (windows.empty())
      fail(name_of(info), std::to_string(seen) + " positions",
           "wanted a window of " + std::to_string(*options.windows),
           "take shorter windows or a longer text");
    const size_t document = document_of(info, documents, plan.documents);
    for (SignalWindow& window : windows) {
      window.trace = t;
      window.document = document;
    }
    plan.windows.insert(plan.windows.end(), windows.begin(), windows.end());
  }
  draw(plan, options);
  size_t shortest = plan.windows[0].positions.count;
  for (const SignalWindow& window : plan.windows)
    shortest = std::min(shortest, window.positions.count);
  const size_t length = common_length(shortest, options);
  for (SignalWindow& window : plan.windows)
    window.positions = {window.step.index() + 1 - length, length};
  return plan;
}

Grid<float> window_weights(const TraceReader& trace, const SignalWindow& window, IndexRange part,
                           size_t layer_index, IndexRange heads) {
  Grid<float> rows(heads.count, part.count);
  for (size_t h = 0; h < heads.count; ++h)
    trace.read_weights(layer_index, heads.first + h, {window.step_index, 1},
                       {window.positions.first + part.first, part.count},
                       rows.view().rows_from(h, 1));
  return rows;
}

Grid<float> window_values(const TraceReader& trace, const SignalWindow& window, IndexRange part,
                          size_t layer_index, KvHead kv_head) {
  Grid<float> rows(part.count, trace.info().model.head_dim);
  trace.read_values(layer_index, kv_head, {window.positions.first + part.first, part.count},
                    rows.view());
  return rows;
}

void check_seen(const Grid<float>& weights, const TraceReader& trace, const SignalWindow& window,
                IndexRange part, size_t layer_index, size_t first_head) {
  const TraceInfo& info = trace.info();
  for (size_t h = 0; h < weights.rows(); ++h)
    for (size_t p = 0; p < weights.cols(); ++p)
      if (std::isnan(weights(h, p)))
        fail(name_of(info) + " (policy " + info.policy + ")",
             "the query at " + std::to_string(window.step.value) + " does not see position " +
                 std::to_string(window.positions.first + part.first + p) + " in layer " +
                 std::to_string(info.layers[layer_index].value) + ", head " +
                 std::to_string(info.heads[first_head + h].value),
             "wanted every position of the window", "record the trace with --policy full");
}

}  // namespace dendrokv
