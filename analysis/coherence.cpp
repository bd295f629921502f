// Smoothing is a product with real, even filters in the spectrum, so the two powers go through one
// complex transform: as its real and its imaginary part.

#include "analysis/coherence.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>
#include <numeric>
#include <string>
#include <utility>

#include "analysis/parallel.h"
#include "analysis/random.h"
#include "data/error.h"

namespace dendrokv {
namespace {

using Complex = std::complex<double>;

constexpr size_t kBins = 4096;
constexpr double kNothing = std::numeric_limits<double>::quiet_NaN();

/// Stationary from its first position on.
std::vector<double> red_noise(RandomStream random, double lag1, size_t positions) {
  std::vector<double> series(positions);
  double last = random.normal() / std::sqrt(1 - lag1 * lag1);
  for (double& value : series) value = last = lag1 * last + random.normal();
  return series;
}

void check_confidence(double confidence) {
  if (!(confidence > 0 && confidence < 1))
    fail("confidence", std::to_string(confidence), "wanted a number between 0 and 1");
}

double squared_coherence(Complex cross, double power_x, double power_y) {
  if (!(power_x > 0 && power_y > 0)) return kNothing;
  return std::min(std::norm(cross) / (power_x * power_y), 1.0);
}

}  // namespace

Coherence::Coherence(Cwt cwt, double octaves) : cwt_(std::move(cwt)) {
  const std::vector<double>& scales = cwt_.scales();
  if (cwt_.wavelet().is_real())
    fail("coherence of wavelet " + cwt_.wavelet().name(), "a real wavelet",
         "wanted a complex one: morlet, paul or morse");
  if (!(octaves > 0))
    fail("smoothing over scales", std::to_string(octaves) + " octaves", "wanted a positive width");
  if (scales.size() < 2) fail("coherence", "one scale", "wanted at least two");
  const double step = std::log2(scales[1] / scales[0]);
  for (size_t s = 1; s < scales.size(); ++s)
    if (!(step > 0) || std::abs(std::log2(scales[s] / scales[s - 1]) - step) > 1e-9 * step)
      fail("coherence", "scales that are not a constant ratio apart", "wanted octave_scales()");
  const double half = octaves / step / 2;
  for (double offset = 0; offset < half + 0.5 && weights_.size() < scales.size(); ++offset)
    weights_.push_back(std::clamp(half + 0.5 - offset, 0.0, 1.0));
}

/// What one thread needs for a pair of series.
class Coherence::Runner {
 public:
  explicit Runner(const Coherence& owner)
      : owner_(owner),
        cwt_(owner.cwt_),
        scales_(cwt_.scales().size()),
        length_(fast_length(2 * cwt_.positions())),
        fourier_(length_),
        points_(length_),
        spectrum_(length_),
        x_(scales_, cwt_.positions()),
        y_(scales_, cwt_.positions()),
        powers_(scales_, cwt_.positions()) {
    // As far as the tail of the widest scale reaches, the padding keeps the ends apart; wider ones
    // are outside of the cone.
    for (const double scale : cwt_.scales()) {
      std::vector<double> filter(length_ / 2 + 1);
      const double reach =
          scale / cwt_.options().dt * 2 * std::numbers::pi / static_cast<double>(length_);
      for (size_t k = 0; k < filter.size(); ++k)
        filter[k] = std::exp(-std::pow(reach * static_cast<double>(k), 2) / 2) /
                    static_cast<double>(length_);
      filters_.push_back(std::move(filter));
    }
  }

  /// Leaves the smoothed cross spectrum in cross() and the smoothed powers as real and imaginary
  /// part in powers().
  void run(std::span<const double> x, std::span<const double> y) {
    cwt_.forward<double>(x, x_.view());
    cwt_.forward<double>(y, y_.view());
    for (size_t s = 0; s < scales_; ++s) {
      // Under L1 the power is divided by the scale already.
      const double weight =
          cwt_.options().normalisation == Normalisation::L1 ? 1 : 1 / cwt_.scales()[s];
      const std::span<Complex> of_x = x_.row(s), of_y = y_.row(s), powers = powers_.row(s);
      for (size_t n = 0; n < of_x.size(); ++n) {
        powers[n] = {weight * std::norm(of_x[n]), weight * std::norm(of_y[n])};
        of_x[n] = weight * of_x[n] * std::conj(of_y[n]);
      }
      smooth_in_time(of_x, filters_[s]);
      smooth_in_time(powers, filters_[s]);
    }
    smooth_in_scale(x_);
    smooth_in_scale(powers_);
  }
  double squared(size_t scale, size_t position) const {
    const Complex powers = powers_(scale, position);
    return squared_coherence(x_(scale, position), powers.real(), powers.imag());
  }
  double phase(size_t scale, size_t position) const { return std::arg(x_(scale, position)); }

 private:
  void smooth_in_time(std::span<Complex> row, const std::vector<double>& filter) {
    std::ranges::copy(row, points_.data());
    std::fill_n(points_.data() + row.size(), length_ - row.size(), Complex{});
    // The filter is even, so a transform with the other sign does as well.
    fourier_.inverse(points_, spectrum_);
    for (size_t k = 0; k < length_; ++k) spectrum_[k] *= filter[std::min(k, length_ - k)];
    fourier_.inverse(spectrum_, points_);
    // Twice the same sign turns time around.
    row[0] = points_[0];
    for (size_t n = 1; n < row.size(); ++n) row[n] = points_[length_ - n];
  }

