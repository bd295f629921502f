// The M-estimate of scale against its equation, solved by a plain scan, on series with and without
// heavy tails.

#include "analysis/robust_variance.h"

#include <algorithm>
#include <cmath>
#include <gtest/gtest.h>
#include <string>
#include <vector>

#include "analysis/random.h"
#include "analysis/wavelet_variance.h"

namespace dendrokv {
namespace {

/// Normal times lognormal: what weight times value looks like. White noise with a spread of 0.
std::vector<double> heavy_tails(size_t length, uint64_t stream, double spread) {
  RandomStream random(102, stream);
  std::vector<double> series(length);
  for (double& value : series) value = random.normal() * std::exp(spread * random.normal());
  return series;
}

// c of 60 % efficiency, and the mean of w^2 r^2 of a standard normal r, by SciPy's quad and brentq.
constexpr double kC = 4.400278055775501, kMean = 0.5691688598003382;

double weighed_mean(const std::vector<double>& series, double log_square) {
  double sum = 0;
  for (const double value : series) {
    const double r = value / std::exp(log_square / 2), w = 1 - r * r / (kC * kC);
    if (w > 0) sum += std::pow(w, 4) * r * r;
  }
  return sum / static_cast<double>(series.size());
}

struct Scan {
  double square = 0;
  bool is_solution = false;
};

/// In small steps from the square of the median magnitude: to the right as long as the mean rises or
/// is too large, otherwise to the left as long as it rises that way and is too small.
Scan by_scan(std::vector<double> series) {
  constexpr double kStep = 1e-3, kNormalQuartile = 0.6744897501960817;
  std::vector<double> magnitudes = series;
  for (double& value : magnitudes) value = std::fabs(value);
  std::ranges::sort(magnitudes);
  double at = 2 * std::log(magnitudes[series.size() / 2] / kNormalQuartile);
  const auto mean = [&](double where) { return weighed_mean(series, where); };
  const auto is_beyond = [&](double where) {
    return mean(where) < kMean && mean(where - kStep) > mean(where);
  };
  if (is_beyond(at))
    while (is_beyond(at - kStep)) at -= kStep;
  else
    while (!is_beyond(at)) at += kStep;
  double low = at - 2 * kStep, high = at;
  if (mean(low) < kMean) return {std::exp(at - kStep), false};
  for (int step = 0; step < 50; ++step) {
    const double middle = (low + high) / 2;
    (mean(middle) >= kMean ? low : high) = middle;
  }
  return {std::exp(low), true};
}

TEST(RobustVariance, AgreesOnNoiseAndWithstandsOutliers) {
  std::vector<double> w = heavy_tails(20000, 77, 0);
  EXPECT_NEAR(robust_mean_square(w), 1, 0.05);
  for (size_t i = 0; i < 400; ++i) w[i * 50] = 30;  // 2 %
  EXPECT_NEAR(robust_mean_square(w), 1, 0.1);
  EXPECT_GT(mean_square(w), 10);
}

// A solution is found to 1e-9 relative, a largest mean as near as the scan's steps tell.
TEST(RobustVariance, SolvesItsEquationOrComesNearest) {
  int solved = 0, nearest = 0;
  for (const size_t count : {12, 60, 700})
    for (const double spread : {0.0, 0.3, 1.0, 2.0})
      for (uint64_t seed = 0; seed < 5; ++seed) {
        const std::vector<double> w = heavy_tails(count, seed, spread);
        const Scan wanted = by_scan(w);
        ++(wanted.is_solution ? solved : nearest);
        EXPECT_NEAR(robust_mean_square(w) / wanted.square, 1, wanted.is_solution ? 1e-8 : 2e-3)
            << count << " " << spread << " " << seed;
      }
  EXPECT_GT(solved, 20);
  EXPECT_GT(nearest, 10);
}

// Where the tails are too heavy for a solution, the usual iteration ends at 0. A robust variance is
// one of most coefficients: of the order of their median square.
TEST(RobustVariance, DoesNotCollapseUnderHeavyTails) {
  for (uint64_t seed = 0; seed < 20; ++seed) {
    const std::vector<double> w = heavy_tails(4096, 40 + seed, 1.5);
    std::vector<double> squares = w;
    for (double& value : squares) value *= value;
    std::ranges::nth_element(squares, squares.begin() + 2048);
    EXPECT_GT(robust_mean_square(w), squares[2048] / 4) << seed;
    EXPECT_LT(robust_mean_square(w), squares[2048] * 4) << seed;
  }
}

TEST(RobustVariance, FollowsTheScaleOfItsSeries) {
  for (const double spread : {0.0, 1.5}) {
    const std::vector<double> w = heavy_tails(500, 9, spread);
    std::vector<double> scaled = w;
    for (double& value : scaled) value *= 1e-6;
    EXPECT_NEAR(robust_mean_square(scaled) / robust_mean_square(w) * 1e12, 1, 1e-5);
  }
}

// 0 of nothing but zeros; of mostly zeros something.
TEST(RobustVariance, OfZeros) {
  EXPECT_EQ(robust_mean_square(std::vector<double>(9)), 0);
  std::vector<double> sparse(9);
  sparse[4] = 1;
  EXPECT_GT(robust_mean_square(sparse), 0);
}

// 60 % efficient: its spread over samples is 1 / sqrt(0.6) times that of the mean square.
TEST(RobustVariance, IsAsEfficientAsItSays) {
  double plain = 0, robust = 0;
  constexpr int kSamples = 1500;
  for (uint64_t sample = 0; sample < kSamples; ++sample) {
    const std::vector<double> w = heavy_tails(400, 5000 + sample, 0);
    plain += std::pow(mean_square(w) - 1, 2);
    robust += std::pow(robust_mean_square(w) - 1, 2);
  }
  EXPECT_NEAR(plain / robust, 0.6, 0.06);
}

}  // namespace
}  // namespace dendrokv
