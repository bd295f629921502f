#pragma once
// Undecimated transforms: every level keeps one coefficient per position. Circular; any length, any
// number of levels.
//
//   Modwt       W_j[t] = sum_l h~[l] V_{j-1}[(t - 2^(j-1) l) mod N], V_j with g~ (Percival and
//               Walden 2000, chapter 5); g~ = rec_lo / sqrt 2, h~ = rec_hi / sqrt 2. Causal: a
//               coefficient sees its own position and older ones, so the wrap touches only the
//               start, t < (2^j - 1)(L - 1). For Haar W_1[t] = (x[t] - x[t-1]) / 2.
//   Stationary  a_j[t] = sum_i dec_lo[i] a_{j-1}[(t + 2^(j-1) (L/2 - i)) mod N]: centred, both ends
//               are touched.
//   StationaryNormalised  the same with filters / sqrt 2: the energy of all bands is that of the
//                         signal.

#include <cstdint>
#include <span>
#include <vector>

#include "analysis/signal_view.h"
#include "analysis/wavelets.h"
#include "data/trace.h"

namespace dendrokv {

template <class T>
struct Strip;
template <class T>
struct Circle;

enum class Undecimated { Modwt, Stationary, StationaryNormalised };

/// Taps l see position t + spacing * (shift + direction * l).
struct UndecimatedFilters {
  std::vector<double> low, high;
  int64_t shift, direction;

  /// From the place of an output to what a tap sees, in units of the spacing.
  int64_t offset(size_t tap) const { return shift + direction * static_cast<int64_t>(tap); }
};

class Modwt {
 public:
  /// The signal counts as the smooth of level `skipped`. Throws Error: no position, no level, or a
  /// filter of more than 2^40 positions.
  Modwt(const Wavelet& wavelet, size_t positions, uint32_t levels,
        Undecimated kind = Undecimated::Modwt, uint32_t skipped = 0);

  size_t positions() const { return positions_; }
  uint32_t levels() const { return levels_; }
  /// Positions whose coefficients at `level` the wrap has not touched.
  IndexRange valid(uint32_t level) const;
  /// Positions of the smooth above that coefficient 0 of `level` is made of; coefficient t sees
  /// them t further around the circle.
  std::vector<size_t> positions_seen(uint32_t level) const;

  /// `details` are the caller's, level 1 first, of the signal's shape; `smooths` too, one per
  /// level, all but the last may be without data. None may overlap the signal or one another. Equal
  /// bits for any number of threads. Throws Error naming the first position that is not a finite
  /// number.
  template <class Real>
  void forward(SignalView<const Real> signal, std::span<const SignalView<Real>> details,
               std::span<const SignalView<Real>> smooths, unsigned threads = 1) const;
  /// Half floats, widened on reading.
  void forward(SignalView<const uint16_t> signal, std::span<const SignalView<float>> details,
               std::span<const SignalView<float>> smooths, unsigned threads = 1) const;
  /// Exact inverse; `smooth` is that of the last level. A band without data counts as zeros: one
  /// band alone gives the detail D_j or the smooth S_J of a multiresolution analysis, which add up
  /// to the signal.
  template <class Real>
  void inverse(std::span<const SignalView<const Real>> details, SignalView<const Real> smooth,
               SignalView<Real> signal, unsigned threads = 1) const;

 private:
  int64_t spacing(uint32_t level) const;
  template <class Real>
  void analyse(Strip<const Real> x, std::span<const Circle<Real>> high,
               std::span<const Circle<Real>> low) const;

  size_t positions_;
  uint32_t levels_, skipped_;
  UndecimatedFilters analysis_, synthesis_;
};

}  // namespace dendrokv
