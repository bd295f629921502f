#pragma once
// Variability of contributions per position, from traces.

#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "data/analysis_file.h"
#include "data/grid.h"
#include "data/progress.h"
#include "data/trace_reader.h"

namespace dendrokv {

/// What is transformed: weight * value, the weight alone, or the value alone.
enum class Signal { Contribution, Weight, Value };
Signal parse_signal(std::string_view name);  // throws Error
std::string_view signal_name(Signal signal);

struct AnalyzeOptions {
  uint32_t levels = 5;
  Signal signal = Signal::Contribution;
  std::optional<Step> step;  // of the query; the last recorded one unless set
  uint32_t exclude_first = 32, exclude_last = 32;
  unsigned threads = 1;
};

/// Bands [level, position] of some recorded heads of one layer at one recorded step, one grid per head; positions 0..step, NaN before
/// the aligned window. Throws Error as add_haar_profiles and aligned_window.
std::vector<Grid<double>> head_bands(const TraceReader& trace, size_t layer_index, std::span<const size_t> head_indices,
                                     size_t step_index, const AnalyzeOptions& options);

/// Mean profiles over layers, heads and traces. Several traces are aligned at their query and must be of one model with the same
/// recorded layers and heads; the window is that of the shortest. The result does not depend on `threads`. Nothing is
/// returned when `progress` (layers done) stops it.
std::optional<Analysis> analyze(std::span<const TraceReader* const> traces, const AnalyzeOptions& options,
                                const Progress& progress);

}  // namespace dendrokv
