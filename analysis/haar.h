#pragma once
// Haar wavelets along the positions of a contribution signal s(i) = weight(i) * value(i, :).
//
// Convention: A = (older + newer) / sqrt 2, D = (older - newer) / sqrt 2; level 1 is the highest
// frequency; coefficients in the order [A_L, D_L, ..., D_1]. Rec(D_l) is the inverse transform with
// every band but D_l set to zero. On a dyadic block of 2^l positions |Rec(D_l)| is constant: half
// the absolute difference between the means of the block's halves (TreeKV, He et al., IJCAI 2025,
// section 3.2). The fused profile (haar_profile.cpp) is that identity, read-only and in one pass;
// the transform and its inverse (haar.cpp) are the plain way to the same numbers.

#include <cstdint>
#include <span>

#include "data/grid.h"
#include "data/trace.h"

namespace dendrokv {

inline constexpr uint32_t kMostLevels = 12;

/// The positions that a decimated transform covers: the largest multiple of 2^levels that ends at
/// the query. Throws Error when not even one block of 2^levels fits, or levels is not 1 to
/// kMostLevels.
IndexRange aligned_window(uint32_t positions, uint32_t levels);

// --- the fused profile

/// A signal of `positions` has one amplitude per block: level 1 first, blocks in time order. These
/// are those of `level`.
IndexRange amplitudes_of_level(size_t positions, uint32_t level);
/// Of all levels together.
size_t amplitude_count(size_t positions, uint32_t levels);

/// `out` [head, amplitude_count()] = mean over channels of |Rec(D_l)| of weight * value on each
/// block, without forming the signal. `weights` is [head, position] and `values` [position,
/// channel], a window of whole blocks of 2^levels. The heads (those that share a KV head) share one
/// read of the values. Equal bits on every machine. Throws Error naming the first window position
/// without a number.
template <class Real>
void haar_amplitudes(GridView<const Real> weights, GridView<const Real> values, uint32_t levels,
                     GridView<double> out);

/// What one pass finds out about a head's signal, each [head, ...]; a view without rows is left
/// out, and only that saves its time.
struct HaarMeasures {
  GridView<double> magnitude;  // [amplitude_count()] mean over channels of |Rec(D_l)|
  GridView<double> energy;     // [amplitude_count()] of Rec(D_l)^2
  // [amplitude_count()] of ln |Rec(D_l)|; what is below the normal numbers counts as the least one
  GridView<double> log_magnitude;
  GridView<double> signal_energy;  // [position] mean over channels of the squared signal
};
/// As haar_amplitudes(), which is this with the magnitude alone. Values may be half floats (float
/// weights), widened on reading.
template <class Real>
void haar_measures(GridView<const Real> weights, GridView<const Real> values, uint32_t levels,
                   const HaarMeasures& out);
void haar_measures(GridView<const float> weights, GridView<const uint16_t> values, uint32_t levels,
                   const HaarMeasures& out);

/// sqrt(energy of D_level / energy of the signal in the same block) per position, from one head's
/// rows: a rise of the weights alone does not change it. NaN where the signal is 0.
void relative_variability(std::span<const double> energy, std::span<const double> signal_energy,
                          uint32_t level, std::span<double> out);
/// - sum_l p_l ln p_l / ln levels, p_l the share of D_l in the energy of all details at a position.
///   NaN where that is 0 or for one level.
void wavelet_entropy(std::span<const double> energy, size_t positions, uint32_t levels,
                     std::span<double> out);

/// Magnitudes spread over the positions: adds head h's amplitudes to profiles[h] [level, position].
void add_haar_profiles(GridView<const float> weights, GridView<const float> values,
                       std::span<const GridView<double>> profiles);

// --- the transform

/// In place along the rows (positions) of `signal` [position, channel]; the number of rows is a
/// multiple of 2^levels. The forward transform throws Error naming the first position that is not a
/// number.
template <class Real>
void haar_forward(GridView<Real> signal, uint32_t levels);
template <class Real>
void haar_inverse(GridView<Real> coefficients, uint32_t levels);

/// Rows of the coefficients that hold band D_level (1 to levels), or the approximation A_levels for
/// level 0.
IndexRange haar_band(size_t rows, uint32_t levels, uint32_t level);

/// Rec(D_level) of the coefficients, or the reconstruction of the approximation for level 0.
/// [position, channel]
template <class Real>
Grid<Real> haar_reconstruct_band(GridView<const Real> coefficients, uint32_t levels,
                                 uint32_t level);

}  // namespace dendrokv
