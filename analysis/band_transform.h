#pragma once
// How much a signal varies at each position in each frequency band, by any of the transforms: what
// profile and statistics are made of.
//
//   dwt     |Rec(D_l)|: inverse transform with one band (TreeKV, He et al., IJCAI 2025, section
//           3.2). Haar: the fused profile, no signal is formed
//   modwt   |W_l[t]|, undecimated and causal: the end of the text is touched by no boundary
//           (Percival and Walden 2000, chapter 5)
//   packet  |coefficient| 2^(-levels/2) of each packet of the last level but the lowest, highest
//           frequency first
//   cwt     root of the mean power over the scales of an octave, L1: a sine of amplitude A gives
//           about A (Torrence and Compo 1998)

#include <memory>
#include <span>
#include <vector>

#include "analysis/haar.h"
#include "analysis/transform_choice.h"
#include "data/grid.h"

namespace dendrokv {

/// Robust variances of series of coefficients, each of one channel of a head, in the unit of the
/// band's energy: their sum weighed by the lengths of the series, and the sum of these.
struct RobustSum {
  double weighed = 0;
  size_t coefficients = 0;
};
/// Coefficients of a series that has a robust variance.
inline constexpr size_t kLeastSeries = 8;
/// Head h stands for all channels by those from (first + h) % stride on, every stride-th one.
struct ChannelSample {
  size_t first = 0, stride = 1;
};

class BandEngine;

/// The transform of signals of one length. Never changes, so that threads may share it.
class BandTransform {
 public:
  /// Throws Error as check(), and for lengths that are too short.
  BandTransform(const TransformChoice& choice, size_t positions);
  ~BandTransform();
  BandTransform(BandTransform&&) noexcept;

  const std::vector<BandPlace>& places() const { return places_; }
  size_t amplitudes() const { return amplitudes_; }
  /// As haar_measures(): magnitude and energy [head, amplitudes()] are means over channels of the
  /// signal weight * value; energy and signal_energy may be left out, log_magnitude is. Throws
  /// Error naming the first position without a number.
  void measure(GridView<const float> weights, GridView<const float> values,
               const HaarMeasures& out) const;

  /// Adds the M-estimates (robust_mean_square() of analysis/robust_variance.h) of the coefficients
  /// of each band that lie within its `counted` positions to `sums`; both [band]. Of the decimated
  /// transform these are the coefficients, not what is reconstructed from them: that has another
  /// variance at each phase. Continuous transforms have powers, and add nothing.
  void measure_robust(GridView<const float> weights, GridView<const float> values,
                      std::span<const IndexRange> counted, ChannelSample channels,
                      std::span<RobustSum> sums) const;

 private:
  TransformChoice choice_;
  std::vector<BandPlace> places_;
  size_t amplitudes_ = 0;
  std::unique_ptr<BandEngine> engine_;
};

}  // namespace dendrokv
