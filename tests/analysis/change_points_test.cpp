// Changes of variance: found where they were planted, not found in noise, dependence of neighbours
// allowed for.

#include "analysis/change_points.h"

#include <cmath>
#include <gtest/gtest.h>

#include "analysis/random.h"
#include "data/error.h"

namespace dendrokv {
namespace {

constexpr Resampling kDraws{.seed = 1, .draws = 199};

std::vector<double> noise(size_t length, uint64_t stream) {
  RandomStream random(61, stream);
  std::vector<double> series(length);
  for (double& value : series) value = random.normal();
  return series;
}

// Squares 1 1 9 9: the sums 1/20, 2/20, 11/20, 1 lie 4, 8, 4, 0 twentieths below k / 4.
TEST(VarianceChange, StatisticByHand) {
  const VarianceChange change = variance_change(std::vector{1.0, -1.0, 3.0, -3.0}, 1, kDraws);
  EXPECT_NEAR(change.statistic, 0.4, 1e-12);
  EXPECT_EQ(change.after, 1u);
}

TEST(VarianceChange, NothingFromNothing) {
  EXPECT_EQ(variance_change(std::vector<double>(16), 1, kDraws).p_value, 1);
  EXPECT_THROW(variance_change(std::vector<double>(3, 1.0), 1, kDraws), Error);
  EXPECT_THROW(variance_change(std::vector<double>(24, 1.0), 8, kDraws), Error);
}

TEST(VarianceChange, TellsNoiseAtItsLevel) {
  int found = 0;
  for (uint64_t repetition = 0; repetition < 400; ++repetition)
    found += variance_change(noise(64, repetition), 1, {.seed = repetition, .draws = 99}).p_value <=
             0.05;
  EXPECT_NEAR(found / 400.0, 0.05, 0.055);  // five standard errors
}

// Running means of four neighbours: taken one by one they look as if the variance changed.
TEST(VarianceChange, BlocksKeepTheLevelUnderDependence) {
  int one_by_one = 0, by_blocks = 0;
  for (uint64_t repetition = 0; repetition < 200; ++repetition) {
    const std::vector<double> white = noise(259, 1000 + repetition);
    std::vector<double> smooth(256);
    for (size_t t = 0; t < smooth.size(); ++t)
      smooth[t] = white[t] + white[t + 1] + white[t + 2] + white[t + 3];
    const Resampling draws{.seed = repetition, .draws = 99};
    one_by_one += variance_change(smooth, 1, draws).p_value <= 0.05;
    by_blocks += variance_change(smooth, 16, draws).p_value <= 0.05;
  }
  EXPECT_GT(one_by_one / 200.0, 0.15);
  EXPECT_LT(by_blocks / 200.0, 0.13);
}

TEST(VarianceChanges, AreFoundWhereTheyArePlanted) {
  std::vector<double> series = noise(600, 7);
  for (size_t t = 200; t < 400; ++t) series[t] *= 4;
  const auto changes = variance_changes(series, 1, 0.01, kDraws);
  ASSERT_EQ(changes.size(), 2u);
  EXPECT_NEAR(static_cast<double>(changes[0].after), 199, 12);
  EXPECT_NEAR(static_cast<double>(changes[1].after), 399, 12);
}

}  // namespace
}  // namespace dendrokv
