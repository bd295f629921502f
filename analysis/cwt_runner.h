#pragma once
// One row of the continuous transform, or its power: products of the signal's spectrum and the
// wavelet's, turned back.

#include <algorithm>
#include <array>
#include <cmath>
#include <complex>
#include <map>
#include <numbers>
#include <span>
#include <string>
#include <vector>

#include "analysis/cwt.h"
#include "data/error.h"

namespace dendrokv {

/// exp(-(step k - centre)^2 / 2) for k from `first` on: eight interleaved progressions, each
/// started afresh before rounding grows.
template <class Real>
void fill_gaussian(double step, double centre, IndexRange bins, double scale, Real* out) {
  constexpr size_t kLanes = 8, kRounds = 32;
  const double stride = step * kLanes, shrink = std::exp(-stride * stride);
  for (size_t from = 0; from < bins.count; from += kLanes * kRounds) {
    std::array<double, kLanes> value, ratio;
    for (size_t lane = 0; lane < kLanes; ++lane) {
      const double u = step * static_cast<double>(bins.first + from + lane) - centre;
      value[lane] = scale * std::exp(-u * u / 2);
      ratio[lane] = std::exp(-stride * u - stride * stride / 2);
    }
    const size_t rounds = std::min(kRounds, (bins.count - from) / kLanes);
    Real* to = out + from;
    for (size_t round = 0; round < rounds; ++round, to += kLanes)
      for (size_t lane = 0; lane < kLanes; ++lane) {
        to[lane] = static_cast<Real>(value[lane]);
        value[lane] *= ratio[lane];
        ratio[lane] *= shrink;
      }
    if (rounds < kRounds)
      for (size_t lane = 0; from + rounds * kLanes + lane < bins.count; ++lane)
        to[lane] = static_cast<Real>(value[lane]);
  }
}

/// The spectrum of a signal, and what one thread needs to make rows of it.
template <class Real>
class Cwt::Runner {
 public:
  using Complex = std::complex<Real>;

  static FourierBuffer<Complex> spectrum(const Cwt& cwt, std::span<const Real> signal) {
    DENDROKV_ASSERT(signal.size() == cwt.positions_);
    const size_t length = cwt.padded_;
    double mean = 0;
    for (size_t n = 0; n < signal.size(); ++n) {
      if (!std::isfinite(signal[n]))
        fail("signal at position " + std::to_string(n), "not a finite number", "wanted numbers",
             "mask or interpolate the gaps first");
      mean += static_cast<double>(signal[n]);
    }
    mean = cwt.options_.mean == Mean::Remove ? mean / static_cast<double>(signal.size()) : 0;
    const FourierBuffer<Real> padded(length);
    for (size_t n = 0; n < length; ++n) {
      // Half of the padding continues the end, half comes before the start.
      const size_t after = (length - signal.size() + 1) / 2;
      const auto index =
          static_cast<int64_t>(n) - (n < signal.size() + after ? 0 : static_cast<int64_t>(length));
      double sample = 0;
      for (const ExtensionTerm& term : extended_sample(cwt.options_.boundary, signal.size(), index))
        sample += term.factor * (static_cast<double>(signal[term.index]) - mean);
      padded[n] = static_cast<Real>(sample);
    }
    FourierBuffer<Complex> out(length / 2 + 1);
    Fourier<Real>(length, cwt.options_.planner).forward(padded, out);
    for (size_t k = 0; k < out.size(); ++k) out[k] /= static_cast<Real>(length);
    return out;
  }

  Runner(const Cwt& cwt, const FourierBuffer<Complex>& spectrum) : cwt_(cwt), spectrum_(spectrum) {}

  /// One row on all positions.
  void row(double scale, Complex* out) {
    const size_t length = cwt_.padded_;
    if (cwt_.wavelet_.is_real()) return real_row(scale, out);
    fill(scale, length, 0);
    plan(length).inverse(band_, points_);
    std::copy_n(points_.data(), cwt_.positions_, out);
  }

  /// Adds |W|^2 of a row, on `count` points spread evenly over the padded length, to `sums`.
  void add_power(double scale, size_t count, Real* sums) {
    if (cwt_.wavelet_.is_real()) {
      real_points(scale);
      for (size_t n = 0; n < count; ++n) sums[n] += reals_[n] * reals_[n];
      return;
    }
    // A shift in frequency changes no magnitude: the band is put at the start.
    fill(scale, count, cwt_.bins<Real>(scale).first);
    plan(count).inverse(band_, points_);
    const Complex* points = points_.data();
    for (size_t n = 0; n < count; ++n)
      sums[n] += points[n].real() * points[n].real() + points[n].imag() * points[n].imag();
  }

 private:
  const Fourier<Real>& plan(size_t length) {
    return plans_.try_emplace(length, length, cwt_.options_.planner).first->second;
  }

  /// Products of spectrum and wavelet in a buffer of `count` bins, its first being bin `first_bin`.
  void fill(double scale, size_t count, size_t first_bin) {
    if (band_.size() != count) {
      band_ = FourierBuffer<Complex>(count);
      points_ = FourierBuffer<Complex>(count);
      std::fill_n(band_.data(), count, Complex{});
      filled_ = {};
    }
    std::fill_n(band_.data() + filled_.first, filled_.count, Complex{});
    const IndexRange bins = cwt_.bins<Real>(scale);
    make_filter(scale, bins);
    const Complex* from = spectrum_.data() + bins.first;
    Complex* to = band_.data() + (bins.first - first_bin);
    for (size_t k = 0; k < bins.count; ++k) to[k] = from[k] * filter_[k];
    filled_ = {bins.first - first_bin, bins.count};
  }

  void make_filter(double scale, IndexRange bins) {
    filter_.resize(std::max(filter_.size(), bins.count));
    const double step = cwt_.radians_per_bin(scale), factor = cwt_.factor(scale);
    if (cwt_.wavelet_.family == ContinuousFamily::Morlet) {
      fill_gaussian(step, cwt_.wavelet_.parameter, bins, factor * std::pow(std::numbers::pi, -0.25),
                    filter_.data());
      if (bins.first == 0) filter_[0] = 0;
      return;
    }
    for (size_t k = 0; k < bins.count; ++k)
      filter_[k] = static_cast<Real>(
          factor * cwt_.wavelet_.amplitude(step * static_cast<double>(bins.first + k)));
  }

  void real_points(double scale) {
    const size_t length = cwt_.padded_;
    if (band_.size() != length / 2 + 1) {
      band_ = FourierBuffer<Complex>(length / 2 + 1);
      reals_ = FourierBuffer<Real>(length);
    }
    const IndexRange bins = cwt_.bins<Real>(scale);
    make_filter(scale, bins);
    std::fill_n(band_.data(), band_.size(), Complex{});
    const Complex phase(std::conj(cwt_.wavelet_.phase()));
    for (size_t k = 0; k < bins.count; ++k)
      band_[bins.first + k] = spectrum_[bins.first + k] * filter_[k] * phase;
    plan(length).inverse(band_, reals_);
  }

  void real_row(double scale, Complex* out) {
    real_points(scale);
    for (size_t n = 0; n < cwt_.positions_; ++n) out[n] = reals_[n];
  }

  const Cwt& cwt_;
  const FourierBuffer<Complex>& spectrum_;
  FourierBuffer<Complex> band_, points_;
  FourierBuffer<Real> reals_;
  IndexRange filled_;
  std::vector<Real> filter_;
  std::map<size_t, Fourier<Real>> plans_;
};

}  // namespace dendrokv
