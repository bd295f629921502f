#pragma once
// What replaying a policy and measuring a run ask of a trace.

#include "data/trace.h"

namespace dendrokv {

/// Throws Error unless the trace holds the attention of every layer, head and step to all tokens
/// before: not what a policy left over.
void require_whole_trace(const TraceInfo& info);

}  // namespace dendrokv
