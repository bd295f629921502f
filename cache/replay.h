#pragma once
// Open loop: a policy over the attention that a full run recorded. Weights of the rows present are rescaled to sum to one,
// which is exact for a layer given its inputs; the inputs of deeper layers would change, which open loop cannot know.

#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "cache/policies.h"
#include "data/grid.h"
#include "data/progress.h"
#include "data/retention.h"
#include "data/trace_reader.h"

namespace dendrokv {

/// Runs one policy over one lane. `weights(step)` is the mean attention row of the lane's query heads over positions 0..step.
/// Records every eviction in `retention` at (layer, lane).
void replay_lane(const PolicyChoice& choice, Layer layer, Lane lane, uint32_t tokens,
                 const std::function<std::span<const float>(Step)>& weights, Retention& retention);

/// Runs the policies over all lanes of a trace, lanes in parallel on `threads` threads; the result does not depend on their
/// number. Throws Error when the trace cannot answer: recorded under eviction, or not every layer, head and step recorded.
/// Nothing is returned if `progress` stops it.
std::optional<std::vector<Run>> replay_trace(const TraceReader& trace,
                                             std::span<const PolicyChoice> choices,
                                             unsigned threads, const Progress& progress);

}  // namespace dendrokv
