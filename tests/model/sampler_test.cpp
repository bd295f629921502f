#include "model/sampler.h"

#include <array>
#include <cmath>
#include <gtest/gtest.h>
#include <limits>

#include "data/error.h"

namespace dendrokv {
namespace {

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

TEST(Sampler, GreedyTakesTheLowestIdAmongEquals) {
  Sampler greedy(0, 1);
  EXPECT_EQ(greedy.next(std::array{-1.0f, 2.0f, 2.0f, 1.0f}), 1);
  EXPECT_EQ(greedy.next(std::array{kNan, -3.0f, kNan, -2.0f}), 3);
}

TEST(Sampler, FrequenciesAreTheSoftmaxAtThatTemperature) {
  // Odds 1 : 2 : 4 at temperature 1, 1 : 4 : 16 at temperature 0.5.
  const std::array logits{0.0f, std::log(2.0f), std::log(4.0f)};
  for (const double temperature : {1.0, 0.5}) {
    Sampler sampler(temperature, 7);
    std::array<double, 3> counts{}, odds{};
    constexpr int kDraws = 20000;
    for (int draw = 0; draw < kDraws; ++draw)
      counts[static_cast<size_t>(sampler.next(logits))] += 1.0 / kDraws;
    double total = 0;
    for (size_t id = 0; id < 3; ++id)
      total += odds[id] = std::exp(static_cast<double>(logits[id]) / temperature);
    for (size_t id = 0; id < 3; ++id)
      EXPECT_NEAR(counts[id], odds[id] / total, 0.014)
          << id;  // four standard errors: 4 * 0.5 / sqrt(20000)
  }
}

TEST(Sampler, DrawsDependOnSeedAndNumberOnly) {
  const std::vector<float> logits(1000, 0.0f);
  Sampler one(1, 42), same(1, 42), other(1, 43);
  std::vector<int32_t> ones, sames, others;
  for (int draw = 0; draw < 20; ++draw) {
    ones.push_back(one.next(logits));
    sames.push_back(same.next(logits));
    others.push_back(other.next(logits));
  }
  EXPECT_EQ(ones, sames);
  EXPECT_NE(ones, others);
}

// Equal odds for 1000 ids make the uniform numbers of the documented stream visible; computed apart, with long integers.
TEST(Sampler, DrawsFromTheDocumentedStream) {
  const std::vector<float> logits(1000, 0.0f);
  Sampler sampler(1, 0);
  for (const int32_t id : {652, 701, 387}) EXPECT_EQ(sampler.next(logits), id);
}

TEST(Sampler, AlmostColdIsGreedy) {
  Sampler cold(1e-300, 3);
  EXPECT_EQ(cold.next(std::array{0.0f, 1.0f, 0.999f}), 1);
}

TEST(Sampler, RefusesWhatIsNoTemperatureAndNoLogit) {
  EXPECT_THROW(Sampler(-0.1, 0), Error);
  EXPECT_THROW(Sampler(std::nan(""), 0), Error);
  EXPECT_THROW(Sampler(std::numeric_limits<double>::infinity(), 0), Error);
  EXPECT_THROW(Sampler(0, 0).next(std::array{kNan, kNan}), Error);
}

}  // namespace
}  // namespace dendrokv
