#pragma once
// The slow replay of a record: the policy decides again over the recorded attention, and each
// departure on record must be its decision.
//
//   open loop     the trace is the full run that the replay read: everything agrees, to the last
//                 bit
//   closed loop   the trace holds the weights that the engine's policy saw, rounded to the file's
//                 encoding. Where two scores lie closer together than that rounding, either
//                 decision is right; the replay then goes on with what the record says, so that one
//                 near tie hides nothing after it.

#include "cache/checks.h"
#include "data/progress.h"
#include "data/retention.h"
#include "data/trace_reader.h"

namespace dendrokv {

/// `run` as replay_trace() makes it of `trace`.
Finding check_open_record(const TraceReader& trace, const Run& run, unsigned threads,
                          const Progress& progress);

/// `run` as the engine made it while `trace` was recorded. Lanes whose heads were not all recorded
/// are left out, and the finding says so.
Finding check_closed_record(const TraceReader& trace, const Run& run, const Progress& progress);

}  // namespace dendrokv
