// Coherence: its definition written out, known answers, and how often independent series pass its
// levels.

#include "analysis/coherence.h"

#include <algorithm>
#include <cmath>
#include <gtest/gtest.h>
#include <limits>
#include <numbers>

#include "analysis/random.h"
#include "data/error.h"

namespace dendrokv {
namespace {

std::vector<double> noise(size_t count, uint64_t stream) {
  RandomStream random(17, stream);
  std::vector<double> numbers(count);
  for (double& number : numbers) number = random.normal();
  return numbers;
}

Cwt transform_of(size_t positions, size_t scales = 24, double per_octave = 6) {
  return Cwt(parse_continuous_wavelet("morlet:6"), positions, octave_scales(2, per_octave, scales));
}

Grid<std::complex<double>> matrix_of(const Cwt& cwt, const std::vector<double>& x) {
  Grid<std::complex<double>> out(cwt.scales().size(), cwt.positions());
  cwt.forward<double>(x, out.view());
  return out;
}

// The sums of the head comment of coherence.h, term by term. Gaussian in time by its samples, whose
// sum is that of the spectrum's filter for scales of at least 2 positions (the tail beyond the
// Nyquist frequency is exp(-(2 pi)^2 / 2)).
TEST(Coherence, IsItsDefinition) {
  constexpr size_t kPositions = 120;
  const Cwt cwt = transform_of(kPositions, 12);
  const auto x = noise(kPositions, 1), y = noise(kPositions, 2);
  const auto of_x = matrix_of(cwt, x), of_y = matrix_of(cwt, y);
  Grid<double> squared(12, kPositions), phase(12, kPositions);
  Coherence(cwt, 0.6).forward(x, y, squared.view(), phase.view());
  const double weights[] = {1, 1, 0.3};  // 0.6 octaves of 6 scales: 3.6 scales, from -1.8 to 1.8
  for (const size_t s : {0u, 5u, 11u})
    for (const size_t n : {0u, 30u, 119u}) {
      std::complex<double> cross = 0;
      double power_x = 0, power_y = 0;
      for (size_t other = 0; other < 12; ++other) {
        const size_t apart = other > s ? other - s : s - other;
        if (apart > 2) continue;
        const double scale = cwt.scales()[other];
        for (size_t t = 0; t < kPositions; ++t) {
          const double distance = (static_cast<double>(t) - static_cast<double>(n)) / scale;
          const double weight = weights[apart] * std::exp(-distance * distance / 2) / scale / scale;
          cross += weight * of_x(other, t) * std::conj(of_y(other, t));
          power_x += weight * std::norm(of_x(other, t));
          power_y += weight * std::norm(of_y(other, t));
        }
      }
      EXPECT_NEAR(squared(s, n), std::norm(cross) / (power_x * power_y), 1e-6) << s << " " << n;
      EXPECT_NEAR(std::remainder(phase(s, n) - std::arg(cross), 2 * std::numbers::pi), 0, 1e-5)
          << s << " " << n;
    }
}

// Neither the normalisation of the transform nor a thread count of 0 (as 1) changes anything.
TEST(Coherence, IsThatOfBothNormalisations) {
  constexpr size_t kPositions = 128, kScales = 12;
  const auto x = noise(kPositions, 8), y = noise(kPositions, 9);
  Grid<double> squared[2] = {Grid<double>(kScales, kPositions), Grid<double>(kScales, kPositions)};
  for (const Normalisation normalisation : {Normalisation::L2, Normalisation::L1}) {
    CwtOptions options;
    options.normalisation = normalisation;
    const Cwt cwt(parse_continuous_wavelet("morlet"), kPositions, octave_scales(2, 6, kScales),
                  options);
    Coherence(cwt, 0.6).forward(x, y, squared[static_cast<size_t>(normalisation)].view(), {});
    Grid<std::complex<double>> one(kScales, kPositions), none(kScales, kPositions);
    cwt.forward<double>(x, one.view(), 1);
    cwt.forward<double>(x, none.view(), 0);
    for (size_t i = 0; i < one.all().size(); ++i) ASSERT_EQ(one.all()[i], none.all()[i]);
  }
  for (size_t i = 0; i < squared[0].all().size(); ++i)
    ASSERT_NEAR(squared[0].all()[i], squared[1].all()[i], 1e-9) << i;
  const Coherence coherence(transform_of(64, 8));
  EXPECT_EQ(coherence.significance(0.5, 0.5, 0.9, 20, 1, 0),
            coherence.significance(0.5, 0.5, 0.9, 20, 1, 1));
}

TEST(Coherence, OfASeriesWithItselfIsOneAndPhaseTellsWhoLeads) {
  constexpr size_t kPositions = 256, kLag = 3;
  const auto long_noise = noise(kPositions + kLag, 5);
  const std::vector<double> y(long_noise.begin(), long_noise.end() - kLag),
      x(long_noise.begin() + kLag, long_noise.end());
  const Cwt cwt = transform_of(kPositions, 30);  // y[t] = x[t - 3]: x leads
  Grid<double> squared(30, kPositions), phase(30, kPositions);
  const Coherence coherence(cwt);
  coherence.forward(x, x, squared.view(), phase.view());
  for (const double r : squared.all()) EXPECT_NEAR(r, 1, 1e-9);
  for (const double angle : phase.all()) EXPECT_NEAR(angle, 0, 1e-9);
  coherence.forward(x, y, squared.view(), phase.view());
  EXPECT_GT(squared(24, 128), 0.9);
  EXPECT_NEAR(phase(24, 128), 2 * std::numbers::pi * kLag / cwt.periods()[24], 0.1);
}

// 95 % levels of white noise: about 5 % of points of fresh pairs lie above. The points of a pair
// depend on each other, so 300 pairs give the share to about 0.5 %.
TEST(Coherence, LevelsAreExceededAsOftenAsTheySay) {
  constexpr size_t kPositions = 256;
  const Cwt cwt = transform_of(kPositions, 18, 4);
  const Coherence coherence(cwt);
  const auto levels = coherence.significance(0, 0, 0.95, 300, 1);
  EXPECT_EQ(levels, coherence.significance(0, 0, 0.95, 300, 1, 3));
  Grid<double> squared(18, kPositions);
  size_t above = 0, points = 0;
  for (uint64_t pair = 0; pair < 300; ++pair) {
    coherence.forward(noise(kPositions, 100 + 2 * pair), noise(kPositions, 101 + 2 * pair),
                      squared.view(), {});
    for (size_t s = 0; s < 18; ++s) {
      const IndexRange inside = cwt.valid(s);
      for (size_t n = inside.first; n < inside.first + inside.count; ++n, ++points)
        above += squared(s, n) > levels[s];
    }
  }
  EXPECT_NEAR(static_cast<double>(above) / static_cast<double>(points), 0.05, 0.015);
  EXPECT_TRUE(std::ranges::all_of(levels, [](double level) { return level > 0.4 && level < 1; }));
}

// A scale whose cone leaves no position has no level.
TEST(Coherence, ScalesBeyondTheConeHaveNoLevel) {
  const Cwt cwt = transform_of(64, 36);
  const auto levels = Coherence(cwt).significance(0.5, 0.2, 0.9, 10, 3);
  EXPECT_FALSE(std::isnan(levels.front()));
  EXPECT_EQ(cwt.valid(35).count, 0u);
  EXPECT_TRUE(std::isnan(levels.back()));
}

TEST(EnsembleCoherence, OfCommonAndOwnPartsIsTheirShare) {
  constexpr size_t kDocuments = 400;
  const Cwt cwt = transform_of(64, 6);
  EnsembleCoherence sums(6, 64);
  for (uint64_t document = 0; document < kDocuments; ++document) {
    const auto common = noise(64, 10000 + 3 * document);
    auto x = noise(64, 10001 + 3 * document), y = noise(64, 10002 + 3 * document);
    for (size_t n = 0; n < 64; ++n) x[n] += common[n], y[n] += common[n];
    const auto of_x = matrix_of(cwt, x), of_y = matrix_of(cwt, y);
    sums.add<double>(of_x.view(), of_y.view());
  }
  Grid<double> squared(6, 64), phase(6, 64);
  sums.finish(squared.view(), phase.view());
  EXPECT_EQ(sums.documents(), kDocuments);
  // (1 / 2)^2: half of each power is common. Standard error of R^2: sqrt(2 R^2 / L) (1 - R^2) =
  // 0.027.
  for (const size_t s : {0u, 5u}) EXPECT_NEAR(squared(s, 32), 0.25, 0.11);
}

// The exact level: 0.146, 0.0149, 0.0015 for 20, 200, 2000 documents; 5 % of independent ensembles
// pass it.
TEST(EnsembleCoherence, LevelIsExact) {
  EXPECT_NEAR(ensemble_coherence_level(20, 0.95), 0.146, 5e-4);
  EXPECT_NEAR(ensemble_coherence_level(200, 0.95), 0.0149, 5e-5);
  EXPECT_NEAR(ensemble_coherence_level(2000, 0.95), 0.0015, 5e-6);
  constexpr size_t kPoints = 20000, kDocuments = 8;
  EnsembleCoherence sums(1, kPoints);
  for (uint64_t document = 0; document < kDocuments; ++document) {
    const auto parts = noise(4 * kPoints, 50000 + document);
    Grid<std::complex<double>> x(1, kPoints), y(1, kPoints);
    for (size_t n = 0; n < kPoints; ++n) {
      x(0, n) = {parts[4 * n], parts[4 * n + 1]};
      y(0, n) = {parts[4 * n + 2], parts[4 * n + 3]};
    }
    sums.add<double>(std::as_const(x).view(), std::as_const(y).view());
  }
  Grid<double> squared(1, kPoints);
  sums.finish(squared.view(), {});
  const double level = ensemble_coherence_level(kDocuments, 0.95);
  const auto above = std::ranges::count_if(squared.all(), [&](double r) { return r > level; });
  EXPECT_NEAR(static_cast<double>(above) / kPoints, 0.05, 0.005);  // three standard errors
}

TEST(Coherence, BadInputIsRefused) {
  EXPECT_THROW(Coherence(Cwt(parse_continuous_wavelet("dog:2"), 64, octave_scales(2, 4, 8))),
               Error);
  EXPECT_THROW(Coherence(Cwt({}, 64, {2, 3, 9})), Error);
  EXPECT_THROW(Coherence(Cwt({}, 64, {2.0})), Error);
  EXPECT_THROW(Coherence(transform_of(64), 0), Error);
  const Coherence coherence(transform_of(64));
  EXPECT_THROW(coherence.significance(1, 0, 0.95, 10, 1), Error);
  EXPECT_THROW(coherence.significance(0, 0, 1, 10, 1), Error);
  EXPECT_THROW(coherence.significance(0, 0, 0.95, 0, 1), Error);
  auto x = noise(64, 1);
  x[7] = std::numeric_limits<double>::quiet_NaN();
  Grid<double> squared(24, 64);
  EXPECT_THROW(coherence.forward(x, noise(64, 2), squared.view(), {}), Error);
  EXPECT_THROW(EnsembleCoherence(2, 2).finish(squared.view(), {}), Error);
  EXPECT_THROW(ensemble_coherence_level(1, 0.95), Error);
}

TEST(EnsembleCoherence, ConfidenceIsAProbability) {
  for (const double confidence : {-0.1, 0.0, 1.0, 1.5, std::nan("")})
    EXPECT_THROW(ensemble_coherence_level(20, confidence), Error) << confidence;
}

}  // namespace
}  // namespace dendrokv
