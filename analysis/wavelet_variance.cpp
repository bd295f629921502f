#include "analysis/wavelet_variance.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <string>
#include <vector>

#include "analysis/distributions.h"
#include "data/error.h"

namespace dendrokv {
namespace {

// Tukey's biweight: (1 - (r / c)^2)^2 inside of c, 0 outside.
double biweight(double r, double c) {
  const double u = r / c;
  return std::fabs(u) >= 1 ? 0 : (1 - u * u) * (1 - u * u);
}

// Of g(r) = w(r)^2 r^2, the weighed squares, r standard normal. E[r g'] = E[(r^2 - 1) g] by parts.
struct BiweightMoments {
  double first = 0, second = 0, slope = 0;  // E[g], E[g^2], E[r g']
};

BiweightMoments biweight_moments(double c) {
  constexpr int kIntervals = 4000;
  const double width = 2 * c / kIntervals;
  BiweightMoments moments;
  for (int i = 0; i <= kIntervals; ++i) {
    const double r = -c + width * i;
    const double simpson = (i == 0 || i == kIntervals ? 1 : i % 2 == 1 ? 4 : 2) * width / 3;
    const double density = std::exp(-r * r / 2) / std::sqrt(2 * std::numbers::pi);
    const double g = std::pow(biweight(r, c), 2) * r * r;
    moments.first += simpson * density * g;
    moments.second += simpson * density * g * g;
    moments.slope += simpson * density * (r * r - 1) * g;
  }
  return moments;
}

// Of the variance estimate, against the 2 sigma^4 / n of the mean square.
double efficiency(double c) {
  const BiweightMoments moments = biweight_moments(c);
  const double spread = moments.second - moments.first * moments.first;
  return moments.slope * moments.slope / (2 * spread);
}

constexpr double kEfficiency = 0.6;

struct RobustTuning {
  double c = 0, mean = 0;
};

RobustTuning tuned() {
  double low = 1, high = 20;
  for (int step = 0; step < 60; ++step) {
    const double middle = (low + high) / 2;
    (efficiency(middle) < kEfficiency ? low : high) = middle;
  }
  return {high, biweight_moments(high).first};
}

double median_of_magnitudes(std::span<const double> values) {
  std::vector<double> magnitudes(values.size());
  std::ranges::transform(values, magnitudes.begin(), [](double value) { return std::fabs(value); });
  const auto middle = magnitudes.begin() + static_cast<std::ptrdiff_t>(magnitudes.size() / 2);
  std::nth_element(magnitudes.begin(), middle, magnitudes.end());
  return *middle;
}

struct WeighedSquares {
  double sum = 0, slope = 0;  // of w^2 r^2 / c^2, and of it over ln of the inverse bound
};

// With u = W^2 / bound inside of 1, bound = c^2 sigma^2: w^2 r^2 = c^2 u (1 - u)^4.
WeighedSquares weighed_squares(std::span<const double> coefficients, double bound) {
  WeighedSquares found;
  for (const double value : coefficients) {
    const double u = value * value / bound;
    const double left = std::max(1 - u, 0.0), cube = left * left * left;
    found.sum += u * cube * left;
    found.slope += u * cube * (left - 4 * u);
  }
  return found;
}

// The bound between two at which the sum is `wanted`, or comes closest: it rises from `low` to its
// peak and falls to `high`, where it is less.
double bound_between(std::span<const double> coefficients, double wanted, double low, double high) {
  for (int step = 0; step < 100; ++step) {
    const double middle = std::sqrt(low) * std::sqrt(high);
    const WeighedSquares found = weighed_squares(coefficients, middle);
    (found.slope > 0 && found.sum < wanted ? high : low) = middle;
  }
  return high;
}

double mean_product(std::span<const double> a, std::span<const double> b) {
  double sum = 0;
  for (size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
  return sum / static_cast<double>(a.size());
}

}  // namespace

size_t modwt_filter_length(size_t taps, uint32_t level) {
  DENDROKV_ASSERT(taps >= 2 && level >= 1 && level < 32);
  return ((size_t{1} << level) - 1) * (taps - 1) + 1;
}

std::span<const double> interior_coefficients(std::span<const double> coefficients, size_t taps,
                                              uint32_t level) {
  const size_t touched = modwt_filter_length(taps, level) - 1;
  if (coefficients.size() <= touched)
    fail("series", std::to_string(coefficients.size()) + " positions",
         "wanted at least " + std::to_string(touched + 1) + " for level " + std::to_string(level),
         "take fewer levels, a shorter filter or a longer text");
  return coefficients.subspan(touched);
}

double mean_square(std::span<const double> coefficients) {
  DENDROKV_ASSERT(!coefficients.empty());
  return mean_product(coefficients, coefficients);
}

// The sigma^2 at which mean(w^2 r^2) = E[w^2 r^2], r = W / sigma: Newton's steps on a log scale, of
// at most a factor of 2, from the median of the magnitudes; where the mean rises too slowly, the
// fixed point's own. Of mostly zeros, or of a few numbers, the mean may stay below at every sigma:
// then where it comes closest.
double robust_mean_square(std::span<const double> coefficients) {
  DENDROKV_ASSERT(coefficients.size() >= 2);
  static const RobustTuning tuning = tuned();
  const double middle = median_of_magnitudes(coefficients) / normal_quantile(0.75);
  double square = middle > 0 ? middle * middle : mean_square(coefficients);
  if (square == 0) return 0;
  const double bound = tuning.c * tuning.c;
  const double wanted = static_cast<double>(coefficients.size()) * tuning.mean / bound;
  while (weighed_squares(coefficients, bound * square).slope <= 0) square *= 2;
  double above = square;
  for (int step = 0; step < 100; ++step) {
    const WeighedSquares found = weighed_squares(coefficients, bound * square);
    if (found.slope <= 0 && found.sum < wanted)
      return bound_between(coefficients, wanted, bound * square, bound * above) / bound;
    const double ratio = std::log(found.sum / wanted);
    const double rise = std::clamp(found.slope / found.sum, 0.1, 1.0);
    above = square;
    square *= std::exp(std::clamp(ratio / rise, -std::numbers::ln2, std::numbers::ln2));
    if (std::fabs(ratio) < 1e-10) break;
  }
  return square;
}

double large_sample_variance(std::span<const double> interior) {
  const size_t count = interior.size();
  double a = 0;
  for (size_t lag = 0; lag < count; ++lag) {
    double covariance = 0;
    for (size_t t = 0; t + lag < count; ++t) covariance += interior[t] * interior[t + lag];
    covariance /= static_cast<double>(count);
    a += (lag == 0 ? 0.5 : 1.0) * covariance * covariance;
  }
  return a;
}

VarianceInterval gaussian_interval(double variance, double a, size_t coefficients,
                                   double confidence) {
  const double reach =
      normal_quantile((1 + confidence) / 2) * std::sqrt(2 * a / static_cast<double>(coefficients));
  return {variance - reach, variance + reach};
}

VarianceInterval chi_squared_interval(double variance, double degrees, double confidence) {
  return {degrees * variance / chi_squared_quantile(degrees, (1 + confidence) / 2),
          degrees * variance / chi_squared_quantile(degrees, (1 - confidence) / 2)};
}

// Tapers of odd number sum to 0: they see the spectrum, not the mean. The mean is estimated from
// the others.
VarianceInterval multitaper_interval(std::span<const double> interior, double confidence,
                                     size_t tapers) {
  DENDROKV_ASSERT(tapers >= 2 && interior.size() >= tapers);
  const auto count = static_cast<double>(interior.size());
  std::vector<double> projections(tapers), sums(tapers);
  for (size_t k = 0; k < tapers; ++k)
    for (size_t t = 0; t < interior.size(); ++t) {
      const double angle =
          std::numbers::pi * static_cast<double>(k + 1) * static_cast<double>(t + 1) / (count + 1);
      const double taper = std::sqrt(2 / (count + 1)) * std::sin(angle);
      projections[k] += taper * interior[t] * interior[t];
      if (k % 2 == 0) sums[k] += taper;
    }
  double weighed = 0, weight = 0, spectrum = 0;
  for (size_t k = 0; k < tapers; ++k) {
    weighed += projections[k] * sums[k];
    weight += sums[k] * sums[k];
  }
  for (size_t k = 0; k < tapers; ++k)
    spectrum += std::pow(projections[k] - weighed / weight * sums[k], 2);
  const auto degrees = static_cast<double>(tapers - 1);
  const double variance = mean_square(interior);
  const double reach =
      student_quantile(degrees, (1 + confidence) / 2) * std::sqrt(spectrum / degrees / count);
  return {variance - reach, variance + reach};
}

size_t dwt_boundary_coefficients(size_t taps, uint32_t level) {
  DENDROKV_ASSERT(taps >= 2 && level >= 1 && level < 32);
  const size_t exact = (taps - 2) * ((size_t{1} << level) - 1);
  return (exact + (size_t{1} << level) - 1) >> level;
}

double dwt_variance(std::span<const double> coefficients, size_t taps, uint32_t level) {
  const size_t touched = dwt_boundary_coefficients(taps, level);
  if (coefficients.size() <= touched)
    fail("coefficients of level " + std::to_string(level), std::to_string(coefficients.size()),
         "wanted more than " + std::to_string(touched),
         "take fewer levels, a shorter filter or a longer text");
  return std::ldexp(mean_square(coefficients.subspan(touched)), -static_cast<int>(level));
}

double degrees_from_data(double variance, double a, size_t coefficients) {
  DENDROKV_ASSERT(a > 0);
  return static_cast<double>(coefficients) * variance * variance / a;
}

double degrees_from_spectrum(std::span<const double> spectrum) {
  double sum = 0, squares = 0;
  for (const double power : spectrum) {
    sum += power;
    squares += power * power;
  }
  DENDROKV_ASSERT(squares > 0);
  return 2 * sum * sum / squares;
}

double degrees_of_ideal_filter(size_t coefficients, uint32_t level) {
  return std::max(std::ldexp(static_cast<double>(coefficients), -static_cast<int>(level)), 1.0);
}

Correlation wavelet_correlation(std::span<const double> a, std::span<const double> b,
                                size_t series_length, uint32_t level, double confidence) {
  DENDROKV_ASSERT(a.size() == b.size() && !a.empty());
  const double degrees =
      std::ldexp(static_cast<double>(series_length), -static_cast<int>(level)) - 3;
  if (!(degrees > 0))
    fail("series", std::to_string(series_length) + " positions",
         "wanted more than " + std::to_string(size_t{3} << level) + " for an interval at level " +
             std::to_string(level),
         "take fewer levels or a longer text");
  // Rounding may pass 1.
  const double r = std::clamp(
      mean_product(a, b) / (std::sqrt(mean_square(a)) * std::sqrt(mean_square(b))), -1.0, 1.0);
  const double reach = normal_quantile((1 + confidence) / 2) / std::sqrt(degrees);
  return {r, std::tanh(std::atanh(r) - reach), std::tanh(std::atanh(r) + reach)};
}

}  // namespace dendrokv
