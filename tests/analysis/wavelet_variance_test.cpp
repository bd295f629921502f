// Wavelet variance of series whose variance is known in closed form, and how often 95 % intervals
// hold it.

#include "analysis/wavelet_variance.h"

#include <cmath>
#include <gtest/gtest.h>
#include <sstream>
#include <string>
#include <vector>

#include "analysis/modwt.h"
#include "analysis/random.h"
#include "data/error.h"
#include "tests/support/files.h"

namespace dendrokv {
namespace {

// Haar MODWT of a level by its definition: (mean of 2^(j-1) positions - mean of the 2^(j-1) before)
// / 2, at full interior places.
std::vector<double> haar_coefficients(const std::vector<double>& series, uint32_t level) {
  const size_t half = size_t{1} << (level - 1);
  std::vector<double> coefficients(series.size(), 1e9);  // the start must not be looked at
  for (size_t t = 2 * half - 1; t < series.size(); ++t) {
    double difference = 0;
    for (size_t i = 0; i < half; ++i) difference += series[t - i] - series[t - half - i];
    coefficients[t] = difference / static_cast<double>(2 * half);
  }
  return coefficients;
}

std::vector<double> white_noise(size_t length, uint64_t stream) {
  RandomStream random(101, stream);
  std::vector<double> series(length);
  for (double& value : series) value = random.normal();
  return series;
}

TEST(WaveletVariance, FilterLengthsAreThoseOfTheBook) {
  EXPECT_EQ(modwt_filter_length(2, 1), 2u);
  EXPECT_EQ(modwt_filter_length(2, 5), 32u);
  EXPECT_EQ(modwt_filter_length(8, 3), 50u);
  EXPECT_EQ(interior_coefficients(std::vector<double>(512), 2, 5).size(), 481u);
  EXPECT_EQ(degrees_of_ideal_filter(481, 5), 481.0 / 32);
  EXPECT_EQ(degrees_of_ideal_filter(20, 5), 1);
  EXPECT_THROW(interior_coefficients(std::vector<double>(31), 2, 5), Error);
}

// Haar: variance 2^-j of white noise of variance 1, for each of 2^j taps of 2^-j adds 2^-2j.
TEST(WaveletVariance, OfWhiteNoiseHalvesFromLevelToLevel) {
  for (const uint32_t level : {1u, 2u, 3u}) {
    const auto all = haar_coefficients(white_noise(200000, level), level);
    const double expected = std::ldexp(1.0, -static_cast<int>(level));
    EXPECT_NEAR(mean_square(interior_coefficients(all, 2, level)) / expected, 1, 0.03);
  }
}

// A random walk of unit steps: Haar nu^2 = (2^(2j) + 2) / (12 * 2^j), by summing the squares of the
// filter's running sums.
TEST(WaveletVariance, OfARandomWalkIsTheClosedForm) {
  std::vector<double> walk = white_noise(400000, 9);
  for (size_t t = 1; t < walk.size(); ++t) walk[t] += walk[t - 1];
  for (const uint32_t level : {1u, 2u, 4u}) {
    const double length = std::ldexp(1.0, static_cast<int>(level));
    const auto all = haar_coefficients(walk, level);
    EXPECT_NEAR(mean_square(interior_coefficients(all, 2, level)),
                (length * length + 2) / (12 * length), 0.04 * length / 12);
  }
}

/// Coefficients of an impulse: the filter of a level, oldest tap last.
std::vector<double> haar_filter(uint32_t level) {
  const size_t length = size_t{1} << level;
  const Modwt modwt(find_wavelet("haar"), length, level);
  std::vector<double> impulse(length), smooth(length);
  impulse[0] = 1;
  std::vector<std::vector<double>> bands(level, std::vector<double>(length));
  std::vector<SignalView<double>> details, smooths(level);
  for (std::vector<double>& band : bands) details.push_back(line_view(band.data(), length));
  smooths.back() = line_view(smooth.data(), length);
  modwt.forward<double>(line_view<const double>(impulse.data(), length), details, smooths);
  return bands.back();
}

/// Sum over the filter times the autocovariances of unit innovations, or of a process whose
/// differences have them.
double filtered_variance(const std::string& process, double parameter,
                         const std::vector<double>& h) {
  std::vector<double> taps = h;
  if (process == "random_walk")  // a walk is the running sum of white noise
    for (size_t l = 1; l < taps.size(); ++l) taps[l] += taps[l - 1];
  // The difference of noise of variance 1, which a sum of the filter's differences sees.
  if (process == "quantization") {
    taps.push_back(0);
    for (size_t l = taps.size() - 1; l > 0; --l) taps[l] -= taps[l - 1];
  }
  if (process == "ma1") {
    taps.push_back(0);
    for (size_t l = taps.size() - 1; l > 0; --l) taps[l] += parameter * taps[l - 1];
  }
  if (process == "drift") {
    double sum = 0;
    for (size_t l = 0; l < taps.size(); ++l) sum -= taps[l] * static_cast<double>(l);
    return sum * sum;
  }
  double variance = 0;
  if (process == "ar1") {
    for (size_t i = 0; i < taps.size(); ++i)
      for (size_t j = 0; j < taps.size(); ++j)
        variance += taps[i] * taps[j] *
                    std::pow(parameter, std::abs(static_cast<double>(i) - static_cast<double>(j)));
    return variance / (1 - parameter * parameter);
  }
  for (const double tap : taps) variance += tap * tap;
  return variance;
}

// The closed forms of every process of the reference, from the filters of the transform itself.
TEST(WaveletVariance, FiltersGiveTheClosedForms) {
  std::istringstream lines(
      testing::read_text(testing::data_file("wavelets/haar_modwt_variance.csv")));
  std::string line;
  std::getline(lines, line);
  size_t count = 0;
  for (; std::getline(lines, line); ++count) {
    std::istringstream cells(line);
    std::string process, parameter, level, tau, variance;
    for (std::string* cell : {&process, &parameter, &level, &tau, &variance})
      std::getline(cells, *cell, ',');
    const double wanted = std::stod(variance);
    const double found = filtered_variance(process, parameter.empty() ? 0 : std::stod(parameter),
                                           haar_filter(static_cast<uint32_t>(std::stoul(level))));
    EXPECT_NEAR(found, wanted, 1e-10 * wanted) << line;
  }
  EXPECT_GE(count, 80u);
}

// Estimates from one long series of each stationary process hold the closed form within four of
// their own standard errors.
TEST(WaveletVariance, EstimatesOfDependentSeriesHoldTheClosedForm) {
  for (const auto& [process, parameter] :
       {std::pair<std::string, double>{"ar1", 0.9}, {"ma1", 0.5}, {"ma1", -0.7}}) {
    const std::vector<double> noise = white_noise(20000, 31);
    std::vector<double> series = noise;
    for (size_t t = 1; t < series.size(); ++t)
      series[t] = noise[t] + parameter * (process == "ar1" ? series[t - 1] : noise[t - 1]);
    for (const uint32_t level : {1u, 3u, 5u}) {
      const auto all = haar_coefficients(series, level);
      // Past the start of the process.
      const auto interior = interior_coefficients(all, 2, level).subspan(200, 4000);
      const double a = large_sample_variance(interior),
                   truth = filtered_variance(process, parameter, haar_filter(level));
      const VarianceInterval interval =
          gaussian_interval(mean_square(interior), a, interior.size(), 0.99994);
      EXPECT_LE(interval.lower, truth) << process << " " << level;
      EXPECT_GE(interval.upper, truth) << process << " " << level;
    }
  }
}

TEST(WaveletVariance, LargeSampleVarianceIsThePlainSum) {
  const std::vector<double> w = {1, -2, 3};
  // s_0 = 14 / 3, s_1 = -8 / 3, s_2 = 1
  EXPECT_NEAR(large_sample_variance(w), 0.5 * 196.0 / 9 + 64.0 / 9 + 1, 1e-12);
}

TEST(WaveletVariance, IntervalsByHand) {
  const VarianceInterval gaussian = gaussian_interval(2, 8, 100, 0.95);
  EXPECT_NEAR(gaussian.lower, 2 - 1.959963984540054 * 0.4, 1e-12);
  EXPECT_NEAR(gaussian.upper, 2 + 1.959963984540054 * 0.4, 1e-12);
  const VarianceInterval chi = chi_squared_interval(2, 15, 0.95);
  EXPECT_NEAR(chi.lower, 15 * 2 / 27.48839286344298, 1e-9);
  EXPECT_NEAR(chi.upper, 15 * 2 / 6.262137795043253, 1e-9);
  EXPECT_EQ(degrees_from_data(3, 9, 50), 50);
  EXPECT_EQ(degrees_from_spectrum(std::vector{1.0, 1.0, 1.0}),
            6);  // two for each of equal frequencies
}

// The squared gain of the Haar MODWT filter of level j at frequency f, times a flat spectrum.
std::vector<double> white_spectrum(size_t coefficients, uint32_t level) {
  std::vector<double> spectrum;
  const double half = std::ldexp(1.0, static_cast<int>(level) - 1);
  for (size_t k = 1; k <= (coefficients - 1) / 2; ++k) {
    const double angle =
        3.14159265358979323846 * static_cast<double>(k) / static_cast<double>(coefficients);
    spectrum.push_back(std::pow(std::sin(half * angle), 4) / std::pow(half * std::sin(angle), 2));
  }
  return spectrum;
}

// 10,000 series of 512: the standard error of a coverage of 95 % is 0.2 %.
TEST(WaveletVariance, NinetyFivePercentIntervalsHoldTheTruthSoOften) {
  constexpr int kSeries = 10000;
  constexpr size_t kLength = 512;
  constexpr uint32_t kLevel = 2;
  const size_t interior = kLength - 3;
  const double eta2 = degrees_from_spectrum(white_spectrum(interior, kLevel));
  int held_spectrum = 0;
  for (uint64_t series = 0; series < kSeries; ++series) {
    const auto all = haar_coefficients(white_noise(kLength, 1000 + series), kLevel);
    const double variance = mean_square(interior_coefficients(all, 2, kLevel));
    const VarianceInterval interval = chi_squared_interval(variance, eta2, 0.95);
    held_spectrum += interval.lower <= 0.25 && 0.25 <= interval.upper;
  }
  EXPECT_GE(held_spectrum, 9400);
  EXPECT_LE(held_spectrum, 9600);
}

// The same with degrees of freedom from the data; 2,000 series, for the autocovariances take the
// time. Standard error 0.5 %.
TEST(WaveletVariance, IntervalsFromTheDataHoldToo) {
  constexpr int kSeries = 2000;
  int held = 0;
  for (uint64_t series = 0; series < kSeries; ++series) {
    const auto all = haar_coefficients(white_noise(512, 1000 + series), 1);
    const auto interior = interior_coefficients(all, 2, 1);
    const double variance = mean_square(interior);
    const double degrees =
        degrees_from_data(variance, large_sample_variance(interior), interior.size());
    const VarianceInterval interval = chi_squared_interval(variance, degrees, 0.95);
    held += interval.lower <= 0.5 && 0.5 <= interval.upper;
  }
  EXPECT_NEAR(held / double{kSeries}, 0.95, 0.03);
}

// Squares of W with tails that a normal distribution does not have, and dependent ones: noise whose
// amplitude wanders. An interval for normal W misses the truth much too often. 10,000 series: the
// standard error is 0.2 %.
TEST(WaveletVariance, MultitaperIntervalsHoldWithoutNormality) {
  constexpr int kSeries = 10000;
  constexpr size_t kLength = 512;
  int held = 0, normal_held = 0;
  for (uint64_t series = 0; series < kSeries; ++series) {
    RandomStream random(7, series);
    std::vector<double> w(kLength);
    double wandering = random.normal();
    for (double& value : w) {
      wandering = 0.6 * wandering + 0.8 * random.normal();   // variance 1
      value = random.normal() * std::exp(0.25 * wandering);  // mean square exp(2 * 0.25^2)
    }
    const double truth = std::exp(0.125);
    const VarianceInterval interval = multitaper_interval(w, 0.95);
    held += interval.lower <= truth && truth <= interval.upper;
    const VarianceInterval normal =
        chi_squared_interval(mean_square(w), degrees_of_ideal_filter(kLength, 0), 0.95);
    normal_held += normal.lower <= truth && truth <= normal.upper;
  }
  EXPECT_GE(held, 9370);  // skewness leaves it a little short of 95 %
  EXPECT_LE(held, 9600);
  EXPECT_LT(normal_held, 8700);
}

// Of white noise both transforms estimate 2^-j; of Haar no coefficient is touched, of db2 one or
// two.
TEST(WaveletVariance, FromDecimatedCoefficients) {
  EXPECT_EQ(dwt_boundary_coefficients(2, 5), 0u);
  EXPECT_EQ(dwt_boundary_coefficients(4, 1), 1u);
  EXPECT_EQ(dwt_boundary_coefficients(4, 3), 2u);
  const std::vector<double> d = {100, 100, 1, -1, 2, -2};
  EXPECT_EQ(dwt_variance(d, 4, 3), 2.5 / 8);
  EXPECT_THROW(dwt_variance(std::vector<double>(2), 4, 3), Error);
}

TEST(WaveletCorrelation, HasFishersInterval) {
  const std::vector<double> a = {1, -1, 2, 0.5}, b = {2, -1, 1, 1};
  const double r = (2 + 1 + 2 + 0.5) / std::sqrt((1 + 1 + 4 + 0.25) * (4 + 1 + 1 + 1));
  const Correlation found = wavelet_correlation(a, b, 64, 2, 0.95);
  EXPECT_NEAR(found.value, r, 1e-12);
  EXPECT_NEAR(found.upper, std::tanh(std::atanh(r) + 1.959963984540054 / std::sqrt(13.0)), 1e-12);
  EXPECT_NEAR(found.lower, std::tanh(std::atanh(r) - 1.959963984540054 / std::sqrt(13.0)), 1e-12);
  EXPECT_THROW(wavelet_correlation(a, b, 12, 2, 0.95), Error);
}

// Rounding may put r beyond 1, where Fisher's z has no number.
TEST(WaveletCorrelation, OfASeriesWithItselfIsOne) {
  for (uint64_t stream = 0; stream < 50; ++stream) {
    RandomStream random(5, stream);
    std::vector<double> a(99), b;
    for (double& value : a) value = random.normal();
    for (const double value : a) b.push_back(-3.3 * value);
    const Correlation same = wavelet_correlation(a, a, 200, 1, 0.95),
                      opposite = wavelet_correlation(a, b, 200, 1, 0.95);
    EXPECT_NEAR(same.lower, 1, 1e-6);  // atanh of a last bit below 1 is 18
    EXPECT_NEAR(same.upper, 1, 1e-6);
    EXPECT_LE(same.upper, 1);
    EXPECT_NEAR(opposite.lower, -1, 1e-6);
    EXPECT_NEAR(opposite.upper, -1, 1e-6);
    EXPECT_GE(opposite.lower, -1);
  }
}

}  // namespace
}  // namespace dendrokv
