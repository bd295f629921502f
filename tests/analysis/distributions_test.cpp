// Quantiles and tails against printed tables and closed forms.

#include "analysis/distributions.h"

#include <cmath>
#include <gtest/gtest.h>

namespace dendrokv {
namespace {

TEST(Distributions, NormalQuantilesAreTheKnownOnes) {
  EXPECT_NEAR(normal_quantile(0.5), 0, 1e-12);
  EXPECT_NEAR(normal_quantile(0.975), 1.959963984540054, 1e-12);
  EXPECT_NEAR(normal_quantile(0.025), -1.959963984540054, 1e-12);
  EXPECT_NEAR(normal_upper_tail(1.959963984540054), 0.025, 1e-13);
}

// With two degrees of freedom the tail is exp(-x / 2).
TEST(Distributions, ChiSquaredWithTwoDegreesIsExponential) {
  for (const double x : {0.1, 1.0, 5.0, 30.0})
    EXPECT_NEAR(chi_squared_upper_tail(2, x), std::exp(-x / 2), 1e-14);
  EXPECT_NEAR(chi_squared_quantile(2, 0.95), -2 * std::log(0.05), 1e-12);
}

TEST(Distributions, ChiSquaredQuantilesAreThoseOfTheTables) {
  EXPECT_NEAR(chi_squared_quantile(1, 0.95), 3.841458820694124, 1e-10);
  EXPECT_NEAR(chi_squared_quantile(15, 0.025), 6.262137795043253, 1e-10);
  EXPECT_NEAR(chi_squared_quantile(15, 0.975), 27.48839286344298, 1e-10);
}

TEST(Distributions, DegreesNeedNotBeWhole) {
  for (const double degrees : {0.5, 2.5, 133.7})
    EXPECT_NEAR(chi_squared_upper_tail(degrees, chi_squared_quantile(degrees, 0.9)), 0.1, 1e-12);
}

}  // namespace
}  // namespace dendrokv
