// Tests over documents against enumeration, closed forms and their own promise: the share of wrong
// answers under the null.

#include "analysis/resampling.h"

#include <algorithm>
#include <cmath>
#include <gtest/gtest.h>

#include "analysis/random.h"

namespace dendrokv {
namespace {

constexpr Resampling kDraws{.seed = 3, .draws = 999};

TEST(SignFlip, CountsTheFlipsThatReachTheSum) {
  // Sums of +-1 +-2 +-4 are -7, -5, ..., 7: one of eight reaches 7, two reach 5.
  EXPECT_EQ(sign_flip_p_value(std::vector{1.0, 2.0, 4.0}, Alternative::Greater, kDraws), 1.0 / 8);
  EXPECT_EQ(sign_flip_p_value(std::vector{-1.0, 2.0, 4.0}, Alternative::Greater, kDraws), 2.0 / 8);
  EXPECT_EQ(sign_flip_p_value(std::vector{1.0, 2.0, 4.0}, Alternative::Less, kDraws), 1);
  EXPECT_EQ(sign_flip_p_value({}, Alternative::Greater, kDraws), 1);
}

TEST(SignFlip, DrawnAgreesWithEnumerated) {
  std::vector<double> values = {0.3, -0.1, 0.8, 0.2, -0.4, 0.5, 0.9, -0.2, 0.1, 0.4};
  const double exact = sign_flip_p_value(values, Alternative::Greater, {.draws = 1024});
  const double drawn = sign_flip_p_value(values, Alternative::Greater, {.seed = 9, .draws = 1000});
  EXPECT_NEAR(drawn, exact, 5 * std::sqrt(exact * (1 - exact) / 1000));
  EXPECT_NE(drawn, exact);
}

// A sum that other flips reach but for rounding: 0.1 + 0.2 - 0.3 is not 0 in floating point.
TEST(SignFlip, RoundingDoesNotDecide) {
  const double one_way =
      sign_flip_p_value(std::vector{0.1, 0.2, -0.3}, Alternative::Greater, kDraws);
  const double other_way =
      sign_flip_p_value(std::vector{-0.3, 0.2, 0.1}, Alternative::Greater, kDraws);
  EXPECT_EQ(one_way, other_way);
}

TEST(SignFlip, IsRightAtItsLevelUnderTheNull) {
  int found = 0;
  constexpr int kRepetitions = 1000;
  for (uint64_t repetition = 0; repetition < kRepetitions; ++repetition) {
    RandomStream random(17, repetition);
    std::vector<double> values(12);
    for (double& value : values) value = random.normal();
    found +=
        sign_flip_p_value(values, Alternative::Greater, {.seed = repetition, .draws = 399}) <= 0.05;
  }
  EXPECT_NEAR(found / double{kRepetitions}, 0.05, 0.035);  // five standard errors
}

// Three documents, all rising over three bins: L = 42, mean 36, variance 6.
TEST(PageTrend, GivesTheTailOfTheTextbookStatistic) {
  Grid<double> scores(3, 3);
  for (size_t document = 0; document < 3; ++document)
    for (size_t bin = 0; bin < 3; ++bin)
      scores(document, bin) = static_cast<double>(10 * document + bin);
  EXPECT_NEAR(page_trend_p_value(scores.view()),
              0.5 * std::erfc(6 / std::sqrt(6.0) / std::sqrt(2.0)), 1e-12);
}

TEST(PageTrend, TiesShareTheirRank) {
  Grid<double> flat(4, 5, 2.0);
  EXPECT_NEAR(page_trend_p_value(flat.view()), 0.5, 1e-12);
  EXPECT_EQ(page_trend_p_value(GridView<const double>()), 1);
}

TEST(Bands, ADocumentWithoutANumberLeavesNone) {
  const double nan = std::nan("");
  Grid<double> statistics(12, 2, 1.0);
  for (size_t d = 0; d < 12; ++d) statistics(d, 0) = static_cast<double>(d);
  statistics(5, 1) = nan;
  for (const Band& band : {expanded_percentile_band(statistics.view(), 0.95, {}),
                           simultaneous_band(statistics.view(), 0.95, {})}) {
    EXPECT_NEAR(band.mean[0], 5.5, 1e-12);
    EXPECT_LT(band.lower[0], 5.5);
    EXPECT_GT(band.upper[0], 5.5);
    EXPECT_TRUE(std::isnan(band.lower[1]) && std::isnan(band.upper[1]));
  }
  EXPECT_TRUE(std::isnan(page_trend_p_value(statistics.view())));
  EXPECT_TRUE(std::isnan(sen_slope(std::vector{1.0, nan, 3.0})));
}

TEST(SenSlope, IsTheMedianOfAllSlopes) {
  EXPECT_EQ(sen_slope(std::vector{1.0, 3.0, 5.0, 7.0}), 2);
  EXPECT_EQ(sen_slope(std::vector{0.0, 1.0, 2.0, 100.0}), (1.0 + 100.0 / 3) / 2);
  EXPECT_TRUE(std::isnan(sen_slope(std::vector{1.0})));
}

Grid<double> normal_documents(uint64_t stream, size_t documents, size_t columns) {
  RandomStream random(23, stream);
  Grid<double> grid(documents, columns);
  for (double& value : grid.all()) value = random.normal();
  return grid;
}

TEST(Bands, HoldTheMeanAndGrowWithWhatTheyPromise) {
  const Grid<double> documents = normal_documents(0, 40, 6);
  const Band pointwise = expanded_percentile_band(documents.view(), 0.95, kDraws);
  const Band together = simultaneous_band(documents.view(), 0.95, kDraws);
  for (size_t c = 0; c < 6; ++c) {
    EXPECT_LT(pointwise.lower[c], pointwise.mean[c]);
    EXPECT_GT(pointwise.upper[c], pointwise.mean[c]);
    EXPECT_LT(together.lower[c], pointwise.lower[c]);
    EXPECT_GT(together.upper[c], pointwise.upper[c]);
    EXPECT_NEAR(together.mean[c] - together.lower[c], together.upper[c] - together.mean[c], 1e-12);
  }
}

TEST(Bands, OneDocumentOrNoSpreadGivesTheMeanItself) {
  const Band one = expanded_percentile_band(normal_documents(1, 1, 2).view(), 0.9, kDraws);
  EXPECT_EQ(one.lower, one.mean);
  const Grid<double> constant(5, 3, 1.5);
  const Band together = simultaneous_band(constant.view(), 0.95, kDraws);
  EXPECT_EQ(together.lower, together.mean);
  EXPECT_EQ(together.upper, together.mean);
}

TEST(Bands, WeightsCountADocumentAsOftenAsTheySay) {
  const Grid<double> documents = normal_documents(4, 12, 2);
  const std::vector<double> equal(12, 2.5);
  const Band plain = percentile_band(documents.view(), std::vector<double>(12, 1), 0.9, kDraws);
  const Band weighted = percentile_band(documents.view(), equal, 0.9, kDraws);
  for (size_t c = 0; c < 2; ++c) {
    EXPECT_NEAR(weighted.mean[c], plain.mean[c], 1e-12);
    EXPECT_NEAR(weighted.lower[c], plain.lower[c], 1e-12);
    EXPECT_NEAR(weighted.upper[c], plain.upper[c], 1e-12);
  }
  Grid<double> two(2, 1);
  two(0, 0) = 1;
  two(1, 0) = 5;
  const Band uneven = percentile_band(two.view(), std::vector<double>{3, 1}, 0.95, kDraws);
  EXPECT_EQ(uneven.mean[0], 2);
  EXPECT_EQ(uneven.lower[0], 1);
  EXPECT_EQ(uneven.upper[0], 5);
}

/// How often a band over normal documents holds the truth, 0: in all columns, and in one.
struct Coverage {
  double together = 0, one = 0;
};
template <class MakeBand>
Coverage coverage(size_t documents, const MakeBand& band_of) {
  constexpr int kRepetitions = 1000;
  constexpr size_t kColumns = 6;
  Coverage held;
  for (uint64_t repetition = 0; repetition < kRepetitions; ++repetition) {
    const Grid<double> values = normal_documents(100 + repetition, documents, kColumns);
    const Band band = band_of(values.view(), 0.95, Resampling{repetition, 399});
    size_t columns = 0;
    for (size_t c = 0; c < kColumns; ++c) columns += band.lower[c] < 0 && band.upper[c] > 0;
    held.one += static_cast<double>(columns) / (kRepetitions * kColumns);
    held.together += columns == kColumns ? 1.0 / kRepetitions : 0;
  }
  return held;
}

// 95 % of the bands hold the truth in all six columns, of a few documents too: without Student's t
// 74 % did with 8 of them. 0.02 is three standard errors of 1000 repetitions; a bootstrap of 8 is no
// normal distribution.
TEST(Bands, SimultaneousOnesHoldEverywhereAtOnce) {
  EXPECT_NEAR(coverage(30, simultaneous_band).together, 0.95, 0.02);
  EXPECT_NEAR(coverage(12, simultaneous_band).together, 0.95, 0.025);
  EXPECT_NEAR(coverage(8, simultaneous_band).together, 0.95, 0.03);
  EXPECT_GE(coverage(4, simultaneous_band).together, 0.85);
}

TEST(Bands, PercentilesOfFewDocumentsHoldTheMean) {
  EXPECT_NEAR(coverage(30, expanded_percentile_band).one, 0.95, 0.01);
  EXPECT_NEAR(coverage(8, expanded_percentile_band).one, 0.95, 0.015);
}

}  // namespace
}  // namespace dendrokv