  void smooth_in_scale(Grid<Complex>& grid) {
    Grid<Complex> out(scales_, grid.cols());
    const std::vector<double>& weights = owner_.weights_;
    for (size_t s = 0; s < scales_; ++s)
      for (size_t other = s - std::min(s, weights.size() - 1);
           other < std::min(s + weights.size(), scales_); ++other) {
        const double weight = weights[other > s ? other - s : s - other];
        for (size_t n = 0; n < grid.cols(); ++n) out(s, n) += weight * grid(other, n);
      }
    grid = std::move(out);
  }

  const Coherence& owner_;
  const Cwt& cwt_;
  size_t scales_, length_;
  Fourier<double> fourier_;
  FourierBuffer<Complex> points_, spectrum_;
  Grid<Complex> x_, y_, powers_;
  std::vector<std::vector<double>> filters_;
};

void Coherence::forward(std::span<const double> x, std::span<const double> y,
                        GridView<double> squared, GridView<double> phase) const {
  DENDROKV_ASSERT(squared.rows() == cwt_.scales().size() && squared.cols() == cwt_.positions());
  Runner runner(*this);
  runner.run(x, y);
  for (size_t s = 0; s < squared.rows(); ++s)
    for (size_t n = 0; n < squared.cols(); ++n) {
      squared(s, n) = runner.squared(s, n);
      if (phase.rows() > 0) phase(s, n) = runner.phase(s, n);
    }
}

std::vector<double> Coherence::significance(double lag1_x, double lag1_y, double confidence,
                                            size_t surrogates, uint64_t seed,
                                            unsigned threads) const {
  for (const double lag1 : {lag1_x, lag1_y})
    if (!(std::abs(lag1) < 1))
      fail("lag-1 autocorrelation", std::to_string(lag1), "wanted a number between -1 and 1");
  check_confidence(confidence);
  if (surrogates == 0) fail("surrogates", "0", "wanted at least 1");
  const size_t scales = cwt_.scales().size(),
               pieces = std::min<size_t>(surrogates, size_t{4} * std::max(threads, 1u));
  std::vector<Grid<uint64_t>> counts(pieces, Grid<uint64_t>(scales, kBins));
  for_each_piece(pieces, threads, [&](size_t piece) {
    Runner runner(*this);
    for (size_t draw = surrogates * piece / pieces; draw < surrogates * (piece + 1) / pieces;
         ++draw) {
      runner.run(red_noise({seed, 2 * draw}, lag1_x, cwt_.positions()),
                 red_noise({seed, 2 * draw + 1}, lag1_y, cwt_.positions()));
      for (size_t s = 0; s < scales; ++s) {
        const IndexRange inside = cwt_.valid(s);
        for (size_t n = inside.first; n < inside.first + inside.count; ++n) {
          const double r = runner.squared(s, n);
          if (std::isnan(r)) continue;  // no power left beside rounding
          ++counts[piece](s, std::min(static_cast<size_t>(r * kBins), kBins - 1));
        }
      }
    }
  });
  std::vector<double> levels(scales, kNothing);
  for (size_t s = 0; s < scales; ++s) {
    std::vector<double> found(kBins);
    for (const Grid<uint64_t>& piece : counts)
      for (size_t bin = 0; bin < kBins; ++bin) found[bin] += static_cast<double>(piece(s, bin));
    const double wanted = confidence * std::accumulate(found.begin(), found.end(), 0.0);
    double below = 0;
    for (size_t bin = 0; bin < kBins && wanted > 0; ++bin) {
      const double here = found[bin];
      if (here > 0 && below + here >= wanted) {
        levels[s] = (static_cast<double>(bin) + (wanted - below) / here) / kBins;
        break;
      }
      below += here;
    }
  }
  return levels;
}

EnsembleCoherence::EnsembleCoherence(size_t scales, size_t positions)
    : cross_(scales, positions), power_x_(scales, positions), power_y_(scales, positions) {}

template <class Real>
void EnsembleCoherence::add(GridView<const std::complex<Real>> x,
                            GridView<const std::complex<Real>> y) {
  DENDROKV_ASSERT(x.rows() == cross_.rows() && x.cols() == cross_.cols());
  DENDROKV_ASSERT(y.rows() == cross_.rows() && y.cols() == cross_.cols());
  for (size_t s = 0; s < x.rows(); ++s)
    for (size_t n = 0; n < x.cols(); ++n) {
      const Complex a(x(s, n)), b(y(s, n));
      cross_(s, n) += a * std::conj(b);
      power_x_(s, n) += std::norm(a);
      power_y_(s, n) += std::norm(b);
    }
  ++documents_;
}

void EnsembleCoherence::finish(GridView<double> squared, GridView<double> phase) const {
  if (documents_ < 2)
    fail("coherence over documents", std::to_string(documents_) + " documents",
         "wanted at least 2");
  for (size_t s = 0; s < cross_.rows(); ++s)
    for (size_t n = 0; n < cross_.cols(); ++n) {
      squared(s, n) = squared_coherence(cross_(s, n), power_x_(s, n), power_y_(s, n));
      if (phase.rows() > 0) phase(s, n) = std::arg(cross_(s, n));
    }
}

double ensemble_coherence_level(size_t documents, double confidence) {
  if (documents < 2)
    fail("coherence over documents", std::to_string(documents) + " documents", "wanted at least 2");
  check_confidence(confidence);
  return 1 - std::pow(1 - confidence, 1 / static_cast<double>(documents - 1));
}

template void EnsembleCoherence::add(GridView<const std::complex<float>>,
                                     GridView<const std::complex<float>>);
template void EnsembleCoherence::add(GridView<const std::complex<double>>,
                                     GridView<const std::complex<double>>);

}  // namespace dendrokv
