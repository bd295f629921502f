// Torrence & Compo's formulas against figures that their paper prints, and closed forms.

#include "analysis/red_noise.h"

#include <cmath>
#include <gtest/gtest.h>
#include <vector>

#include "analysis/random.h"
#include "data/error.h"

namespace dendrokv {
namespace {

TEST(RedNoise, WithoutMemoryIsWhite) {
  for (const double frequency : {0.0, 0.1, 0.5}) EXPECT_EQ(red_noise_power(0, frequency), 1);
}

TEST(RedNoise, HasMeanOneOverFrequencies) {
  constexpr size_t kLength = 4096;
  double sum = 0;
  for (size_t k = 0; k < kLength; ++k)
    sum += red_noise_power(0.72, static_cast<double>(k) / kLength);
  EXPECT_NEAR(sum / kLength, 1, 1e-9);
  EXPECT_NEAR(red_noise_power(0.72, 0), 1.72 / 0.28, 1e-12);
}

TEST(RedNoise, Lag1OfAnAutoregressionIsItsCoefficient) {
  RandomStream random(5, 5);
  std::vector<double> series(200000);
  for (size_t t = 1; t < series.size(); ++t) series[t] = 0.72 * series[t - 1] + random.normal();
  EXPECT_NEAR(lag1_autocorrelation(series), 0.72, 0.01);
  EXPECT_NEAR(lag1_autocorrelation(std::vector{1.0, -1.0, 1.0, -1.0}), -0.75, 1e-12);
}

// A complex wavelet's power is exponential: 95 % lie below -ln 0.05 times the mean.
TEST(RedNoise, ThresholdsAreThoseOfChiSquared) {
  EXPECT_NEAR(significant_power(wavelet_facts("morlet"), 2.5, 0.95), -2.5 * std::log(0.05), 1e-9);
  EXPECT_NEAR(significant_power(wavelet_facts("dog2"), 1, 0.95), 3.841458820694124, 1e-9);
}

TEST(RedNoise, AMeanOverTimeHasMoreDegrees) {
  const WaveletFacts& morlet = wavelet_facts("morlet");
  EXPECT_EQ(time_average_degrees(morlet, 0, 8), 2);
  EXPECT_NEAR(time_average_degrees(morlet, 2.32 * 8, 8), 2 * std::sqrt(2.0), 1e-12);
}

// Their example of the 2 to 8 year band of NINO3 (section 5b): scales 2^(j/4) * 0.5 years inside of
// the band, 6.441 degrees printed in the software's example.
TEST(RedNoise, TheScaleAveragedBandHasThePrintedDegrees) {
  const double step = 0.25, first = 0.5;
  std::vector<double> scales;
  for (int j = 0; j <= 28; ++j) {
    const double scale = first * std::exp2(j * step);
    if (scale >= 2 && scale < 8) scales.push_back(scale);
  }
  const std::vector<double> white(scales.size(), 1.0);
  const ScaleAverage average = scale_average(wavelet_facts("morlet"), scales, white, step);
  EXPECT_NEAR(average.degrees, 6.441, 0.001);
  EXPECT_NEAR(average.background, 1, 1e-12);
}

TEST(RedNoise, AnUnknownWaveletIsRefusedByName) {
  EXPECT_THROW(wavelet_facts("morlett"), Error);
  EXPECT_EQ(wavelet_facts_table().size(), 4u);
}

}  // namespace
}  // namespace dendrokv
