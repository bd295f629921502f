#pragma once
// The rows of traces that make up the signals of an analysis: which positions of which trace, as
// seen by which query.

#include <string>
#include <vector>

#include "analysis/analyze.h"
#include "data/grid.h"
#include "data/trace_reader.h"

namespace dendrokv {

struct SignalWindow {
  size_t trace = 0;      // place in the set
  IndexRange positions;  // ends at the query
  size_t step_index = 0;
  Step step;
  size_t document = 0;  // windows of one text have the same
};

/// What all windows share, and the windows.
struct WindowPlan {
  TraceInfo model;                     // of the first trace
  std::vector<std::string> documents;  // names
  std::vector<std::string> trace_uuids;
  std::vector<SignalWindow> windows;
  size_t positions() const { return windows[0].positions.count; }
};

/// Throws Error as analyze().
WindowPlan plan_windows(TraceSet& traces, const AnalyzeOptions& options);

/// Attention weights of recorded heads at a part of a window (`part` relative to it), [head,
/// position]; NaN = absent.
Grid<float> window_weights(const TraceReader& trace, const SignalWindow& window, IndexRange part,
                           size_t layer_index, IndexRange heads);
/// [position, channel]
Grid<float> window_values(const TraceReader& trace, const SignalWindow& window, IndexRange part,
                          size_t layer_index, KvHead kv_head);
/// Throws Error naming layer, head and position when a weight is absent.
void check_seen(const Grid<float>& weights, const TraceReader& trace, const SignalWindow& window,
                IndexRange part, size_t layer_index, size_t first_head);

}  // namespace dendrokv
