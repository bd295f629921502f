#include "model/rotary_table.h"

#include <cmath>
#include <gtest/gtest.h>

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
