#pragma once
// The continuous wavelet transform by FFT (Torrence and Compo 1998, equation 4):
//   W(s, n) = sum_k X_k conj(psi^(s w_k)) exp(i w_k n dt)
// with X the transform of the signal over its length.
//
// Power per position needs no matrix: a row holds a narrow band, so its power is computed on the
// few points that the band needs, rows with equally many points are summed there, and each sum is
// brought to all positions by its spectrum. Exact, not interpolated.

#include <complex>
#include <cstdint>
#include <span>
#include <vector>

#include "analysis/boundary.h"
#include "analysis/continuous_wavelets.h"
#include "analysis/fft.h"
#include "data/grid.h"
#include "data/trace.h"

namespace dendrokv {

/// L2: psi has unit energy at every scale, psi^(s w) sqrt(2 pi s / dt). L1: a sine of amplitude A
/// gives |W| = A at its scale.
enum class Normalisation { L2, L1 };
enum class Mean { Remove, Keep };

struct CwtOptions {
  double dt = 1;  // time between positions; scales and periods are in its unit
  Normalisation normalisation = Normalisation::L2;
  Boundary boundary = Boundary::Zero;  // Periodic: as the signal is, without padding
  // Length of the transform; 0: as long as the widest cone of influence asks for.
  size_t padded = 0;
  Mean mean = Mean::Remove;  // before padding
  Planner planner = Planner::Estimate;
};

/// `count` scales from `first` on, 1 / per_octave octaves apart.
std::vector<double> octave_scales(double first, double per_octave, size_t count);

class Cwt {
 public:
  /// Throws Error: no position, a scale that is not positive or below the sampling, a padded length
  /// below the positions.
  Cwt(ContinuousWavelet wavelet, size_t positions, std::vector<double> scales,
      const CwtOptions& options = {});

  size_t positions() const { return positions_; }
  size_t padded() const { return padded_; }
  const std::vector<double>& scales() const { return scales_; }
  const ContinuousWavelet& wavelet() const { return wavelet_; }
  const CwtOptions& options() const { return options_; }
  /// Period of each scale.
  std::vector<double> periods() const;
  /// The period at the edge of the cone of influence, per position: what is longer is touched by
  /// the ends. 0 at both ends.
  std::vector<double> cone_of_influence() const;
  /// Positions of a scale inside of the cone.
  IndexRange valid(size_t scale) const;

  /// `out` [scale, position] is the caller's. Threads share rows. Throws Error naming the first
  /// position that is not a finite number.
  template <class Real>
  void forward(std::span<const Real> signal, GridView<std::complex<Real>> out,
               unsigned threads = 1) const;
  /// `out` [band, position] = sum over the scales of the band of |W|^2, without the matrix; the
  /// ends count as everywhere: readers look at valid().
  template <class Real>
  void power(std::span<const Real> signal, std::span<const IndexRange> bands, GridView<Real> out,
             unsigned threads = 1) const;
  /// The signal less its mean from L2 coefficients at octave_scales (their equation 11), as far as
  /// the scales reach. Throws Error for other scales and for wavelets that vanish at 0.
  template <class Real>
  void inverse(GridView<const std::complex<Real>> coefficients, std::span<Real> out) const;

 private:
  template <class Real>
  class Runner;

  double factor(double scale) const;
  double radians_per_bin(double scale) const;
  template <class Real>
  IndexRange bins(double scale) const;
  template <class Real>
  size_t points_of_power(double scale) const;

  ContinuousWavelet wavelet_;
  size_t positions_, padded_;
  std::vector<double> scales_;
  CwtOptions options_;
  // Found by bisection, so once.
  ContinuousWavelet::Support support_of_floats_, support_of_doubles_;
};

}  // namespace dendrokv
