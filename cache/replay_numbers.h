#pragma once
// What policies cost over a trace of full attention: output errors, regret, recurrence, oracle
// gaps, and how alike two policies are.

#include <optional>
#include <span>
#include <vector>

#include "data/progress.h"
#include "data/retention.h"
#include "data/run_numbers.h"
#include "data/trace_reader.h"

namespace dendrokv {

/// Measures each run against the trace that it belongs to; `steps` are those of the per-head
/// arrays, the arrays of positions take in all steps. A "share" of attention is 1 / (step + 1); a
/// lane's attention is the mean over its query heads. Layers in parallel on `threads` threads; the
/// result does not depend on their number. Throws Error when the trace did not record every layer,
/// head and step, is another one, or was recorded under eviction. Nothing is returned if `progress`
/// (layers) stops it.
std::optional<std::vector<RunNumbers>> measure_runs(const TraceReader& trace,
                                                    std::span<const Run> runs,
                                                    std::span<const Step> steps, unsigned threads,
                                                    const Progress& progress);

/// Means over all heads and measured steps at which something was missing; NaN if there are none.
struct NumbersSummary {
  double retained_mass, best_mass, efficiency;  // efficiency = retained / best
  double output_error, relative_error, cosine;
  double regret;  // of a lane, over the whole text
};
NumbersSummary summarise(const RunNumbers& numbers);

/// |A n B| / |A u B| of the positions that two runs of one text hold after a step, for a query head
/// of `heads` in the model.
double jaccard(const Run& a, const Run& b, uint32_t heads, Layer layer, Head head, Step step);
/// Mean over layers and heads.
double jaccard(const Run& a, const Run& b, uint32_t heads, Step step);

}  // namespace dendrokv
