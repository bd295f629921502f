#pragma once
// From the sums of a sample to what an analysis says: bands, variances, change points, maps and
// claims.

#include "analysis/sample_sums.h"
#include "data/analysis_file.h"

namespace dendrokv {

/// Fills everything of `analysis` that comes from the sums; its description (levels, positions,
/// valid range, exclusions) is there.
void fill_profile(const PieceSetup& setup, const SampleSums& sums, Analysis& analysis);
void fill_statistics(const PieceSetup& setup, const SampleSums& sums, UnitKind kind,
                     Analysis& analysis);

}  // namespace dendrokv
