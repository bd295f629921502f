#pragma once
// The shape of the chunks of a trace that an engine records.

#include "data/trace_plan.h"

namespace dendrokv {

/// Sets the chunk shape of a plan from its tokens: 16 to 512 KiB of f16, and at most sixteen or so
/// side by side; the heads of a group share small ones, so that they are fewer. And from its policy
/// whether the pyramid needs counts: under a full cache each step sees every position up to its
/// own. A chunk row of every recorded (layer, head) is in memory while tokens come one by one, of
/// one layer while they come in blocks.
void choose_chunks(TracePlan& plan);

}  // namespace dendrokv
