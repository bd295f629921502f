#pragma once
// The decimated wavelet transform of several levels and its inverse, for signals of any length
// (Mallat 1989).
//
// One level: a[k] = sum_i dec_lo[i] x[2k + 1 - i], d[k] the same with dec_hi, k from 0 to floor((n
// + L - 1) / 2) - 1, x extended by the boundary rule; periodization and brick wall: x[2k + L/2 -
// i], ceil(n / 2) coefficients. Bands are in the order [A_J, D_J, ..., D_1]; level 1 is the highest
// frequency. The inverse restores exactly as many positions as went in.

#include <cstdint>
#include <span>
#include <vector>

#include "analysis/boundary.h"
#include "analysis/signal_view.h"
#include "analysis/wavelets.h"
#include "data/trace.h"

namespace dendrokv {

/// Useful: no deeper than deepest_level(). Any: as deep as wanted; the ends then touch every
/// coefficient.
enum class Depth { Useful, Any };

/// Coefficients of one level of `positions` samples; shared by allocation, checks and kernels.
size_t dwt_length(size_t positions, size_t filter_length, Boundary boundary);

/// The transform of signals of one length: lengths, valid ranges, and what the ends need, worked
/// out once. Never changes, so that threads may share it.
class Dwt {
 public:
  /// Throws Error: no position, no level, or too many for the length.
  Dwt(Wavelet wavelet, Boundary boundary, size_t positions, uint32_t levels,
      Depth depth = Depth::Useful);

  ~Dwt();
  Dwt(Dwt&& other) noexcept;

  const Wavelet& wavelet() const { return wavelet_; }
  Boundary boundary() const { return boundary_; }
  size_t positions() const { return positions_; }
  uint32_t levels() const;

  /// Coefficients of D_level, or of A_J for level 0.
  size_t length(uint32_t level) const;
  /// Of all bands together.
  size_t coefficients() const;
  /// Those of D_level (0: of A_J) that no end of the signal has touched.
  IndexRange valid(uint32_t level) const;
  /// Views of [A_J, D_J, ..., D_1] that lie one after the other along the positions of `all`, which
  /// has coefficients() of them.
  template <class T>
  std::vector<SignalView<T>> bands_of(SignalView<T> all) const;

  /// `bands` are the caller's, [A_J, D_J, ..., D_1] of length() positions, batches and channels as
  /// the signal; none of them may overlap it. Equal bits for any number of threads and any strides.
  /// Floats under Smooth and Antireflect and those of bior3.1 and rbio3.1 are worked out in double.
  /// Throws Error naming the first position that is not a finite number.
  template <class Real>
  void forward(SignalView<const Real> signal, std::span<const SignalView<Real>> bands,
               unsigned threads = 1) const;
  /// Half floats, widened on reading.
  void forward(SignalView<const uint16_t> signal, std::span<const SignalView<float>> bands,
               unsigned threads = 1) const;
  /// A band without data counts as zeros: Rec(D_l) is the inverse with one band.
  template <class Real>
  void inverse(std::span<const SignalView<const Real>> bands, SignalView<Real> signal,
               unsigned threads = 1) const;

  /// One level of the pyramid; defined in dwt_stage.h.
  struct Stage;

 private:
  Wavelet wavelet_;
  Boundary boundary_;
  size_t positions_;
  std::vector<Stage> stages_;
  uint32_t cascaded_ = 0;  // levels that dwt_cascade.h does together
};

}  // namespace dendrokv
