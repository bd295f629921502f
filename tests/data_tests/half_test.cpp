#include "data/half.h"

#include <bit>
#include <cmath>
#include <gtest/gtest.h>
#include <limits>
#include <random>
#include <vector>

namespace dendrokv {
namespace {

/// By definition: the half whose value is nearest, the even one when two are. Slow.
uint16_t nearest_half(double value) {
  uint16_t best = 0;
  double distance = std::numeric_limits<double>::infinity();
  for (uint32_t bits = 0; bits < 0x7C00; ++bits) {
    const int exponent = static_cast<int>(bits >> 10);
    const double mantissa = bits & 0x3FF;
    const double candidate =
        exponent ? std::ldexp(1024 + mantissa, exponent - 25) : std::ldexp(mantissa, -24);
    const double away = std::abs(candidate - std::abs(value));
    if (away < distance || (away == distance && bits % 2 == 0)) {
      distance = away;
      best = static_cast<uint16_t>(bits);
    }
  }
  return static_cast<uint16_t>(best | (std::signbit(value) ? 0x8000 : 0));
}

TEST(Half, KnownValues) {
  EXPECT_EQ(to_half(1.0f), 0x3C00);
  EXPECT_EQ(to_half(-2.0f), 0xC000);
  EXPECT_EQ(to_half(0.1f), 0x2E66);
  EXPECT_EQ(to_half(65504.0f), 0x7BFF);
  EXPECT_EQ(to_half(65519.996f), 0x7BFF);
  EXPECT_EQ(to_half(65520.0f), 0x7C00);
  EXPECT_EQ(to_half(1e30f), 0x7C00);
  EXPECT_EQ(to_half(0x1p-24f), 0x0001);
  EXPECT_EQ(to_half(0x1p-25f), 0x0000);  // halfway to even
  EXPECT_EQ(to_half(0x1.8p-24f), 0x0002);
  EXPECT_EQ(to_half(-0.0f), 0x8000);
  EXPECT_EQ(to_half(std::numeric_limits<float>::quiet_NaN()), kHalfNan);
  EXPECT_EQ(to_half(-std::numeric_limits<float>::infinity()), 0xFC00);
  EXPECT_TRUE(std::isnan(from_half(kHalfNan)));
}

TEST(Half, EveryHalfSurvivesARoundTrip) {
  for (uint32_t bits = 0; bits < 0x10000; ++bits) {
    const auto half = static_cast<uint16_t>(bits);
    const bool signalling = (bits & 0x7E00) == 0x7C00 && (bits & 0x3FF) != 0;
    EXPECT_EQ(to_half(from_half(half)), signalling ? half | 0x200 : half);
  }
}

TEST(Half, RoundsToNearestEven) {
  std::mt19937 random(7);
  std::uniform_real_distribution<float> exponent(-27, 15.9f);
  for (int i = 0; i < 200; ++i) {
    const float value = std::exp2(exponent(random)) * (i % 2 ? 1.0f : -1.0f);
    EXPECT_EQ(to_half(value), nearest_half(value)) << value;
  }
  for (const uint32_t low : {0x0FFFu, 0x1000u, 0x1001u, 0x2FFFu, 0x3000u, 0x3001u}) {
    const float value = std::bit_cast<float>(0x3C000000u | low);
    EXPECT_EQ(to_half(value), nearest_half(value)) << low;
  }
}

TEST(Half, RowsHaveTheBitsOfSingleValues) {
  std::vector<float> values;
  for (uint32_t bits = 0; bits < 0xFFFF0000u; bits += 0xFFF1)
    values.push_back(std::bit_cast<float>(bits));
  std::vector<uint16_t> halves(values.size());
  to_half(values, halves);
  for (size_t i = 0; i < values.size(); ++i)
    ASSERT_EQ(halves[i], to_half(values[i])) << std::bit_cast<uint32_t>(values[i]);

  std::vector<uint16_t> all(0x10000 + 3);  // not a multiple of a register
  for (size_t i = 0; i < all.size(); ++i) all[i] = static_cast<uint16_t>(i);
  std::vector<float> back(all.size());
  from_half(all, back);
  for (size_t i = 0; i < all.size(); ++i)
    ASSERT_EQ(std::bit_cast<uint32_t>(back[i]), std::bit_cast<uint32_t>(from_half(all[i]))) << i;
}

}  // namespace
}  // namespace dendrokv
