// Amplitudes per position by every transform, in closed form: alternation, ramps, sines.

#include "analysis/band_transform.h"

#include <cmath>
#include <gtest/gtest.h>
#include <numbers>
#include <utility>

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
