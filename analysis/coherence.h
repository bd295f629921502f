#pragma once
// Wavelet coherence: how much of two series is a linear function of each other, per scale and
// position.
//
//   smoothed   R^2 = |S(W_x conj(W_y) / s)|^2 / (S(|W_x|^2 / s) S(|W_y|^2 / s)) for one pair of
//              series, S a Gaussian exp(-t^2 / (2 s^2)) in time and a boxcar in scale with
//              fractional ends (Torrence and Webster 1999; Grinsted et al. 2004)
//   ensemble   R^2 = |sum_p W_x conj(W_y)|^2 / (sum_p |W_x|^2 sum_p |W_y|^2) over documents p: full
//              resolution, and an exact level: under independence P(R^2 > r) = (1 - r)^(L - 1) for
//              L documents, mean 1 / L
// The ends of the series are in all of it: readers look at Cwt::valid().

#include <complex>
#include <cstdint>
#include <span>
#include <vector>

#include "analysis/cwt.h"
#include "data/grid.h"

namespace dendrokv {

class Coherence {
 public:
  /// Scales of `cwt` are octave_scales(); of its options only scales, wavelet, boundary and padding
  /// matter. `octaves` is the width of the boxcar: the scale decorrelation of the wavelet, 0.6 for
  /// Morlet 6. Throws Error: scales that are not a constant ratio apart, a width that is not
  /// positive, a real wavelet (its coherence is not defined).
  explicit Coherence(Cwt cwt, double octaves = 0.6);

  /// `squared` [scale, position] = R^2, in 0 to 1, NaN where a series has no power; `phase` the
  /// angle of the smoothed cross spectrum, positive where x leads, in radians; it may be without
  /// rows. Throws Error as Cwt.
  void forward(std::span<const double> x, std::span<const double> y, GridView<double> squared,
               GridView<double> phase) const;

  /// R^2 per scale that `confidence` of pairs of independent first-order autoregressions stay
  /// below, over `surrogates` pairs and the positions inside of the cone of influence; NaN for a
  /// scale with none. To 1/4096 of the scale of R^2. Draws are a function of (seed, surrogate), so
  /// the result does not depend on threads.
  std::vector<double> significance(double lag1_x, double lag1_y, double confidence,
                                   size_t surrogates, uint64_t seed, unsigned threads = 1) const;

 private:
  class Runner;

  Cwt cwt_;
  std::vector<double> weights_;  // of the boxcar, from the centre outwards
};

/// Sums over documents of spectra at equal scales and positions: of heads, for instance, one pair
/// of matrices per document.
class EnsembleCoherence {
 public:
  EnsembleCoherence(size_t scales, size_t positions);

  /// Both [scale, position], of one document.
  template <class Real>
  void add(GridView<const std::complex<Real>> x, GridView<const std::complex<Real>> y);
  size_t documents() const { return documents_; }
  /// [scale, position]; `phase` may be without rows. Throws Error for fewer than two documents, of
  /// which R^2 is 1.
  void finish(GridView<double> squared, GridView<double> phase) const;

 private:
  Grid<std::complex<double>> cross_;
  Grid<double> power_x_, power_y_;
  size_t documents_ = 0;
};

/// R^2 that independent series exceed with probability 1 - confidence, at one point: 1 - (1 -
/// confidence)^(1 / (documents - 1)). Throws Error for fewer than two documents, or a
/// confidence that is not between 0 and 1.
double ensemble_coherence_level(size_t documents, double confidence);

}  // namespace dendrokv
