#include "model/sampler.h"

#include <array>
#include <cmath>
#include <gtest/gtest.h>
#include <limits>

#include "data/error.h"

namespace dendrokv {
namespace {

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

SamplerOptions warm(uint64_t seed) {
  return {.temperature = 1, .seed = seed};
}

// How often each of `logits` is drawn, as shares.
template <size_t N>
std::array<double, N> shares(const SamplerOptions& options, const std::array<float, N>& logits) {
  Sampler sampler(options);
  std::array<double, N> counts{};
  constexpr int kDraws = 20000;
  for (int draw = 0; draw < kDraws; ++draw)
    counts[static_cast<size_t>(sampler.next(logits))] += 1.0 / kDraws;
  return counts;
}

TEST(Sampler, GreedyTakesTheLowestIdAmongEquals) {
  Sampler greedy({});
  EXPECT_EQ(greedy.next(std::array{-1.0f, 2.0f, 2.0f, 1.0f}), 1);
  EXPECT_EQ(greedy.next(std::array{kNan, -3.0f, kNan, -2.0f}), 3);
}

TEST(Sampler, FrequenciesAreTheSoftmaxAtThatTemperature) {
  // Odds 1 : 2 : 4 at temperature 1, 1 : 4 : 16 at temperature 0.5.
  const std::array logits{0.0f, std::log(2.0f), std::log(4.0f)};
  for (const double temperature : {1.0, 0.5}) {
    Sampler sampler({.temperature = temperature, .seed = 7});
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
  Sampler one(warm(42)), same(warm(42)), other(warm(43));
  std::vector<int32_t> ones, sames, others;
  for (int draw = 0; draw < 20; ++draw) {
    ones.push_back(one.next(logits));
    sames.push_back(same.next(logits));
    others.push_back(other.next(logits));
  }
  EXPECT_EQ(ones, sames);
  EXPECT_NE(ones, others);
}

// Equal odds for 1000 ids make the uniform numbers of the documented stream visible; computed
// apart, with long integers.
TEST(Sampler, DrawsFromTheDocumentedStream) {
  const std::vector<float> logits(1000, 0.0f);
  Sampler sampler(warm(0));
  for (const int32_t id : {652, 701, 387}) EXPECT_EQ(sampler.next(logits), id);
}

// Probabilities 0.1, 0.4, 0.3, 0.2. A limit takes away whole tokens, and the rest keep their odds.
TEST(Sampler, LimitsKeepTheLikeliest) {
  const std::array logits{std::log(0.1f), std::log(0.4f), std::log(0.3f), std::log(0.2f)};
  const auto expect = [&](const SamplerOptions& options, const std::array<double, 4>& wanted) {
    const std::array<double, 4> found = shares(options, logits);
    for (size_t id = 0; id < 4; ++id) {
      EXPECT_EQ(found[id] == 0, wanted[id] == 0) << id;
      EXPECT_NEAR(found[id], wanted[id], 0.014) << id;  // four standard errors, as above
    }
  };
  const std::array all{0.1, 0.4, 0.3, 0.2}, two{0.0, 4.0 / 7, 3.0 / 7, 0.0},
      three{0.0, 4.0 / 9, 3.0 / 9, 2.0 / 9}, one{0.0, 1.0, 0.0, 0.0};
  expect({.temperature = 1}, all);
  expect({.temperature = 1, .top_k = 2}, two);
  expect({.temperature = 1, .top_k = 4}, all);
  expect({.temperature = 1, .top_k = 9}, all);
  expect({.temperature = 1, .top_p = 0.65}, two);
  expect({.temperature = 1, .top_p = 0.75}, three);
  expect({.temperature = 1, .top_p = 0}, one);
  expect({.temperature = 1, .min_p = 0.6}, two);
  expect({.temperature = 1, .min_p = 0.4}, three);
  expect({.temperature = 1, .min_p = 1}, one);
  // top-p looks at the share of what top-k left: 4/9 + 3/9 reach 0.75, of all tokens they do not.
  expect({.temperature = 1, .top_k = 3, .top_p = 0.75}, two);
  // The limits look at temperature 1, where 0.1 is too little, however hot the draw is.
  expect({.temperature = 1e9, .min_p = 0.4}, {0, 1.0 / 3, 1.0 / 3, 1.0 / 3});
}

TEST(Sampler, AmongEqualsALimitKeepsTheLowestIds) {
  const std::vector<float> logits(100, 1.0f);
  Sampler by_rank({.temperature = 1, .top_k = 3}), by_share({.temperature = 1, .top_p = 0.03});
  for (int draw = 0; draw < 200; ++draw) {
    EXPECT_LT(by_rank.next(logits), 3);
    EXPECT_LT(by_share.next(logits), 3);
  }
}

TEST(Sampler, AlmostColdIsGreedy) {
  Sampler cold({.temperature = 1e-300, .seed = 3});
  EXPECT_EQ(cold.next(std::array{0.0f, 1.0f, 0.999f}), 1);
}

TEST(Sampler, RefusesWhatIsNoTemperatureAndNoLogit) {
  for (const double temperature : {-0.1, std::nan(""), std::numeric_limits<double>::infinity()})
    EXPECT_THROW(Sampler({.temperature = temperature}), Error);
  EXPECT_THROW(Sampler({.top_k = 0}), Error);
  for (const double share : {-0.1, 1.1, std::nan("")}) {
    EXPECT_THROW(Sampler({.top_p = share}), Error);
    EXPECT_THROW(Sampler({.min_p = share}), Error);
  }
  EXPECT_THROW(Sampler({}).next(std::array{kNan, kNan}), Error);
}

}  // namespace
}  // namespace dendrokv
