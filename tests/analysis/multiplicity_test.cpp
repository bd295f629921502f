// Adjusted p-values against hand calculation, and the false discovery rate they promise.

#include "analysis/multiplicity.h"

#include <algorithm>
#include <cmath>
#include <gtest/gtest.h>
#include <limits>

#include "analysis/random.h"

namespace dendrokv {
namespace {

// Four tests: p(k) * 4 / k from the largest down, never more than the one above.
TEST(AdjustedPValues, BenjaminiHochbergByHand) {
  const std::vector<double> p = {0.04, 0.01, 0.03, 0.5};
  const auto adjusted = adjusted_p_values(p, Dependence::Positive);
  EXPECT_NEAR(adjusted[1], 0.04, 1e-15);
  EXPECT_NEAR(adjusted[2], 0.16 / 3, 1e-15);  // 0.03 * 4 / 2 = 0.06, but 0.04 * 4 / 3 is less
  EXPECT_NEAR(adjusted[0], 0.16 / 3, 1e-15);
  EXPECT_NEAR(adjusted[3], 0.5, 1e-15);
}

TEST(AdjustedPValues, BenjaminiYekutieliIsLargerByTheHarmonicSum) {
  const std::vector<double> p = {0.001, 0.3};
  const auto adjusted = adjusted_p_values(p, Dependence::Arbitrary);
  EXPECT_NEAR(adjusted[0], 0.001 * 2 * 1.5, 1e-15);
  EXPECT_NEAR(adjusted[1], 0.3 * 1.5, 1e-15);
}

TEST(AdjustedPValues, NeverAboveOneAndNoTestStaysNoTest) {
  const double none = std::numeric_limits<double>::quiet_NaN();
  const std::vector<double> p = {0.9, none, 0.8};
  const auto adjusted = adjusted_p_values(p, Dependence::Arbitrary);
  EXPECT_EQ(adjusted[0], 1);
  EXPECT_TRUE(std::isnan(adjusted[1]));
  EXPECT_EQ(adjusted[2], 1);
  EXPECT_TRUE(adjusted_p_values({}, Dependence::Positive).empty());
}

// 20 true nulls at 5 %: any finding is a false one, so a twentieth of the 2,000 families may have
// one. The standard error is 0.005.
TEST(AdjustedPValues, KeepTheRateTheyPromise) {
  int families_with_finding = 0;
  for (uint64_t family = 0; family < 2000; ++family) {
    RandomStream random(11, family);
    std::vector<double> p(20);
    for (double& value : p) value = random.uniform();
    const auto adjusted = adjusted_p_values(p, Dependence::Positive);
    families_with_finding += *std::min_element(adjusted.begin(), adjusted.end()) <= 0.05 ? 1 : 0;
  }
  EXPECT_NEAR(families_with_finding / 2000.0, 0.05, 0.02);
}

}  // namespace
}  // namespace dendrokv
