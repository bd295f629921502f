#include "analysis/red_noise.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>
#include <numeric>
#include <string>
#include <vector>

#include "analysis/distributions.h"
#include "data/error.h"

namespace dendrokv {
namespace {

constexpr std::array<WaveletFacts, 4> kFacts = {{
    {"morlet", 2, 2.32, 0.60, 0.776},
    {"paul", 2, 1.17, 1.5, 1.132},
    {"dog2", 1, 1.43, 1.4, 3.541},
    {"dog6", 1, 1.37, 0.97, 1.966},
}};

}  // namespace

std::span<const WaveletFacts> wavelet_facts_table() {
  return kFacts;
}

const WaveletFacts& wavelet_facts(std::string_view name) {
  const auto found = std::ranges::find(kFacts, name, &WaveletFacts::name);
  if (found != kFacts.end()) return *found;
  std::vector<std::string_view> names;
  for (const WaveletFacts& row : kFacts) names.push_back(row.name);
  fail("wavelet '" + std::string(name) + "'", "no significance figures are known for it",
       "wanted morlet, paul, dog2 or dog6", did_you_mean(name, names));
}

double lag1_autocorrelation(std::span<const double> series) {
  DENDROKV_ASSERT(series.size() >= 3);
  const double mean =
      std::accumulate(series.begin(), series.end(), 0.0) / static_cast<double>(series.size());
  double variance = 0, covariance = 0;
  for (size_t t = 0; t < series.size(); ++t) {
    variance += (series[t] - mean) * (series[t] - mean);
    if (t > 0) covariance += (series[t] - mean) * (series[t - 1] - mean);
  }
  DENDROKV_ASSERT(variance > 0);
  return covariance / variance;
}

double red_noise_power(double lag1, double frequency) {
  return (1 - lag1 * lag1) /
         (1 + lag1 * lag1 - 2 * lag1 * std::cos(2 * std::numbers::pi * frequency));
}

double significant_power(const WaveletFacts& wavelet, double background, double confidence) {
  return background * chi_squared_quantile(wavelet.degrees, confidence) / wavelet.degrees;
}

double time_average_degrees(const WaveletFacts& wavelet, double points, double scale) {
  const double independent = points / (wavelet.time_decorrelation * scale);
  return wavelet.degrees * std::sqrt(1 + independent * independent);
}

ScaleAverage scale_average(const WaveletFacts& wavelet, std::span<const double> scales,
                           std::span<const double> background, double scale_step) {
  DENDROKV_ASSERT(!scales.empty() && scales.size() == background.size());
  const auto count = static_cast<double>(scales.size());
  ScaleAverage average;
  double inverse = 0, weighed = 0, log_scale = 0;
  for (size_t j = 0; j < scales.size(); ++j) {
    inverse += 1 / scales[j];
    weighed += background[j] / scales[j];
    log_scale += std::log(scales[j]);
  }
  average.weight = 1 / inverse;
  average.background = weighed / inverse;
  // The geometric mean of the scales in use reproduces the paper's printed degrees; the nominal
  // middle of its band does not.
  const double middle = std::exp(log_scale / count);
  const double independent = count * scale_step / wavelet.scale_decorrelation;
  average.degrees =
      wavelet.degrees * count * average.weight / middle * std::sqrt(1 + independent * independent);
  return average;
}

}  // namespace dendrokv
