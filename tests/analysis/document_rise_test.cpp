// One document's curves against plain loops over the signal.

#include "analysis/document_rise.h"

#include <cmath>
#include <gtest/gtest.h>

#include "analysis/position_bins.h"
#include "analysis/random.h"
#include "tests/analysis/measured_rise.h"

namespace dendrokv {
namespace {

constexpr uint32_t kLevels = 3;
constexpr size_t kPositions = 64, kChannels = 5, kHeads = 2;
constexpr IndexRange kUsable{8, 48};

DocumentRise rise_of(const Grid<float>& weights, const Grid<float>& values, size_t draws,
                     uint64_t document = 0, uint64_t seed = 1) {
  const BandTransform transform({TransformKind::Dwt, "haar", kLevels, {}}, kPositions);
  return testing::rise_of(transform, weights, values, kUsable,
                          BinMap(position_bins(kUsable, kLevels, 3), kPositions),
                          {find_surrogate("shuffle-values"), draws, seed}, document);
}

Grid<float> normal_grid(size_t rows, size_t cols, uint64_t stream) {
  RandomStream random(1, stream);
  Grid<float> grid(rows, cols);
  for (float& value : grid.all()) value = static_cast<float>(random.normal());
  return grid;
}

Grid<float> some_weights() {
  Grid<float> weights = normal_grid(kHeads, kPositions, 1);
  for (float& weight : weights.all()) weight = std::fabs(weight) + 0.01f;
  return weights;
}

// Half the difference of the means of a block's halves, mean over channels.
double plain_amplitude(const Grid<float>& weights, const Grid<float>& values, size_t head,
                       uint32_t level, size_t block) {
  const size_t half = size_t{1} << (level - 1), first = block * 2 * half;
  double total = 0;
  for (size_t c = 0; c < kChannels; ++c) {
    double difference = 0;
    for (size_t i = 0; i < 2 * half; ++i) {
      const double s = double{weights(head, first + i)} * double{values(first + i, c)};
      difference += i < half ? s : -s;
    }
    total += std::fabs(difference) / static_cast<double>(2 * half);
  }
  return total / kChannels;
}

TEST(DocumentRise, IsTheMeanLogOfThePlainAmplitudes) {
  const Grid<float> weights = some_weights(), values = normal_grid(kPositions, kChannels, 2);
  const auto bins = position_bins(kUsable, kLevels, 3);
  const DocumentRise rise = rise_of(weights, values, 0);
  ASSERT_EQ(bins.size(), 3u);
  EXPECT_TRUE(rise.nulls.empty());
  for (uint32_t level = 1; level <= kLevels; ++level)
    for (size_t bin = 0; bin < bins.size(); ++bin) {
      double expected = 0;
      const size_t blocks = bins[bin].count >> level;
      for (size_t head = 0; head < kHeads; ++head)
        for (size_t b = 0; b < blocks; ++b)
          expected += std::log(
              plain_amplitude(weights, values, head, level, (bins[bin].first >> level) + b));
      // Products and differences of float numbers.
      EXPECT_NEAR(rise.amplitude(level - 1, bin), expected / static_cast<double>(blocks * kHeads),
                  1e-5);
    }
}

TEST(DocumentRise, SizeIsTheLocalRootMeanSquare) {
  const Grid<float> weights(kHeads, kPositions, 0.5f);
  const Grid<float> values(kPositions, kChannels, -3.0f);
  for (const double size : rise_of(weights, values, 0).size)
    EXPECT_NEAR(size, std::log(1.5), 1e-12);
}

TEST(DocumentRise, WithoutAmplitudeThereIsNoLogarithm) {
  const Grid<float> weights(kHeads, kPositions, 0.5f), values(kPositions, kChannels, 1.0f);
  const DocumentRise rise = rise_of(weights, values, 1);
  EXPECT_TRUE(std::isnan(rise.amplitude(0, 0)));
  EXPECT_TRUE(std::isnan(rise.nulls[0](2, 1)));
}

// Rows of values that are all alike but in sign have the same amplitudes in any order only at level
// 1 of a constant signal; a ramp does not: neighbours are alike before the permutation and not
// after it.
TEST(DocumentRise, PermutingTearsNeighboursApart) {
  const Grid<float> weights(1, kPositions, 1.0f);
  Grid<float> ramp(kPositions, 1);
  for (size_t p = 0; p < kPositions; ++p) ramp(p, 0) = static_cast<float>(p);
  const auto bins = position_bins(kUsable, kLevels, 3);
  const auto rise = [&](uint64_t document) { return rise_of(weights, ramp, 8, document, 4); };
  const DocumentRise first = rise(0);
  for (size_t bin = 0; bin < bins.size(); ++bin) {
    EXPECT_NEAR(first.amplitude(0, bin), std::log(0.5), 1e-6);
    EXPECT_GT(first.nulls[0](0, bin), std::log(2.0));
  }
  EXPECT_EQ(first.nulls[0](0, 0), rise(0).nulls[0](0, 0));
  EXPECT_NE(first.nulls[0](0, 0), rise(1).nulls[0](0, 0));
}

// Rows outside of the usable positions stay where they are: a value that stands out there is in no
// bin's null.
TEST(DocumentRise, PermutingStaysWithinTheUsablePositions) {
  const Grid<float> weights(1, kPositions, 1.0f);
  Grid<float> values = normal_grid(kPositions, 1, 3);
  const auto null_of = [&] {
    const DocumentRise rise = rise_of(weights, values, 4);
    return std::vector<double>(rise.nulls[0].all().begin(), rise.nulls[0].all().end());
  };
  const auto before = null_of();
  values(0, 0) = values(kPositions - 1, 0) = 1e6f;
  EXPECT_EQ(null_of(), before);
}

TEST(ChangeOverBins, IsThatOfTheLeastSquaresLine) {
  EXPECT_NEAR(change_over_bins(std::vector{1.0, 2.0, 3.0, 4.0}), 3, 1e-12);
  EXPECT_NEAR(change_over_bins(std::vector{5.0, 2.0}), -3, 1e-12);
  EXPECT_NEAR(change_over_bins(std::vector{1.0, 0.0, 1.0}), 0, 1e-12);
}

}  // namespace
}  // namespace dendrokv
