#pragma once
// Haar wavelets along the positions of a contribution signal s(i) = weight(i) * value(i, :).
//
// Convention: A = (older + newer) / sqrt 2, D = (older - newer) / sqrt 2; level 1 is the highest frequency; coefficients in the
// order [A_L, D_L, ..., D_1]. Rec(D_l) is the inverse transform with every band but D_l set to zero. On a dyadic block of 2^l
// positions |Rec(D_l)| is constant: half the absolute difference between the means of the block's halves (TreeKV, He et al.,
// IJCAI 2025, section 3.2, and docs/design.md). The fused profile uses that identity; the transform below proves it.

#include <cstdint>
#include <span>
#include <vector>

#include "data/grid.h"
#include "data/trace.h"

namespace dendrokv {

inline constexpr uint32_t kMostLevels = 12;

/// The positions that a decimated transform covers: the largest multiple of 2^levels that ends at the query.
/// Throws Error when not even one block of 2^levels fits, or levels is not 1 to kMostLevels.
IndexRange aligned_window(uint32_t positions, uint32_t levels);

/// Fused: adds to `profile` [level, position] the mean over channels of |Rec(D_l)(position)| of weight * value, without forming the
/// signal. `weights` and the rows of `values` cover a window of whole blocks. Several rows of `weights` (the query heads of a KV
/// head) share one read of the values; row h adds to profiles[h]. Throws Error naming the first position that is not finite.
void add_haar_profiles(GridView<const float> weights, GridView<const float> values,
                       std::span<const GridView<double>> profiles);

/// In place along the rows (positions) of `signal` [position, channel]; the number of rows is a multiple of 2^levels.
template <class Real>
void haar_forward(GridView<Real> signal, uint32_t levels);
template <class Real>
void haar_inverse(GridView<Real> coefficients, uint32_t levels);

/// Rows of the coefficients that hold band D_level (1 to levels), or the approximation A_levels for level 0.
IndexRange haar_band(size_t rows, uint32_t levels, uint32_t level);

/// Rec(D_level) of the coefficients, or the reconstruction of the approximation for level 0. [position, channel]
template <class Real>
Grid<Real> haar_reconstruct_band(GridView<const Real> coefficients, uint32_t levels, uint32_t level);

}  // namespace dendrokv
