#pragma once
// The rows of a trace that make up the signal of an analysis: which positions, and the weights and values there.

#include <vector>

#include "analysis/analyze.h"
#include "data/grid.h"
#include "data/trace_reader.h"

namespace dendrokv {

struct SignalWindow {
  const TraceReader* trace;
  IndexRange positions;  // ends at the query
  size_t step_index = 0;
  Step step;

  /// Attention weights of recorded heads, [head, position of the window]; NaN = absent.
  Grid<float> weights(size_t layer_index, IndexRange heads) const;
  /// [position of the window, channel]
  Grid<float> values(size_t layer_index, KvHead kv_head) const;
  /// Throws Error naming layer, head and position when a weight is absent.
  void check_seen(const Grid<float>& weights, size_t layer_index, size_t first_head) const;
};

/// One window per trace, of equal length. Throws Error as analyze().
std::vector<SignalWindow> signal_windows(std::span<const TraceReader* const> traces,
                                         const AnalyzeOptions& options);

}  // namespace dendrokv
