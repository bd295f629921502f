#include "analysis/signal_window.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>

#include "analysis/haar.h"
#include "data/error.h"

namespace dendrokv {
namespace {

std::string name_of(const TraceReader& trace) {
  return "trace " + trace.info().uuid;
}

size_t step_index_of(const TraceReader& trace, const AnalyzeOptions& options) {
  const std::vector<Step>& steps = trace.info().steps;
  if (steps.empty()) fail(name_of(trace), "no recorded step", "wanted at least one");
  if (!options.step) return steps.size() - 1;
  const auto found = std::ranges::lower_bound(steps, *options.step);
  if (found == steps.end() || *found != *options.step)
    fail(name_of(trace), "step " + std::to_string(options.step->value) + " was not recorded",
         "wanted one of its " + std::to_string(steps.size()) + " steps from " +
             std::to_string(steps.front().value) + " to " + std::to_string(steps.back().value));
  return static_cast<size_t>(found - steps.begin());
}

void check_together(std::span<const TraceReader* const> traces) {
  if (traces.empty()) fail("analyze", "no trace", "wanted at least one");
  const TraceInfo& first = traces[0]->info();
  for (size_t i = 1; i < traces.size(); ++i) {
    const TraceInfo& info = traces[i]->info();
    if (info.model.sha256 != first.model.sha256)
      fail(name_of(*traces[i]), "of model " + info.model.name,
           "wanted " + first.model.name + " as in " + name_of(*traces[0]));
    if (info.layers != first.layers || info.heads != first.heads)
      fail(name_of(*traces[i]), "other layers or heads than " + name_of(*traces[0]),
           "wanted the same ones recorded");
    for (size_t earlier = 0; earlier < i; ++earlier)
      if (traces[earlier]->info().uuid == info.uuid)
        fail(name_of(*traces[i]), "given twice", "wanted each sample once");
  }
}

}  // namespace

Grid<float> SignalWindow::weights(size_t layer_index, IndexRange heads) const {
  Grid<float> rows(heads.count, positions.count);
  for (size_t h = 0; h < heads.count; ++h)
    trace->read_weights(layer_index, heads.first + h, {step_index, 1}, positions,
                        rows.view().rows_from(h, 1));
  return rows;
}

Grid<float> SignalWindow::values(size_t layer_index, KvHead kv_head) const {
  Grid<float> rows(positions.count, trace->info().model.head_dim);
  trace->read_values(layer_index, kv_head, positions, rows.view());
  return rows;
}

void SignalWindow::check_seen(const Grid<float>& weights, size_t layer_index,
                              size_t first_head) const {
  const TraceInfo& info = trace->info();
  for (size_t h = 0; h < weights.rows(); ++h)
    for (size_t p = 0; p < weights.cols(); ++p)
      if (std::isnan(weights(h, p)))
        fail(name_of(*trace) + " (policy " + info.policy + ")",
             "the query at " + std::to_string(step.value) + " does not see position " +
                 std::to_string(positions.first + p) + " in layer " +
                 std::to_string(info.layers[layer_index].value) + ", head " +
                 std::to_string(info.heads[first_head + h].value),
             "wanted every position of the window", "record the trace with --policy full");
}

std::vector<SignalWindow> signal_windows(std::span<const TraceReader* const> traces,
                                         const AnalyzeOptions& options) {
  check_together(traces);
  std::vector<SignalWindow> windows;
  uint32_t shortest = std::numeric_limits<uint32_t>::max();
  for (const TraceReader* trace : traces) {
    const size_t step_index = step_index_of(*trace, options);
    const Step step = trace->info().steps[step_index];
    windows.push_back({trace, {}, step_index, step});
    shortest = std::min(shortest, step.value + 1);
  }
  const size_t count = aligned_window(shortest, options.levels).count;
  for (SignalWindow& window : windows) window.positions = {window.step.index() + 1 - count, count};
  return windows;
}

}  // namespace dendrokv
