#pragma once
// Open loop: policies over the attention that a full run recorded (cache/lane_replay.h says how,
// and what it cannot know).

#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "cache/lane_replay.h"
#include "cache/policies.h"
#include "data/grid.h"
#include "data/progress.h"
#include "data/retention.h"
#include "data/trace_reader.h"

namespace dendrokv {

/// Runs one policy over one lane. `weights(step)` is [query head of the lane, position 0..step]; it
/// must stay valid until the next call. Records every eviction in `retention` at (layer, lane); its
/// tokens are the steps that are run.
void replay_lane(const PolicyChoice& choice, Layer layer, Lane lane,
                 const std::function<GridView<const float>(Step)>& weights, Retention& retention,
                 const RecordedRows& rows = {});

/// Runs the policies over all lanes of a trace, lanes in parallel on `threads` threads; the result,
/// in the order of `choices`, does not depend on their number. The trace is read by one thread at a
/// time, in blocks of steps: the memory is a block per thread. Throws Error when the trace cannot
/// answer: recorded under eviction, not every layer, head and step recorded, or without the keys or
/// queries that a policy needs. Nothing is returned if `progress` (lanes times steps) stops it.
std::optional<std::vector<Run>> replay_trace(const TraceReader& trace,
                                             std::span<const PolicyChoice> choices,
                                             unsigned threads, const Progress& progress);

}  // namespace dendrokv
