#include "model/rotary_table.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <gtest/gtest.h>
#include <numbers>

namespace dendrokv {
namespace {

TEST(RotaryTable, HoldsTheAnglesOfItsDefinition) {
  const std::vector<float> divisors{1, 1, 2, 8};
  RotaryTable table(10000, divisors);
  table.grow(9000);
  for (const size_t position : {0u, 1u, 17u, 8191u})
    for (size_t pair = 0; pair < 4; ++pair) {
      const double angle = static_cast<double>(position) *
                           std::pow(10000, -2.0 * static_cast<double>(pair) / 8) /
                           static_cast<double>(divisors[pair]);
      // Rounding to float; the frequencies themselves are in double.
      EXPECT_NEAR(table.cosine(position)[pair], std::cos(angle), 6e-8);
      EXPECT_NEAR(table.sine(position)[pair], std::sin(angle), 6e-8);
    }
}

// Of a head of 16, at positions of a long text. Tolerance: rounding to float, times the magnitude.
void expect_angles(const RotaryShape& shape, double magnitude,
                   const std::function<double(size_t pair)>& frequency) {
  RotaryTable table(shape);
  table.grow(70000);
  for (const size_t position : {0u, 1u, 19u, 4097u, 65536u})
    for (size_t pair = 0; pair < shape.divisors.size(); ++pair) {
      const double angle = static_cast<double>(position) * frequency(pair);
      EXPECT_NEAR(table.cosine(position)[pair], magnitude * std::cos(angle), magnitude * 6e-8)
          << position << " " << pair;
      EXPECT_NEAR(table.sine(position)[pair], magnitude * std::sin(angle), magnitude * 6e-8);
    }
}

double plain_frequency(double base, size_t pair, size_t pairs) {
  return std::pow(base, -static_cast<double>(pair) / static_cast<double>(pairs));
}

TEST(RotaryTable, LinearScalingDividesPositions) {
  const RotaryShape shape{
      .base = 10000, .divisors = {1, 1, 1, 1, 1, 1, 1, 1}, .factor = 4, .magnitude = 1.25};
  expect_angles(shape, 1.25, [](size_t pair) { return plain_frequency(10000, pair, 8) / 4; });
}

// The divisors of Llama 3: 1 where a turn takes fewer than 8192 / 4 positions, 8 where it takes
// more than 8192 / 1, between them as 1 / divisor = (1 - s) / 8 + s, s = (8192 / wavelength - 1) /
// (4 - 1).
TEST(RotaryTable, Llama3DividesSlowPairs) {
  const auto divisor = [](size_t pair) {
    const double wavelength = 2 * std::numbers::pi / plain_frequency(500000, pair, 8);
    const double smooth = std::clamp((8192 / wavelength - 1) / 3, 0.0, 1.0);
    return 1 / ((1 - smooth) / 8 + smooth);
  };
  RotaryShape shape{.base = 500000};
  for (size_t pair = 0; pair < 8; ++pair)
    shape.divisors.push_back(static_cast<float>(divisor(pair)));
  EXPECT_EQ(shape.divisors.front(), 1.0f);
  EXPECT_EQ(shape.divisors.back(), 8.0f);
  // Divisors come as floats: angles of up to 65536 move by 4e-3 for the last bit.
  expect_angles(shape, 1, [&](size_t pair) {
    return plain_frequency(500000, pair, 8) / static_cast<double>(shape.divisors[pair]);
  });
}

// Head of 128, base 10000, context 4096, factor 8: the ramp goes from pair 20 to pair 46, as worked
// out by hand from 64 ln(4096 / (2 pi 32)) / ln(10000) = 20.94 and 64 ln(4096 / (2 pi)) / ln(10000)
// = 45.03.
TEST(RotaryTable, YarnMixesOverARamp) {
  const RotaryShape shape{.base = 10000,
                          .divisors = std::vector<float>(64, 1.0f),
                          .factor = 8,
                          .magnitude = 1.1,
                          .yarn = YarnRamp{.original_context = 4096}};
  expect_angles(shape, 1.1, [](size_t pair) {
    const double plain = plain_frequency(10000, pair, 64);
    if (pair <= 20) return plain;
    if (pair >= 46) return plain / 8;
    const double ramp = (static_cast<double>(pair) - 20) / 26;
    return plain * (1 - ramp) + plain / 8 * ramp;
  });
}

// So short a context that no pair turns even once: everything is interpolated.
TEST(RotaryTable, YarnOfATinyContextIsLinear) {
  const std::vector<float> divisors(8, 1.0f);
  RotaryTable yarn(
      RotaryShape{.divisors = divisors, .factor = 2, .yarn = YarnRamp{.original_context = 4}});
  yarn.grow(50);
  RotaryTable linear(RotaryShape{.divisors = divisors, .factor = 2});
  linear.grow(50);
  for (size_t pair = 1; pair < 8; ++pair)
    EXPECT_NEAR(yarn.sine(49)[pair], linear.sine(49)[pair], 6e-8);
}

TEST(RotaryTable, TurnsTheLanesOfItsPairing) {
  const std::vector<float> divisors(4, 1.0f);
  const std::vector<float> x = {1, 2, 3, 4, 5, 6, 7, 8};
  for (const RotaryPairing pairing : {RotaryPairing::Adjacent, RotaryPairing::Halves}) {
    RotaryTable table(RotaryShape{.pairing = pairing, .divisors = divisors});
    table.grow(8);
    std::vector<float> out(8);
    table.rotate(kernels_for(best_isa()), x, 5, out);
    for (size_t pair = 0; pair < 4; ++pair) {
      const bool adjacent = pairing == RotaryPairing::Adjacent;
      const size_t first = adjacent ? 2 * pair : pair, second = adjacent ? first + 1 : pair + 4;
      const double angle = 5 * plain_frequency(10000, pair, 4);
      EXPECT_NEAR(out[first], x[first] * std::cos(angle) - x[second] * std::sin(angle), 2e-6);
      EXPECT_NEAR(out[second], x[first] * std::sin(angle) + x[second] * std::cos(angle), 2e-6);
    }
  }
}

TEST(RotaryTable, GrowingChangesNothingThatWasThere) {
  const std::vector<float> divisors(8, 1.0f);
  RotaryTable small(500000, divisors), large(500000, divisors);
  large.grow(100);
  for (size_t positions = 1; positions <= 100; ++positions) small.grow(positions);
  for (size_t position = 0; position < 100; ++position) {
    EXPECT_TRUE(std::ranges::equal(small.cosine(position), large.cosine(position)));
    EXPECT_TRUE(std::ranges::equal(small.sine(position), large.sine(position)));
  }
}

}  // namespace
}  // namespace dendrokv
