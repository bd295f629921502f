#pragma once
// Significance of wavelet power against red noise (Torrence & Compo 1998, sections 4 and 5; their
// equation numbers).

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace dendrokv {

/// What the formulas need of a mother wavelet (their table 2).
struct WaveletFacts {
  std::string_view name;
  double degrees;              // nu_0: 2 complex, 1 real
  double time_decorrelation;   // gamma
  double scale_decorrelation;  // delta j_0
  double reconstruction;       // C_delta
};
/// morlet (w0 = 6), paul (m = 4), dog2, dog6.
std::span<const WaveletFacts> wavelet_facts_table();
/// Throws Error: no row of that name.
const WaveletFacts& wavelet_facts(std::string_view name);

/// The coefficient of a first-order autoregression, by the autocovariances at lag 0 and 1 about the
/// mean. At least three numbers, not all equal.
double lag1_autocorrelation(std::span<const double> series);

/// P_k of eq. 16, mean 1 over all k: (1 - a^2) / (1 + a^2 - 2 a cos(2 pi k / N)); `frequency` = k /
/// N, cycles per position.
double red_noise_power(double lag1, double frequency);

/// Power that `confidence` of points stay below under the null (eq. 18), in units of the series'
/// variance.
double significant_power(const WaveletFacts& wavelet, double background, double confidence);

/// Degrees of freedom of a mean over `points` positions at `scale` positions (eq. 23).
double time_average_degrees(const WaveletFacts& wavelet, double points, double scale);

/// Mean power over scales (eq. 24 to 28): degrees of freedom and the scale-averaged background.
struct ScaleAverage {
  double degrees = 0;
  double background = 0;  // S_avg * sum P_j / s_j
  double weight = 0;      // S_avg = 1 / sum 1 / s_j
};
/// `scales` rise by 2^scale_step from one to the next; `background` holds P of each.
ScaleAverage scale_average(const WaveletFacts& wavelet, std::span<const double> scales,
                           std::span<const double> background, double scale_step);

}  // namespace dendrokv
