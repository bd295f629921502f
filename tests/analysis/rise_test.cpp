// The rise of a curve: known ratios, exclusions, curves without numbers.

#include "analysis/rise.h"

#include <cmath>
#include <gtest/gtest.h>
#include <limits>
#include <vector>

namespace dendrokv {
namespace {

Analysis shape(uint32_t positions, uint32_t valid_first, uint32_t excluded) {
  Analysis analysis;
  analysis.positions = positions;
  analysis.valid_first = valid_first;
  analysis.valid_count = positions - valid_first;
  analysis.exclude_first = analysis.exclude_last = excluded;
  return analysis;
}

TEST(Rise, UsableIsWhatIsValidAndNotExcluded) {
  EXPECT_EQ(usable_range(shape(100, 4, 32)).first, 32u);
  EXPECT_EQ(usable_range(shape(100, 4, 32)).count, 36u);
  EXPECT_EQ(usable_range(shape(100, 50, 32)).first, 50u);
  EXPECT_EQ(usable_range(shape(100, 50, 32)).count, 18u);
  EXPECT_EQ(usable_range(shape(100, 4, 0)).count, 96u);
  EXPECT_EQ(usable_range(shape(60, 28, 32)).count, 0u);
  EXPECT_EQ(usable_range(shape(30, 0, 32)).count, 0u);
}

// 2^(p / 16): a quarter of 32 positions lies 24 before the last one's, wherever the curve starts:
// 2^(24 / 16).
TEST(Rise, AnExponentialHasTheRatioOfItsQuarters) {
  std::vector<double> curve(64);
  for (size_t p = 0; p < curve.size(); ++p) curve[p] = std::exp2(static_cast<double>(p) / 16);
  const Rise rise = rise_of(curve, {16, 32});
  EXPECT_NEAR(rise.ratio, std::exp2(1.5), 1e-12);
  EXPECT_EQ(rise.start.first, 16u);
  EXPECT_EQ(rise.start.count, 8u);
  EXPECT_EQ(rise.end.first, 40u);
}

TEST(Rise, TheExcludedEndsDoNotCount) {
  const IndexRange usable = usable_range(shape(100, 0, 10));
  std::vector<double> curve(100, 1.0);
  for (size_t p = 0; p < 10; ++p) curve[p] = curve[99 - p] = 1e6;
  EXPECT_NEAR(rise_of(curve, usable).ratio, 1, 1e-12);
}

TEST(Rise, WithoutNumbersItIsNotANumber) {
  const std::vector<double> curve(64, std::numeric_limits<double>::quiet_NaN());
  EXPECT_TRUE(std::isnan(rise_of(curve, {0, 64}).ratio));
  EXPECT_TRUE(std::isnan(rise_of(std::vector<double>(64, 0.0), {0, 64}).ratio));
  EXPECT_TRUE(std::isnan(rise_of(std::vector<double>(64, 1.0), {0, 3}).ratio));
  EXPECT_TRUE(std::isnan(rise_of(std::vector<double>(64, 1.0), {64, 0}).ratio));
}

}  // namespace
}  // namespace dendrokv
