// Philox against the vectors of its authors; uniform, normal and below against their moments;
// streams that do not meet.

#include "analysis/random.h"

#include <algorithm>
#include <cmath>
#include <gtest/gtest.h>
#include <numeric>
#include <vector>

namespace dendrokv {
namespace {

using Block = std::array<uint32_t, 4>;

// Random123, kat_vectors, philox4x32 10.
TEST(Philox, GivesThePublishedVectors) {
  EXPECT_EQ(philox({0, 0, 0, 0}, {0, 0}), (Block{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}));
  constexpr uint32_t kOnes = 0xffffffff;
  EXPECT_EQ(philox({kOnes, kOnes, kOnes, kOnes}, {kOnes, kOnes}),
            (Block{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}));
  EXPECT_EQ(philox({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}),
            (Block{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}));
}

TEST(RandomStream, RepeatsAndDiffersByStreamAndSeed) {
  const auto first = [](uint64_t seed, uint64_t stream) {
    RandomStream random(seed, stream);
    std::vector<uint32_t> numbers(9);
    for (uint32_t& number : numbers) number = random.next();
    return numbers;
  };
  EXPECT_EQ(first(1, 2), first(1, 2));
  EXPECT_NE(first(1, 2), first(1, 3));
  EXPECT_NE(first(1, 2), first(2, 2));
  EXPECT_NE(first(1, 2), first(1, (uint64_t{1} << 32) + 2));
}

// 100,000 numbers: the standard errors of mean and variance are 0.0009 and 0.0003 (uniform), 0.003
// and 0.0045 (normal).
TEST(RandomStream, HasTheMomentsOfItsDistributions) {
  RandomStream random(7, 0);
  constexpr size_t kCount = 100000;
  double uniform = 0, uniform_square = 0, normal = 0, normal_square = 0;
  for (size_t i = 0; i < kCount; ++i) {
    const double u = random.uniform(), n = random.normal();
    ASSERT_GT(u, 0);
    ASSERT_LT(u, 1);
    uniform += u;
    uniform_square += u * u;
    normal += n;
    normal_square += n * n;
  }
  EXPECT_NEAR(uniform / kCount, 0.5, 0.005);
  EXPECT_NEAR(uniform_square / kCount, 1.0 / 3, 0.005);
  EXPECT_NEAR(normal / kCount, 0, 0.015);
  EXPECT_NEAR(normal_square / kCount, 1, 0.025);
}

TEST(RandomStream, BelowGivesEachNumberEquallyOften) {
  RandomStream random(3, 1);
  std::vector<int> count(7);
  for (int i = 0; i < 70000; ++i) ++count[random.below(7)];
  for (const int c : count) EXPECT_NEAR(c, 10000, 500);  // five standard errors
}

TEST(RandomStream, ShuffleGivesEachOrderEquallyOften) {
  std::array<int, 6> count{};
  for (uint64_t stream = 0; stream < 6000; ++stream) {
    RandomStream random(5, stream);
    std::array<int, 3> items = {0, 1, 2};
    random.shuffle(std::span<int>(items));
    ++count[static_cast<size_t>(items[0] * 2 + (items[1] > items[2] ? 1 : 0))];
  }
  for (const int c : count) EXPECT_NEAR(c, 1000, 145);  // five standard errors
}

}  // namespace
}  // namespace dendrokv
