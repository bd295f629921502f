#pragma once
// Variability of contributions per position, from traces: |Rec(D_l)| of weight * value, mean over channels, heads, layers and
// traces, at one query (TreeKV, He et al., IJCAI 2025, section 3.2).

#include <optional>
#include <span>
#include <string_view>

#include "data/analysis_file.h"
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
  std::optional<Step> step;  // position of the query; the last recorded one unless set
  uint32_t exclude_first = 32, exclude_last = 32;
  unsigned threads = 1;
};

/// Several traces are several samples: of one model, with the same recorded layers and heads, aligned at their query; the
/// window is that of the shortest. Equal bits for any number of threads. Nothing is returned when `progress` (layers done)
/// stops it. Throws Error: a step that was not recorded, a window shorter than one block, traces that do not go together,
/// a position that the query does not see because the trace was recorded under eviction.
std::optional<Analysis> analyze(std::span<const TraceReader* const> traces,
                                const AnalyzeOptions& options, const Progress& progress);

}  // namespace dendrokv
