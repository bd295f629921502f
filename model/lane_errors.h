#pragma once
// What policies cost each lane of a model, seen where it counts: behind the output projection of
// its layer.

#include <optional>
#include <span>

#include "data/grid.h"
#include "data/progress.h"
#include "data/retention.h"
#include "data/trace_reader.h"
#include "model/model.h"

namespace dendrokv {

/// [run, layer * lanes + lane]: mean over the steps of |W_O (o_S - o)|^2 / |W_O o|^2, where o is
/// the attention output of all heads of the layer and o_S that with the lane's heads over the rows
/// that the run held. Open loop: each lane alone, its layer's inputs those of the full cache. All
/// runs have lanes of the same kind. Throws Error when the trace did not record every layer, head
/// and step, or is of another model. Nothing when `progress` (layers) stops it.
std::optional<Grid<double>> lane_errors(const TraceReader& trace, const Model& model,
                                        std::span<const Run> runs, std::span<const Step> steps,
                                        const Progress& progress);

/// Throws Error when the trace is of another model.
void check_same_model(const TraceInfo& info, const Model& model);

}  // namespace dendrokv
