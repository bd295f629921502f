// Amplitudes per position by every transform, in closed form: alternation, ramps, sines.

#include "analysis/band_transform.h"

#include <cmath>
#include <gtest/gtest.h>
#include <numbers>
#include <utility>

#include "analysis/random.h"
#include "data/error.h"

namespace dendrokv {
namespace {

constexpr size_t kPositions = 256;

struct Measured {
  Grid<double> magnitude, energy, signal_energy;
};

Measured measured(const TransformChoice& choice, const Grid<float>& values) {
  const BandTransform transform(choice, values.rows());
  const Grid<float> weights(1, values.rows(), 2.0f);
  Measured result{Grid<double>(1, transform.amplitudes()), Grid<double>(1, transform.amplitudes()),
                  Grid<double>(1, values.rows())};
  HaarMeasures out;
  out.magnitude = result.magnitude.view();
  out.energy = result.energy.view();
  out.signal_energy = result.signal_energy.view();
  transform.measure(weights.view(), values.view(), out);
  return result;
}

/// Weights are 2 throughout: signal(p) is that of a value of half of it.
template <class Signal>
Grid<float> values_of(Signal signal, size_t channels = 2) {
  Grid<float> values(kPositions, channels);
  for (size_t p = 0; p < kPositions; ++p)
    for (float& value : values.row(p))
      value = static_cast<float>(signal(static_cast<double>(p)) / 2);
  return values;
}

TransformChoice choice_of(TransformKind kind, std::string wavelet, uint32_t levels) {
  return {kind, std::move(wavelet), levels, std::nullopt};
}

// 1, -1, 1, ...: half the difference of two neighbours is 1, of two equal means 0.
TEST(BandTransform, AlternationIsOfTheHighestFrequency) {
  const Grid<float> values = values_of([](double p) { return std::cos(std::numbers::pi * p); });
  for (const TransformKind kind :
       {TransformKind::Dwt, TransformKind::Modwt, TransformKind::Packet}) {
    const TransformChoice choice = choice_of(kind, "haar", 3);
    const std::vector<BandPlace> places = band_places(choice, kPositions);
    const Measured result = measured(choice, values);
    for (size_t band = 0; band < places.size(); ++band)
      for (size_t k = places[band].valid.first / places[band].run; k < places[band].count; ++k) {
        EXPECT_NEAR(result.magnitude(0, places[band].first + k), band == 0 ? 1 : 0, 1e-6)
            << transform_name(kind) << " " << band;
        EXPECT_NEAR(result.energy(0, places[band].first + k), band == 0 ? 1 : 0, 1e-6);
      }
    for (const double square : result.signal_energy.all()) EXPECT_NEAR(square, 1, 1e-6);
  }
}

// A ramp of slope 1: neighbours differ by 1, halves of 2^l positions by 2^(l-1); half of that is
// the Haar detail. db2 does not see it.
TEST(BandTransform, ARampByHaarAndByAWaveletWithTwoMoments) {
  const Grid<float> values = values_of([](double p) { return p; });
  const Measured haar = measured(choice_of(TransformKind::Dwt, "haar", 3), values);
  const std::vector<BandPlace> places =
      band_places(choice_of(TransformKind::Dwt, "haar", 3), kPositions);
  for (size_t band = 0; band < 3; ++band)
    EXPECT_NEAR(haar.magnitude(0, places[band].first + 5), std::exp2(static_cast<double>(band) - 1),
                1e-5);
  for (const TransformKind kind : {TransformKind::Dwt, TransformKind::Modwt}) {
    const TransformChoice choice = choice_of(kind, "db2", 3);
    const Measured db2 = measured(choice, values);
    for (const BandPlace& place : band_places(choice, kPositions)) {
      ASSERT_GT(place.valid.count, 100u);
      // Of values up to 255 in float.
      for (size_t p = place.valid.first; p < place.valid.first + place.valid.count; ++p)
        EXPECT_NEAR(db2.magnitude(0, place.first + p), 0, 1e-3) << p;
    }
  }
}

// A sine of amplitude A: under L1 the scales of its octave have amplitudes up to A, others less.
TEST(BandTransform, ASineIsInItsOctave) {
  const TransformChoice choice = choice_of(TransformKind::Cwt, "morlet", 4);
  const std::vector<BandPlace> places = band_places(choice, kPositions);
  for (size_t octave = 0; octave < 4; ++octave) {
    const double period = std::sqrt(places[octave].period_low * places[octave].period_high);
    const Measured result = measured(
        choice,
        values_of([&](double p) { return 3 * std::sin(2 * std::numbers::pi * p / period); }, 1));
    for (size_t band = 0; band < 4; ++band) {
      const double amplitude = result.magnitude(0, places[band].first + kPositions / 2);
      if (band == octave) {
        EXPECT_GT(amplitude, 1.5);
        EXPECT_LT(amplitude, 3.1);
      } else {
        EXPECT_LT(amplitude, 1.5) << octave << " in " << band;
      }
    }
  }
}

TEST(BandTransform, BandsGoFromHighToLowAndFillTheirRow) {
  for (const TransformKind kind :
       {TransformKind::Dwt, TransformKind::Modwt, TransformKind::Packet, TransformKind::Cwt}) {
    const TransformChoice choice = choice_of(kind, "", 3);
    size_t next = 0;
    double period = 0;
    for (const BandPlace& place : band_places(choice, kPositions)) {
      EXPECT_EQ(place.first, next);
      EXPECT_EQ(place.count * place.run, kPositions);
      EXPECT_GT(place.period_low, period);
      EXPECT_GT(place.period_high, place.period_low);
      next += place.count;
      period = place.period_low;
    }
    EXPECT_EQ(BandTransform(choice, kPositions).amplitudes(), next);
  }
}

/// [band] mean of the robust variances; NaN of none.
std::vector<double> robust_of(const TransformChoice& choice, const Grid<float>& values,
                              ChannelSample channels) {
  const BandTransform transform(choice, values.rows());
  const Grid<float> weights(1, values.rows(), 2.0f);
  std::vector<IndexRange> counted;
  for (const BandPlace& place : transform.places()) counted.push_back(place.valid);
  std::vector<RobustSum> sums(counted.size());
  transform.measure_robust(weights.view(), values.view(), counted, channels, sums);
  std::vector<double> means;
  for (const RobustSum& sum : sums)
    means.push_back(sum.weighed / static_cast<double>(sum.coefficients));
  return means;
}

const std::vector<TransformChoice>& robust_choices() {
  static const std::vector<TransformChoice> choices = {
      choice_of(TransformKind::Dwt, "haar", 3), choice_of(TransformKind::Dwt, "db2", 3),
      choice_of(TransformKind::Modwt, "haar", 3), choice_of(TransformKind::Packet, "db2", 2)};
  return choices;
}

// White noise of variance 1 has sigma^2 2^-l in an octave and 2^-levels in a packet. Of 400 series of
// 26 to 256 coefficients the estimate is within 3 % but for the bias of short ones. Two positions of
// 256 that are 60 times as large put the mean square beyond 10 times that; here the coefficients
// that they touch, up to one in ten, only count as nothing.
TEST(BandTransform, TheRobustVarianceIsThatOfTheNoiseBelowOutliers) {
  Grid<float> noise(kPositions, 400);
  RandomStream random(8, 0);
  for (float& value : noise.all()) value = static_cast<float>(random.normal() / 2);
  Grid<float> wild = noise;
  for (const size_t p : {70, 180})
    for (float& value : wild.row(p)) value *= 60;
  for (const TransformChoice& choice : robust_choices()) {
    const std::vector<double> clean = robust_of(choice, noise, {}),
                              dirty = robust_of(choice, wild, {});
    const Measured plain = measured(choice, wild);
    const std::vector<BandPlace> places = band_places(choice, kPositions);
    for (size_t band = 0; band < clean.size(); ++band) {
      const double truth =
          choice.kind == TransformKind::Packet ? 0.25 : std::exp2(-static_cast<double>(band) - 1);
      const std::string where =
          std::string(transform_name(choice.kind)) + " " + std::to_string(band);
      EXPECT_NEAR(clean[band] / truth, 1, 0.06) << where;
      EXPECT_NEAR(dirty[band] / truth, 1, 0.25) << where;
      const auto energy = plain.energy.row(0).subspan(places[band].first, places[band].count);
      double mean = 0;
      for (const double value : energy) mean += value / static_cast<double>(energy.size());
      EXPECT_GT(mean / truth, 10) << where;
    }
  }
  for (const double variance : robust_of(choice_of(TransformKind::Cwt, "morlet", 2), noise, {}))
    EXPECT_TRUE(std::isnan(variance));
}

// Channels 1, 4, 7, ... of every third, from the second one on.
TEST(BandTransform, SomeChannelsStandForAll) {
  Grid<float> values(kPositions, 7), some(kPositions, 2);
  RandomStream random(9, 0);
  for (float& value : values.all()) value = static_cast<float>(random.normal());
  for (size_t p = 0; p < kPositions; ++p)
    for (size_t c = 0; c < 2; ++c) some(p, c) = values(p, 1 + 3 * c);
  for (const TransformChoice& choice : robust_choices())
    EXPECT_EQ(robust_of(choice, values, {4, 3}), robust_of(choice, some, {}));
}

// Outliers in the positions that do not count are not seen, whichever way coefficients reach.
TEST(BandTransform, TheRobustVarianceIsOfTheCountedPositions) {
  Grid<float> values(kPositions, 3);
  RandomStream random(10, 0);
  for (float& value : values.all()) value = static_cast<float>(random.normal());
  Grid<float> wild = values;
  for (const size_t p : {0, 63, 224, 255})
    for (float& value : wild.row(p)) value = 1e6f;
  for (const TransformChoice& choice : robust_choices()) {
    if (choice.kind == TransformKind::Modwt || choice.kind == TransformKind::Packet) continue;
    const BandTransform transform(choice, kPositions);
    const Grid<float> weights(1, kPositions, 1.0f);
    const std::vector<IndexRange> counted(3, IndexRange{64, 160});
    std::vector<RobustSum> plain(3), outside(3);
    transform.measure_robust(weights.view(), std::as_const(values).view(), counted, {}, plain);
    transform.measure_robust(weights.view(), std::as_const(wild).view(), counted, {}, outside);
    for (size_t band = 0; band < 3; ++band) {
      EXPECT_EQ(plain[band].weighed, outside[band].weighed) << band;
      EXPECT_GT(plain[band].coefficients, 0u);
    }
  }
}

TEST(BandTransform, RunsAreWholeAndUntouched) {
  const BandPlace place{"D2", 4, 8, 0, 16, 4, {8, 40}};
  const auto within = [&](IndexRange part) {
    const IndexRange runs = runs_within(place, part);
    return std::pair(runs.first, runs.count);
  };
  EXPECT_EQ(within({0, 64}), std::pair(size_t{2}, size_t{10}));
  EXPECT_EQ(within({9, 30}), std::pair(size_t{3}, size_t{6}));
  EXPECT_EQ(within({50, 14}).second, 0u);
  EXPECT_EQ(within({13, 3}).second, 0u);
}

TEST(BandTransform, WhatDoesNotGoTogetherIsRefused) {
  const auto refused = [](TransformChoice choice) { EXPECT_THROW(choice.check(), Error); };
  refused(choice_of(TransformKind::Dwt, "morlet", 3));
  refused(choice_of(TransformKind::Cwt, "haar", 3));
  refused(choice_of(TransformKind::Dwt, "haar", 0));
  refused(choice_of(TransformKind::Dwt, "haar", 13));
  refused(choice_of(TransformKind::Packet, "haar", 9));
  refused({TransformKind::Modwt, "haar", 3, Boundary::Symmetric});
  refused({TransformKind::Packet, "db2", 3, Boundary::Symmetric});
  refused({TransformKind::Cwt, "morlet", 3, Boundary::BrickWall});
  EXPECT_THROW(parse_transform("fft"), Error);
}

TEST(BandTransform, AGapIsRefusedByPosition) {
  Grid<float> values = values_of([](double) { return 1.0; });
  values(7, 1) = std::nanf("");
  try {
    measured(choice_of(TransformKind::Modwt, "haar", 2), values);
    FAIL() << "took a gap";
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("position 7"), std::string::npos);
  }
}

}  // namespace
}  // namespace dendrokv
