#include "data/half.h"

#include <bit>
#include <cmath>
#include <gtest/gtest.h>
#include <limits>
#include <numeric>
#include <vector>

namespace dendrokv {
namespace {

// The value that the bits of a half mean, from the definition.
double meaning(uint16_t half) {
  const int exponent = (half >> 10) & 31;
  const int mantissa = half & 1023;
  const double sign = half & 0x8000 ? -1 : 1;
  if (exponent == 31) return mantissa ? std::nan("") : sign * INFINITY;
  if (exponent == 0) return sign * std::ldexp(mantissa, -24);
  return sign * std::ldexp(1024 + mantissa, exponent - 25);
}

TEST(Half, EveryHalfHasItsMeaningAndComesBack) {
  for (uint32_t bits = 0; bits < 65536; ++bits) {
    const auto half = static_cast<uint16_t>(bits);
    const double value = meaning(half);
    if (std::isnan(value)) {
      EXPECT_TRUE(std::isnan(from_half(half)));
      EXPECT_TRUE(std::isnan(from_half(to_half(from_half(half)))));
    } else {
      EXPECT_EQ(static_cast<double>(from_half(half)), value);
      EXPECT_EQ(to_half(from_half(half)), half);
    }
  }
}

TEST(Half, RoundsToTheNearestAndTiesToEven) {
  for (uint32_t bits = 0; bits < 0x7BFF; ++bits) {
    const auto low = static_cast<uint16_t>(bits), high = static_cast<uint16_t>(bits + 1);
    const double middle = (meaning(low) + meaning(high)) / 2;
    const auto tie = static_cast<float>(middle);
    EXPECT_EQ(to_half(tie), bits % 2 == 0 ? low : high);
    EXPECT_EQ(to_half(std::nextafter(tie, 0.0f)), low);
    EXPECT_EQ(to_half(std::nextafter(tie, INFINITY)), high);
  }
  EXPECT_EQ(to_half(65519.99f), 0x7BFF);
  EXPECT_EQ(to_half(65520.0f), 0x7C00);
  EXPECT_EQ(to_half(1e30f), 0x7C00);
  EXPECT_EQ(to_half(-0.0f), 0x8000);
}

TEST(Half, RowsHaveTheBitsOfSingleValues) {
  std::vector<float> values;  // every exponent, both signs, infinities and NaN payloads
  for (uint32_t bits = 0; bits < 0xFFFF0000u; bits += 0xFFF1)
    values.push_back(std::bit_cast<float>(bits));
  std::vector<uint16_t> halves(values.size());
  to_half(values, halves);
  for (size_t i = 0; i < values.size(); ++i)
    ASSERT_EQ(halves[i], to_half(values[i])) << std::bit_cast<uint32_t>(values[i]);

  std::vector<uint16_t> all(0x10000);
  for (size_t i = 0; i < all.size(); ++i) all[i] = static_cast<uint16_t>(i);
  std::vector<float> back(all.size());
  from_half(all, back);
  for (size_t i = 0; i < all.size(); ++i)
    ASSERT_EQ(std::bit_cast<uint32_t>(back[i]), std::bit_cast<uint32_t>(from_half(all[i]))) << i;
}

TEST(Half, AbsenceIsTheQuietNan) {
  EXPECT_EQ(to_half(std::numeric_limits<float>::quiet_NaN()), kHalfNan);
  EXPECT_TRUE(std::isnan(from_half(kHalfNan)));
}

TEST(Half, RowsEqualSingleValuesWhateverTheLength) {
  std::vector<float> values;
  for (int i = 0; i < 37; ++i)
    values.push_back(std::ldexp(1.0f + static_cast<float>(i) / 37, i - 26) *
                     (i % 2 ? 1.0f : -1.0f));
  values[5] = std::numeric_limits<float>::quiet_NaN();
  values[6] = INFINITY;
  for (size_t length = 0; length <= values.size(); ++length) {
    std::vector<uint16_t> halves(length);
    to_half(std::span(values).first(length), halves);
    std::vector<float> back(length);
    from_half(halves, back);
    for (size_t i = 0; i < length; ++i) {
      EXPECT_EQ(halves[i], to_half(values[i])) << i;
      if (!std::isnan(values[i])) {
        EXPECT_EQ(back[i], from_half(halves[i])) << i;
      }
    }
  }
}

TEST(Half, MeasuresARowOfAnyLength) {
  std::vector<float> row;
  for (int i = 0; i < 45; ++i) row.push_back(static_cast<float>(i % 7) / 8);
  for (size_t length = 0; length <= row.size(); ++length) {
    const auto part = std::span(row).first(length);
    // Eighths, so the sum is exact in any order.
    EXPECT_EQ(measure(part).sum, std::accumulate(part.begin(), part.end(), 0.0f)) << length;
    EXPECT_EQ(measure(part).least, 0);
  }
  for (const size_t at : {0u, 9u, 23u, 41u, 44u}) {
    std::vector<float> changed = row;
    changed[at] = -0.25f;
    EXPECT_EQ(measure(changed).least, -0.25f) << at;
    changed[at] = std::numeric_limits<float>::quiet_NaN();
    EXPECT_TRUE(std::isnan(measure(changed).sum)) << at;
  }
}

}  // namespace
}  // namespace dendrokv
