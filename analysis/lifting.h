#pragma once
// The decimated transform by lifting (Sweldens 1996; Daubechies and Sweldens 1998): even and odd
// samples predict and update each other in turn, in place, and the inverse undoes the steps in
// reverse order. Half the products of the filters for long ones.
//
// The boundary is periodization: a step reads around the circle. The coefficients are those of Dwt
// with Boundary::Periodization but for rounding, to 1e-12 of the largest sample in double
// (tests/analysis/lifting_test.cpp).

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "analysis/lifting_steps.h"
#include "analysis/signal_view.h"

namespace dendrokv {

/// Wavelets with a lifting form: all of the table but dmey, which has no exact inverse.
std::vector<std::string_view> lifting_names();

class LiftedDwt {
 public:
  /// Throws Error: no lifting form of that name, no position, or not 1 to 62 levels.
  LiftedDwt(std::string_view wavelet, size_t positions, uint32_t levels);

  size_t positions() const { return lengths_.front(); }
  uint32_t levels() const { return static_cast<uint32_t>(lengths_.size() - 1); }
  /// Coefficients of D_level, or of A_J for level 0, as Dwt.
  size_t length(uint32_t level) const { return lengths_[level == 0 ? levels() : level]; }

  /// `bands` are the caller's, [A_J, D_J, ..., D_1], of length() positions, batches and channels as
  /// the signal. Equal bits for any number of threads and any strides. Throws Error naming the
  /// first position that is not a finite number.
  template <class Real>
  void forward(SignalView<const Real> signal, std::span<const SignalView<Real>> bands,
               unsigned threads = 1) const;
  /// Restores exactly as many positions as went in. A band without data counts as zeros.
  template <class Real>
  void inverse(std::span<const SignalView<const Real>> bands, SignalView<Real> signal,
               unsigned threads = 1) const;

 private:
  const LiftingForm* form_;
  std::vector<size_t> lengths_;  // of the signal and of each level's approximation
};

}  // namespace dendrokv
