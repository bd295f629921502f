// The continuous transform: Torrence and Compo's formulas (reference), a direct sum, tones, power
// without a matrix.

#include "analysis/cwt.h"

#include <cmath>
#include <gtest/gtest.h>
#include <limits>
#include <numbers>
#include <random>

#include "analysis/cwt_gaps.h"
#include "analysis/red_noise.h"
#include "data/error.h"
#include "tests/analysis/reference_cases.h"

namespace dendrokv {
namespace {

using Complex = std::complex<double>;

std::vector<double> noise(size_t count) {
  std::mt19937 draw(9);
  std::normal_distribution<double> normal;
  std::vector<double> numbers(count);
  for (double& number : numbers) number = normal(draw);
  return numbers;
}

template <class Real>
Grid<std::complex<Real>> matrix_of(const Cwt& cwt, const std::vector<Real>& x,
                                   unsigned threads = 1) {
  Grid<std::complex<Real>> out(cwt.scales().size(), cwt.positions());
  cwt.forward<Real>(x, out.view(), threads);
  return out;
}

// Tolerances of the reference: 1e-12 of the largest coefficient, 3e-6 in float, 1e-10 relative for
// the axes.
TEST(Cwt, EqualsTheReference) {
  testing::ReferenceCases cases("cwt_cases");
  std::vector<double> x;
  double dt = 0;
  size_t count = 0;
  for (auto words = cases.next_line(); !words.empty(); words = cases.next_line()) {
    if (words[0] == "x") {
      const auto numbers = cases.take(std::stoul(words[1]));
      x.assign(numbers.begin(), numbers.end());
      dt = std::stod(words[2]);
      continue;
    }
    const size_t padded = std::stoul(words[2]), scale_count = std::stoul(words[3]),
                 rows = std::stoul(words[4]);
    const auto scales = cases.take(scale_count), periods = cases.take(scale_count);
    const auto cone = cases.take(x.size()), reconstruction = cases.take(x.size());
    const double largest = cases.take(1)[0];
    CwtOptions options;
    options.dt = dt;
    options.padded = padded;
    options.boundary = padded == x.size() ? Boundary::Periodic : Boundary::Zero;
    const Cwt cwt(parse_continuous_wavelet(words[1]), x.size(), {scales.begin(), scales.end()},
                  options);
    const auto w = matrix_of(cwt, x);
    const auto single = matrix_of(cwt, std::vector<float>(x.begin(), x.end()));
    const auto real = cases.take(rows * x.size()), imaginary = cases.take(rows * x.size());
    for (size_t r = 0; r < rows; ++r)
      for (size_t n = 0; n < x.size(); ++n) {
        const Complex wanted(real[r * x.size() + n], imaginary[r * x.size() + n]);
        ASSERT_LE(std::abs(w(6 * r, n) - wanted), 1e-12 * largest) << words[1];
        ASSERT_LE(std::abs(Complex(single(6 * r, n)) - wanted), 3e-6 * largest) << words[1];
      }
    for (size_t s = 0; s < scale_count; ++s)
      EXPECT_NEAR(cwt.periods()[s], periods[s], 1e-10 * periods[s]);
    EXPECT_LE(testing::largest_difference(cwt.cone_of_influence(), cone),
              1e-10 * testing::largest_magnitude(cone));
    std::vector<double> back(x.size());
    cwt.inverse<double>(std::as_const(w).view(), back);
    EXPECT_LE(testing::largest_difference(back, reconstruction),
              1e-10 * testing::largest_magnitude(reconstruction))
        << words[1];
    ++count;
  }
  EXPECT_EQ(count, 6u);
  EXPECT_TRUE(cases.all_taken());
}

// Torrence and Compo's background, levels, global spectrum and scale average of the same
// transforms. 1e-10 relative: quantiles of chi^2 limit it. The series' variance is its mean square
// about the mean.
TEST(Cwt, SignificanceEqualsTheReference) {
  testing::ReferenceCases cases("cwt_significance_cases");
  auto words = cases.next_line();
  const size_t count = std::stoul(words[1]);
  const double dt = std::stod(words[2]), lag1 = std::stod(words[3]), shortest = std::stod(words[4]),
               longest = std::stod(words[5]);
  const auto series = cases.take(count);
  const std::vector<double> x(series.begin(), series.end());
  double mean = 0, variance = 0;
  for (const double value : x) mean += value / static_cast<double>(count);
  for (const double value : x)
    variance += (value - mean) * (value - mean) / static_cast<double>(count);
  for (words = cases.next_line(); !words.empty(); words = cases.next_line()) {
    const bool dog = words[1] == "dog2";
    const WaveletFacts& facts =
        wavelet_facts(dog ? "dog2" : words[1].substr(0, words[1].size() - 1));
    const size_t padded = std::stoul(words[2]), scale_count = std::stoul(words[3]);
    const auto scales = cases.take(scale_count), periods = cases.take(scale_count),
               background = cases.take(scale_count);
    const auto levels = cases.take(scale_count), global = cases.take(scale_count),
               global_degrees = cases.take(scale_count);
    const auto global_levels = cases.take(scale_count), averaged = cases.take(count),
               average = cases.take(2);
    CwtOptions options;
    options.dt = dt;
    options.padded = padded;
    options.boundary = padded == count ? Boundary::Periodic : Boundary::Zero;
    const Cwt cwt(
        parse_continuous_wavelet(words[1].substr(0, words[1].size() - 1) + ":" + words[1].back()),
        count, {scales.begin(), scales.end()}, options);
    const auto w = matrix_of(cwt, x);
    std::vector<double> band_scales, band_background, sums(count);
    for (size_t s = 0; s < scale_count; ++s) {
      const double power = variance * red_noise_power(lag1, dt / periods[s]);
      EXPECT_NEAR(power, background[s], 1e-10 * background[s]) << words[1];
      EXPECT_NEAR(significant_power(facts, power, 0.95), levels[s], 1e-10 * levels[s]) << words[1];
      const double degrees =
          time_average_degrees(facts, static_cast<double>(count), scales[s] / dt);
      EXPECT_NEAR(degrees, global_degrees[s], 1e-10 * degrees) << words[1];
      WaveletFacts averaged_facts = facts;
      averaged_facts.degrees = degrees;
      EXPECT_NEAR(significant_power(averaged_facts, power, 0.95), global_levels[s],
                  1e-10 * global_levels[s])
          << words[1];
      double sum = 0;
      for (size_t n = 0; n < count; ++n) sum += std::norm(w(s, n));
      EXPECT_NEAR(sum / static_cast<double>(count), global[s], 1e-10 * global[s]) << words[1];
      if (scales[s] < shortest || scales[s] >= longest) continue;
      band_scales.push_back(scales[s]);
      band_background.push_back(power);
      for (size_t n = 0; n < count; ++n) sums[n] += std::norm(w(s, n)) / scales[s];
    }
    const double step = std::log2(scales[1] / scales[0]), factor = step * dt / facts.reconstruction;
    for (double& sum : sums) sum *= factor;
    EXPECT_LE(testing::largest_difference(sums, averaged),
              1e-10 * testing::largest_magnitude(averaged))
        << words[1];
    const ScaleAverage found = scale_average(facts, band_scales, band_background, step);
    EXPECT_NEAR(found.degrees, average[0], 1e-10 * average[0]) << words[1];
    // Equation 27: the level of the sum over scales.
    WaveletFacts average_facts = facts;
    average_facts.degrees = found.degrees;
    EXPECT_NEAR(factor / found.weight * significant_power(average_facts, found.background, 0.95),
                average[1], 1e-10 * average[1])
        << words[1];
  }
  EXPECT_TRUE(cases.all_taken());
}

/// W(s, n) as the sum over all frequencies, of the signal as it is (circular, with its mean).
Complex direct(const ContinuousWavelet& wavelet, const std::vector<double>& x, double scale,
               size_t n, double factor) {
  const size_t length = x.size();
  Complex sum = 0;
  for (size_t k = 0; k < length; ++k) {
    const double turns = static_cast<double>(k <= length / 2 ? static_cast<ptrdiff_t>(k)
                                                             : static_cast<ptrdiff_t>(k) -
                                                                   static_cast<ptrdiff_t>(length));
    const double w = 2 * std::numbers::pi * turns / static_cast<double>(length);
    Complex spectrum = 0;
    for (size_t m = 0; m < length; ++m)
      spectrum += x[m] * std::polar(1.0, -w * static_cast<double>(m));
    sum += spectrum * wavelet.amplitude(scale * w) * std::conj(wavelet.phase()) * factor *
           std::polar(1.0, w * static_cast<double>(n));
  }
  return sum / static_cast<double>(length);
}

TEST(Cwt, EqualsTheDirectSumForEveryFamily) {
  const auto x = noise(61);  // odd: no bin of its own sign at the Nyquist frequency
  const std::vector<double> scales = {1.5, 4, 9};
  for (const char* name :
       {"morlet:6", "morlet:8", "paul:4", "dog:1", "dog:2", "dog:6", "morse:20,3", "morse:3,2"}) {
    const ContinuousWavelet wavelet = parse_continuous_wavelet(name);
    CwtOptions options;
    options.boundary = Boundary::Periodic;
    options.mean = Mean::Keep;
    const Cwt cwt(wavelet, x.size(), scales, options);
    const auto w = matrix_of(cwt, x);
    for (size_t s = 0; s < scales.size(); ++s)
      for (const size_t n : {0u, 7u, 60u})
        EXPECT_LE(std::abs(w(s, n) - direct(wavelet, x, scales[s], n,
                                            std::sqrt(2 * std::numbers::pi * scales[s]))),
                  1e-11)
            << name;
  }
}

// L1: a tone of amplitude A has |W| = A at its scale, which is where |W| is largest: peak / angular
// frequency.
TEST(Cwt, TonesHaveTheirAmplitudeUnderL1) {
  constexpr double kAmplitude = 1.7, kPeriod = 20;
  std::vector<double> x(1000);
  for (size_t n = 0; n < x.size(); ++n)
    x[n] = kAmplitude * std::cos(2 * std::numbers::pi * static_cast<double>(n) / kPeriod);
  for (const char* name : {"morlet", "paul", "dog", "morse"}) {
    const ContinuousWavelet wavelet = parse_continuous_wavelet(name);
    CwtOptions options;
    options.boundary = Boundary::Periodic;
    options.normalisation = Normalisation::L1;
    const double scale = wavelet.peak() * kPeriod / (2 * std::numbers::pi);
    const Cwt cwt(wavelet, x.size(), {scale / 1.05, scale, scale * 1.05}, options);
    const auto w = matrix_of(cwt, x);
    EXPECT_NEAR(std::abs(w(1, 500)), kAmplitude, 1e-12) << name;
    EXPECT_LT(std::abs(w(0, 500)), kAmplitude) << name;
    EXPECT_LT(std::abs(w(2, 500)), kAmplitude) << name;
  }
}

// The wavelets have unit energy, and the period is where the power of a tone is largest under L2.
TEST(Cwt, WaveletsHaveUnitEnergyAndTheirPeriod) {
  for (const char* name : {"morlet:6", "paul:4", "dog:2", "dog:6", "morse:20,3", "morse:3,2"}) {
    const ContinuousWavelet wavelet = parse_continuous_wavelet(name);
    double energy = 0, best = 0, best_scale = 0;
    for (int i = 1; i < 40'000; ++i) {
      const double u = 0.001 * i;
      energy += 0.001 * wavelet.amplitude(u) * wavelet.amplitude(u) * (wavelet.is_real() ? 2 : 1);
      // Of a tone of frequency 1 at scale u.
      const double power = u * wavelet.amplitude(u) * wavelet.amplitude(u);
      if (power > best) best = power, best_scale = u;
    }
    EXPECT_NEAR(energy, 1, 1e-6) << name;
    EXPECT_NEAR(best_scale * wavelet.period(), 2 * std::numbers::pi, 0.01) << name;
    EXPECT_GT(wavelet.e_folding(), 0) << name;
  }
}

// |psi| in time, by the integral of psi^ over its support: beyond half_width() it stays below twice
// the fraction of its peak, and not far inside it is above.
TEST(Cwt, WaveletsAreNegligibleBeyondTheirHalfWidth) {
  for (const char* name : {"morlet", "paul:1", "paul:4", "paul:40", "dog:1", "dog:2", "dog:6",
                           "morse:20,3", "morse:3,1.5", "morse:1,3"}) {
    const ContinuousWavelet wavelet = parse_continuous_wavelet(name);
    const ContinuousWavelet::Support wide = wavelet.support(1e-13);
    const auto size_at = [&](double t) {
      constexpr int kSteps = 400'000;
      const double step = wide.high / kSteps;
      Complex sum = 0;
      for (int i = 1; i <= kSteps; ++i)
        sum += wavelet.amplitude(step * i) * std::polar(1.0, step * i * t);
      // A real wavelet has the conjugate half too, its odd derivatives with the other sign.
      if (!wavelet.is_real()) return std::abs(sum) * step;
      const bool odd = static_cast<int>(wavelet.parameter) % 2 == 1;
      return 2 * std::fabs(odd ? sum.imag() : sum.real()) * step;
    };
    double peak = 0;
    for (double t = 0; t < 3; t += 0.1) peak = std::max(peak, size_at(t));
    constexpr double kFraction = 1e-4;
    const double edge = wavelet.half_width(kFraction);
    for (const double factor : {1.0, 1.1, 1.5, 2.0})
      EXPECT_LE(size_at(edge * factor), 2 * kFraction * peak) << name << " " << factor;
    double inside = 0;
    for (const double factor : {0.4, 0.45, 0.5}) inside = std::max(inside, size_at(edge * factor));
    EXPECT_GT(inside, kFraction * peak) << name;
  }
}

TEST(Cwt, PowerIsThatOfTheMatrix) {
  const auto x = noise(3000);
  const auto scales = octave_scales(2, 12, 72);
  const std::vector<IndexRange> bands = {{0, 30}, {30, 42}, {0, 72}};
  for (const char* name : {"morlet:6", "paul:4", "dog:2", "morse:20,3"})
    for (const Boundary boundary : {Boundary::Periodic, Boundary::Zero, Boundary::Symmetric}) {
      CwtOptions options;
      options.boundary = boundary;
      const Cwt cwt(parse_continuous_wavelet(name), x.size(), scales, options);
      const auto w = matrix_of(cwt, x, 2);
      Grid<double> wanted(3, x.size()), power(3, x.size()), again(3, x.size());
      for (size_t b = 0; b < 3; ++b)
        for (size_t s = bands[b].first; s < bands[b].first + bands[b].count; ++s)
          for (size_t n = 0; n < x.size(); ++n) wanted(b, n) += std::norm(w(s, n));
      cwt.power<double>(x, bands, power.view());
      cwt.power<double>(x, bands, again.view(), 3);
      EXPECT_TRUE(std::ranges::equal(power.all(), again.all())) << name;
      EXPECT_LE(testing::largest_difference(power.all(), wanted.all()),
                1e-12 * testing::largest_magnitude(wanted.all()))
          << name;
      const std::vector<float> single(x.begin(), x.end());
      Grid<float> rough(3, x.size());
      cwt.power<float>(single, bands, rough.view());
      EXPECT_LE(testing::largest_difference(rough.all(), wanted.all()),
                1e-6 * testing::largest_magnitude(wanted.all()))
          << name;
    }
}

// The constant of the reconstruction by quadrature: a delta comes back. Morlet 6.5 and Morse are in
// no table.
TEST(Cwt, InverseRestoresASignalInsideOfItsScales) {
  for (const char* name : {"morlet:6.5", "paul:5", "dog:4", "morse:20,3"}) {
    std::vector<double> x(1024), back(1024);
    for (size_t n = 0; n < x.size(); ++n)
      x[n] = std::sin(2 * std::numbers::pi * static_cast<double>(n) / 32) +
             0.5 * std::cos(2 * std::numbers::pi * static_cast<double>(n) / 64);
    CwtOptions options;
    options.boundary = Boundary::Periodic;
    const Cwt cwt(parse_continuous_wavelet(name), x.size(), octave_scales(0.25, 16, 200), options);
    const auto w = matrix_of(cwt, x);
    cwt.inverse<double>(std::as_const(w).view(), back);
    EXPECT_LE(testing::largest_difference(back, x), 2e-3) << name;
  }
}

// A gap has a cone of its own, e-folding time times scale to both sides; two near ones share it.
TEST(Cwt, GapsSpreadByTheEFoldingTime) {
  auto x = noise(200);
  const Cwt cwt({}, 200, {2, 8});
  const auto whole = matrix_of(cwt, x);
  x[100] = x[101] = x[105] = std::numeric_limits<double>::quiet_NaN();
  Grid<Complex> masked(2, 200), filled(2, 200);
  const GapReport report = forward_with_gaps<double>(cwt, x, masked.view(), Gaps::Mask);
  EXPECT_EQ(report.missing, 3u);
  // ceil(sqrt 2 * scale) around positions 100 to 105
  EXPECT_EQ(report.spread, (std::vector<size_t>{6 + 2 * 3, 6 + 2 * 12}));
  forward_with_gaps<double>(cwt, x, filled.view(), Gaps::Interpolate);
  for (size_t n = 0; n < 200; ++n) {
    EXPECT_EQ(std::isnan(masked(0, n).real()), n >= 97 && n < 109) << n;
    if (n < 97) {
      EXPECT_EQ(masked(0, n), filled(0, n));
    }
    if (n < 80) {
      EXPECT_LE(std::abs(masked(0, n) - whole(0, n)), 0.05) << n;
    }
  }
  EXPECT_THROW(forward_with_gaps<double>(cwt, x, masked.view(), Gaps::Error), Error);
}

TEST(Cwt, BadInputIsRefused) {
  EXPECT_THROW(parse_continuous_wavelet("morlet:2"), Error);
  EXPECT_THROW(parse_continuous_wavelet("paul:2.5"), Error);
  EXPECT_THROW(parse_continuous_wavelet("mexican"), Error);
  EXPECT_THROW(parse_continuous_wavelet("dog:2,3"), Error);
  EXPECT_THROW(Cwt({}, 10, {}), Error);
  EXPECT_THROW(Cwt({}, 10, {0.0}), Error);
  EXPECT_THROW(Cwt({}, 0, {2.0}), Error);
  CwtOptions options;
  options.padded = 5;
  EXPECT_THROW(Cwt({}, 10, {2.0}, options), Error);
  auto x = noise(10);
  x[4] = std::numeric_limits<double>::quiet_NaN();
  const Cwt cwt({}, 10, {2.0});
  EXPECT_THROW(matrix_of(cwt, x), Error);
}

}  // namespace
}  // namespace dendrokv
