#pragma once
// What the energies of the bands say: relative variability and entropy at every position, wavelet
// variance and its robust variant, change points, and the level of red noise.

#include <span>
#include <vector>

#include "analysis/sample_sums.h"
#include "data/analysis_file.h"

namespace dendrokv {

/// [bands, P] of amplitudes of a window; NaN outside of the places' valid range.
std::vector<double> on_positions(const SampleSums& sums, const Analysis& analysis,
                                 std::span<const double> amplitudes);
/// [P] of numbers of the window's positions.
std::vector<double> on_positions(const Analysis& analysis, std::span<const double> window);

/// Fills energy, relative, entropy, the variances, changes, lag1 and significant of the statistics.
void fill_energies(const PieceSetup& setup, const SampleSums& sums, UnitKind kind,
                   Analysis& analysis);

}  // namespace dendrokv
