#include "cli/report_figures.h"

#include <gtest/gtest.h>

#include <cmath>

namespace dendrokv {
namespace {

Analysis with_band(uint32_t positions) {
  Analysis analysis;
  analysis.levels = 1;
  analysis.positions = positions;
  analysis.step = positions - 1;
  analysis.valid_count = positions;
  analysis.exclude_first = 10;
  analysis.exclude_last = 10;
  return analysis;
}

// A curve that grows by a factor per token: the quarters' geometric means lie 3/4 of the usable length apart.
TEST(ReportFigures, RiseOfAnExponentialIsItsClosedForm) {
  const Analysis analysis = with_band(100);
  std::vector<double> curve(100);
  for (size_t p = 0; p < curve.size(); ++p) curve[p] = std::pow(1.01, static_cast<double>(p));
  const Rise rise = rise_of(analysis, curve);
  EXPECT_EQ(rise.quarter, 20u);
  EXPECT_NEAR(rise.ratio, std::pow(1.01, 60), 1e-12);
}

TEST(ReportFigures, RiseIgnoresTheExcludedEnds) {
  const Analysis analysis = with_band(100);
  std::vector<double> curve(100, 1.0);
  for (size_t p = 0; p < 10; ++p) curve[p] = curve[99 - p] = 1e6;
  EXPECT_NEAR(rise_of(analysis, curve).ratio, 1, 1e-12);
  EXPECT_TRUE(std::isnan(rise_of(with_band(22), std::vector<double>(22, 1.0)).ratio));
}

}  // namespace
}  // namespace dendrokv
