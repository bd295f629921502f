#pragma once
// Invariants of one run, from its record alone (section by section what `dendrokv check` and
// `--audit` say of it). Each gives the value found.

#include "cache/checks.h"
#include "data/retention.h"
#include "data/trace.h"

namespace dendrokv {

/// The spec is one of ours with every default written out, and the attributes are what it says.
Finding check_run_manifest(const Run& run);
/// What left had arrived, and what it lost to was still there.
Finding check_time_order(const Run& run);
/// After every step as many rows as the policy may hold (cache/row_bounds.h).
Finding check_rows_held(const Run& run);
/// Sinks and recent rows never left.
Finding check_protected(const Run& run);
/// Where the text is longer than the budget, rows left every lane.
Finding check_coverage(const Run& run);
/// Where it is not, none did.
Finding check_identity(const Run& run);
/// A loser scored no more than its rival, a tie is one, and what was not compared has no scores.
Finding check_reasons(const Run& run);
/// No place that a key was rotated to lies beyond the model's context.
Finding check_position_map(const Run& run, uint32_t context_length);
/// The bytes that the engine said it holds are those of the rows on record.
Finding check_memory(const Run& run, const ModelFacts& model);
/// Masses, cosines and errors are possible ones.
Finding check_numbers(const Run& run);

}  // namespace dendrokv
