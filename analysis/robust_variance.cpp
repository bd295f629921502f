#include "analysis/robust_variance.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numbers>
#include <vector>

#include "analysis/distributions.h"
#include "analysis/wavelet_variance.h"
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

struct Tuning {
  double c = 0, mean = 0;
};

Tuning tuned() {
  double low = 1, high = 20;
  for (int step = 0; step < 60; ++step) {
    const double middle = (low + high) / 2;
    (efficiency(middle) < kEfficiency ? low : high) = middle;
  }
  return {high, biweight_moments(high).first};
}

/// The square of the median magnitude, scaled to the variance of a normal distribution.
double median_square(std::span<const double> coefficients) {
  std::vector<double> magnitudes(coefficients.size());
  std::ranges::transform(coefficients, magnitudes.begin(),
                         [](double value) { return std::fabs(value); });
  const auto middle = magnitudes.begin() + static_cast<std::ptrdiff_t>(magnitudes.size() / 2);
  std::ranges::nth_element(magnitudes, middle);
  const double deviation = *middle / normal_quantile(0.75);
  return deviation * deviation;
}

/// The mean of w^2 r^2 at one sigma^2: the logarithm of its ratio to the wanted one, and by how
/// much that falls when ln sigma^2 rises by 1.
struct Balance {
  double excess = 0, fall = 0;
};

// With u = r^2 / c^2 inside of 1, w^2 r^2 = c^2 u (1 - u)^4. Sums in lanes do not wait for one
// another; a coefficient's lane is its place, so that the order is one.
Balance balance_at(std::span<const double> coefficients, double square, const Tuning& tuning) {
  constexpr size_t kLanes = 8;
  const double scale = 1 / (tuning.c * tuning.c * square);
  std::array<double, kLanes> sum{}, slope{};
  const auto add = [&](size_t i, size_t lane) {
    const double u = coefficients[i] * coefficients[i] * scale;
    const double left = std::max(1 - u, 0.0), part = u * left * left * left;
    sum[lane] += part * left;
    slope[lane] += part * (left - 4 * u);
  };
  const size_t whole = coefficients.size() / kLanes * kLanes;
  for (size_t first = 0; first < whole; first += kLanes)
    for (size_t lane = 0; lane < kLanes; ++lane) add(first + lane, lane);
  for (size_t i = whole; i < coefficients.size(); ++i) add(i, i - whole);
  for (size_t half = kLanes / 2; half > 0; half /= 2)
    for (size_t lane = 0; lane < half; ++lane) {
      sum[lane] += sum[lane + half];
      slope[lane] += slope[lane + half];
    }
  if (sum[0] == 0) return {-std::numeric_limits<double>::infinity(), -1};
  const double mean = tuning.c * tuning.c * sum[0] / static_cast<double>(coefficients.size());
  return {std::log(mean / tuning.mean), slope[0] / sum[0]};
}

constexpr double kLargestStep = 0.5;  // of ln sigma^2: hills of the mean are wider

/// Narrows down ln sigma^2. To the left of the solution, or of the largest mean where there is
/// none, the mean rises or is too large; to the right it falls and is too small.
class Search {
 public:
  explicit Search(double first) : place_(first) {}

  double place() const { return place_; }
  /// Whether that was near enough.
  bool step(const Balance& found) {
    const bool falls = found.fall > 0;
    if (falls && std::fabs(found.excess) < 1e-10) return true;
    if (falls && found.excess < 0) {
      high_ = place_;
      fall_at_high_ = found.fall;
    } else {
      low_ = place_;
      rise_at_low_ = -found.fall;
    }
    if (high_ - low_ < (rise_at_low_ < 0 ? 1e-10 : 1e-6)) return true;
    const double newton =
        falls ? std::clamp(found.excess / found.fall, -kLargestStep, kLargestStep) : kLargestStep;
    place_ += newton;
    if (place_ <= low_ || place_ >= high_) place_ = between();
    return false;
  }

 private:
  /// Where the mean is largest if its slope is even; every second time the middle.
  double between() {
    halve_ = !halve_;
    const double share = rise_at_low_ / (rise_at_low_ + fall_at_high_);
    return low_ +
           (high_ - low_) * (halve_ || rise_at_low_ < 0 ? 0.5 : std::clamp(share, 0.05, 0.95));
  }

  double place_;
  double low_ = -std::numeric_limits<double>::infinity();
  double high_ = std::numeric_limits<double>::infinity();
  double rise_at_low_ = 0, fall_at_high_ = 0;
  bool halve_ = true;
};

}  // namespace

double robust_mean_square(std::span<const double> coefficients) {
  DENDROKV_ASSERT(coefficients.size() >= 2);
  static const Tuning tuning = tuned();
  double first = median_square(coefficients);
  if (first == 0) first = mean_square(coefficients);
  if (first == 0) return 0;
  Search search(std::log(first));
  constexpr int kMostSteps = 200;
  for (int step = 0; step < kMostSteps; ++step)
    if (search.step(balance_at(coefficients, std::exp(search.place()), tuning))) break;
  return std::exp(search.place());
}

}  // namespace dendrokv
