#include "gui/heat.h"

#include <bit>
#include <cmath>
#include <gtest/gtest.h>
#include <set>

namespace dendrokv {
namespace {

TEST(ShiftFor, CellsAreNeverSmallerThanAPixel) {
  EXPECT_EQ(shift_for(0.1), 0);
  EXPECT_EQ(shift_for(1), 0);
  EXPECT_EQ(shift_for(1.01), 1);
  EXPECT_EQ(shift_for(4), 2);
  EXPECT_EQ(shift_for(1'000'000.0 / 1200), 10);
}

TEST(TilesOver, CoverTheRangeOnceNearestToTheMiddleFirst) {
  const IndexRange steps{100, 3000}, positions{5000, 9000};
  const std::vector<TileKey> keys = tiles_over(7, 2, 3, steps, positions);
  std::set<TileKey> unique(keys.begin(), keys.end());
  EXPECT_EQ(unique.size(), keys.size());
  for (size_t step : {size_t{100}, size_t{1500}, size_t{3099}})
    for (size_t p : {size_t{5000}, size_t{8000}, size_t{13999}}) {
      int covered = 0;
      for (const TileKey& key : keys)
        covered += step >= key.steps().first && step < key.steps().first + key.steps().count &&
                   p >= key.positions().first && p < key.positions().first + key.positions().count;
      EXPECT_EQ(covered, 1);
    }
  // 9000 positions at 2048 a tile touch 5 columns; 3000 steps at 1024 a tile 4 rows.
  EXPECT_EQ(keys.size(), 5u * 4u);
  EXPECT_EQ(keys.front().column, 4u);
  EXPECT_TRUE(tiles_over(7, 2, 3, {5, 0}, positions).empty());
}

TEST(WholeTile, HoldsEverything) {
  for (const size_t count : {size_t{1}, size_t{256}, size_t{257}, size_t{1'000'000}}) {
    const TileKey key = whole_tile(0, count, 3 * count);
    EXPECT_GE(key.steps().count, count);
    EXPECT_GE(key.positions().count, 3 * count);
    EXPECT_EQ(key.row + key.column, 0u);
  }
}

TEST(HeatCodes, AreThoseOfTheScaleWithinHalfAPercent) {
  for (const ScaleShape shape : {ScaleShape::Asinh, ScaleShape::Linear, ScaleShape::Log}) {
    std::vector<float> values;
    for (int i = 1; i < 3000; ++i) values.push_back(static_cast<float>(i * i) * 1e-7f);
    const ValueScale scale = scale_of(shape, values);
    const HeatCodes codes(scale);
    for (const float value : values) {
      const double exact = 2 + scale.fraction(double{value}) * 253;
      const double above = 2 + scale.fraction(double{value} * 1.005) * 253;
      EXPECT_NEAR(codes.code(value), exact, 0.51 + (above - exact)) << value;
    }
    EXPECT_EQ(codes.code(0), HeatCodes::kFirstValue);
    EXPECT_EQ(codes.code(-1), HeatCodes::kFirstValue);
    EXPECT_EQ(codes.code(1e30f), 255);
  }
}

// The table is filled by halves: every entry must be what the scale says of it, and codes must
// rise.
TEST(HeatCodes, EveryEntryIsTheScalesOwn) {
  for (const ScaleShape shape : {ScaleShape::Asinh, ScaleShape::Linear, ScaleShape::Log}) {
    const ValueScale scale{.shape = shape, .low = 1e-5, .high = 0.75, .knee = 1e-3};
    const HeatCodes codes(scale);
    uint8_t before = 0;
    for (uint32_t i = 0; i < 0x7f80; ++i) {
      const float value = std::bit_cast<float>(i << 16 | 0x8000);
      const double fraction = scale.fraction(double{value});
      const uint8_t code = codes.code(value);
      ASSERT_EQ(code, static_cast<uint8_t>(2 + std::lround(fraction * 253))) << value;
      ASSERT_GE(code, before);
      before = code;
    }
  }
}

}  // namespace
}  // namespace dendrokv
