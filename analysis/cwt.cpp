#include "analysis/cwt.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <numbers>
#include <string>
#include <type_traits>

#include "analysis/cwt_runner.h"
#include "analysis/parallel.h"
#include "data/error.h"

namespace dendrokv {
namespace {

/// What the tails of a wavelet may be cut at, of its peak: below the rounding of the type.
template <class Real>
constexpr double kTail = std::is_same_v<Real, float> ? 1e-8 : 1e-17;

/// Even lengths some eighth of an octave apart, products of small primes; `most` when nothing
/// shorter is enough.
size_t points_at_least(size_t wanted, size_t most) {
  for (size_t eighth = 2; eighth * 8 < most; eighth *= 2)
    for (const size_t eighths : {8, 9, 10, 12, 14, 15})
      if (eighth * eighths >= wanted && eighth * eighths < most) return eighth * eighths;
  return most;
}

}  // namespace

std::vector<double> octave_scales(double first, double per_octave, size_t count) {
  std::vector<double> scales;
  for (size_t j = 0; j < count; ++j)
    scales.push_back(first * std::exp2(static_cast<double>(j) / per_octave));
  return scales;
}

Cwt::Cwt(ContinuousWavelet wavelet, size_t positions, std::vector<double> scales,
         const CwtOptions& options)
    : wavelet_(wavelet),
      positions_(positions),
      padded_(options.padded),
      scales_(std::move(scales)),
      options_(options),
      support_of_floats_(wavelet.support(kTail<float>)),
      support_of_doubles_(wavelet.support(kTail<double>)) {
  if (positions == 0) fail("transform", "0 positions", "wanted at least 1");
  if (scales_.empty()) fail("transform", "no scale", "wanted at least one");
  if (!(options.dt > 0)) fail("dt", std::to_string(options.dt), "wanted a positive time");
  for (const double scale : scales_)
    if (!(scale > 0) || !std::isfinite(scale))
      fail("scale", std::to_string(scale), "wanted a positive number");
  if (padded_ == 0) {
    const double widest = *std::ranges::max_element(scales_) * wavelet_.e_folding() / options.dt;
    const double margin = std::min(4 * widest, static_cast<double>(positions));
    padded_ = options.boundary == Boundary::Periodic
                  ? positions
                  : fast_length(positions + static_cast<size_t>(std::ceil(margin)));
  }
  if (padded_ < positions)
    fail("padded length", std::to_string(padded_), "wanted at least " + std::to_string(positions));
  if (options.boundary == Boundary::Periodic && padded_ != positions)
    fail("padded length", std::to_string(padded_),
         "wanted " + std::to_string(positions) + " for a periodic signal");
}

std::vector<double> Cwt::periods() const {
  std::vector<double> periods;
  for (const double scale : scales_) periods.push_back(scale * wavelet_.period());
  return periods;
}

std::vector<double> Cwt::cone_of_influence() const {
  std::vector<double> cone(positions_);
  for (size_t n = 0; n < positions_; ++n) {
    const auto distance = static_cast<double>(std::min(n, positions_ - 1 - n));
    cone[n] = wavelet_.period() / wavelet_.e_folding() * options_.dt * distance;
  }
  return cone;
}

IndexRange Cwt::valid(size_t scale) const {
  const double reach = scales_[scale] * wavelet_.e_folding() / options_.dt;
  const auto margin =
      static_cast<size_t>(std::min(std::ceil(reach), static_cast<double>(positions_)));
  if (2 * margin >= positions_) return {};
  return {margin, positions_ - 2 * margin};
}

double Cwt::factor(double scale) const {
  if (options_.normalisation == Normalisation::L2)
    return std::sqrt(2 * std::numbers::pi * scale / options_.dt);
  return (wavelet_.is_real() ? 1 : 2) / std::abs(wavelet_.amplitude(wavelet_.peak()));
}

double Cwt::radians_per_bin(double scale) const {
  return scale * 2 * std::numbers::pi / (static_cast<double>(padded_) * options_.dt);
}

/// Bins from 0 to the Nyquist frequency where the wavelet is not negligible; one at least.
template <class Real>
IndexRange Cwt::bins(double scale) const {
  const ContinuousWavelet::Support& support =
      std::is_same_v<Real, float> ? support_of_floats_ : support_of_doubles_;
  const double step = radians_per_bin(scale);
  const auto most = static_cast<double>(padded_ / 2);
  const double first = std::clamp(std::floor(support.low / step), 0.0, most);
  const double last = std::clamp(std::ceil(support.high / step), first, most);
  return {static_cast<size_t>(first), static_cast<size_t>(last - first) + 1};
}

/// The power of a row has a band as wide as the row's own to both sides; of a Gaussian one the
/// outer part is negligible.
template <class Real>
size_t Cwt::points_of_power(double scale) const {
  const size_t width = bins<Real>(scale).count;
  size_t points = 2 * width + 1;
  if (wavelet_.family == ContinuousFamily::Morlet) {
    const double lag = std::sqrt(-4 * std::log(kTail<Real>)) / radians_per_bin(scale);
    points = std::max(width + 1, static_cast<size_t>(std::ceil(2 * lag)));
  }
  return points_at_least(points, padded_);
}

template <class Real>
void Cwt::forward(std::span<const Real> signal, GridView<std::complex<Real>> out,
                  unsigned threads) const {
  DENDROKV_ASSERT(out.rows() == scales_.size() && out.cols() == positions_);
  const auto spectrum = Runner<Real>::spectrum(*this, signal);
  // Neighbouring rows to one thread, which keeps its buffers.
  const size_t pieces = std::min<size_t>(scales_.size(), size_t{4} * std::max(threads, 1u));
  for_each_piece(pieces, threads, [&](size_t piece) {
    Runner<Real> runner(*this, spectrum);
    const size_t end = scales_.size() * (piece + 1) / pieces;
    for (size_t s = scales_.size() * piece / pieces; s < end; ++s)
      runner.row(scales_[s], out.row(s).data());
  });
}

template <class Real>
void Cwt::power(std::span<const Real> signal, std::span<const IndexRange> bands, GridView<Real> out,
                unsigned threads) const {
  DENDROKV_ASSERT(out.rows() == bands.size() && out.cols() == positions_);
  const auto spectrum = Runner<Real>::spectrum(*this, signal);
  struct Group {
    size_t band, points;
    std::vector<double> scales;
    FourierBuffer<Real> sums;
  };
  std::vector<Group> groups;
  for (size_t b = 0; b < bands.size(); ++b) {
    std::map<size_t, std::vector<double>> by_points;
    for (size_t s = bands[b].first; s < bands[b].first + bands[b].count; ++s)
      by_points[wavelet_.is_real() ? padded_ : points_of_power<Real>(scales_[s])].push_back(
          scales_[s]);
    for (auto& [points, scales] : by_points) groups.push_back({b, points, std::move(scales), {}});
  }
  for_each_piece(groups.size(), threads, [&](size_t g) {
    Group& group = groups[groups.size() - 1 - g];
    group.sums = FourierBuffer<Real>(group.points);
    std::fill_n(group.sums.data(), group.points, Real{0});
    Runner<Real> runner(*this, spectrum);
    for (const double scale : group.scales)
      runner.add_power(scale, group.points, group.sums.data());
  });
  for (size_t b = 0; b < bands.size(); ++b) {
    const FourierBuffer<std::complex<Real>> total(padded_ / 2 + 1);
    std::fill_n(total.data(), total.size(), std::complex<Real>{});
    for (const Group& group : groups) {
      if (group.band != b) continue;
      const FourierBuffer<std::complex<Real>> part(group.points / 2 + 1);
      Fourier<Real>(group.points, options_.planner).forward(group.sums, part);
      const auto scale = static_cast<Real>(1 / static_cast<double>(group.points));
      for (size_t k = 0; k < part.size(); ++k) total[k] += part[k] * scale;
    }
    const FourierBuffer<Real> sum(padded_);
    Fourier<Real>(padded_, options_.planner).inverse(total, sum);
    // A sum of squares; rounding may leave a little less than nothing.
    for (size_t n = 0; n < positions_; ++n) out(b, n) = std::max(sum[n], Real{0});
  }
}

template <class Real>
void Cwt::inverse(GridView<const std::complex<Real>> coefficients, std::span<Real> out) const {
  DENDROKV_ASSERT(coefficients.rows() == scales_.size() && coefficients.cols() == positions_);
  DENDROKV_ASSERT(out.size() == positions_);
  const std::string subject = "inverse of wavelet " + wavelet_.name();
  if (wavelet_.is_real() && static_cast<int>(wavelet_.parameter) % 2 == 1)
    fail(subject, "a wavelet that vanishes at 0", "wanted another one");
  if (options_.normalisation != Normalisation::L2) fail(subject, "L1 coefficients", "wanted L2");
  if (scales_.size() < 2) fail(subject, "one scale", "wanted at least two");
  const double octaves = std::log2(scales_[1] / scales_[0]);
  for (size_t s = 1; s < scales_.size(); ++s)
    if (std::abs(std::log2(scales_[s] / scales_[s - 1]) - octaves) > 1e-9 * std::abs(octaves))
      fail(subject, "scales that are not a constant ratio apart", "wanted octave_scales()");
  const double factor =
      std::abs(octaves) * std::sqrt(options_.dt) / (wavelet_.reconstruction() * wavelet_.at_zero());
  std::vector<double> sums(positions_);
  for (size_t s = 0; s < scales_.size(); ++s) {
    const double weight = factor / std::sqrt(scales_[s]);
    for (size_t n = 0; n < positions_; ++n)
      sums[n] += weight * static_cast<double>(coefficients(s, n).real());
  }
  for (size_t n = 0; n < positions_; ++n) out[n] = static_cast<Real>(sums[n]);
}

template void Cwt::forward(std::span<const float>, GridView<std::complex<float>>, unsigned) const;
template void Cwt::forward(std::span<const double>, GridView<std::complex<double>>, unsigned) const;
template void Cwt::power(std::span<const float>, std::span<const IndexRange>, GridView<float>,
                         unsigned) const;
template void Cwt::power(std::span<const double>, std::span<const IndexRange>, GridView<double>,
                         unsigned) const;
template void Cwt::inverse(GridView<const std::complex<float>>, std::span<float>) const;
template void Cwt::inverse(GridView<const std::complex<double>>, std::span<double>) const;

}  // namespace dendrokv
