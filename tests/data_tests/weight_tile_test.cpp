// A tile against one number at a time: the halves of to_half, cells added in the order that the
// pyramid promises.

#include "data/weight_tile.h"

#include <algorithm>
#include <cmath>
#include <gtest/gtest.h>
#include <limits>
#include <random>
#include <vector>

namespace dendrokv {
namespace {

constexpr size_t kColumns = 256, kCells = kColumns / kPyramidFactor;
using Sizes = std::array<size_t, kTileRows>;

struct alignas(64) Stored {
  uint16_t halves[kTileRows][kColumns];
  uint16_t highest[kCells], sum[kCells];
  float exact_sum[kCells];
  uint16_t count[kCells];
};

std::vector<std::vector<float>> random_rows(const Sizes& sizes) {
  std::mt19937 random(11);
  std::uniform_real_distribution<float> exponent(-30, 0);  // subnormal halves and zeros among them
  std::vector<std::vector<float>> rows;
  for (const size_t size : sizes) {
    rows.emplace_back(size);
    for (float& weight : rows.back()) weight = random() % 16 ? std::exp2(exponent(random)) : 0.0f;
  }
  return rows;
}

TileRows views(const std::vector<std::vector<float>>& rows) {
  TileRows tile;
  std::ranges::copy(rows, tile.begin());
  return tile;
}

TilePlace place_of(Stored& stored, const TileRows& rows) {
  TilePlace place{{}, stored.highest, stored.sum, stored.exact_sum, stored.count};
  for (size_t row = 0; row < kTileRows; ++row)
    if (!rows[row].empty()) place.halves[row] = stored.halves[row];
  return place;
}

uint16_t expected_half(const std::vector<float>& row, size_t column) {
  return column < row.size() ? to_half(row[column]) : kHalfNan;
}

void expect_cell(const std::vector<std::vector<float>>& rows, size_t first, size_t cell,
                 const Stored& stored) {
  float columns[kPyramidFactor] = {}, highest = kNoSample;
  uint16_t count = 0;
  for (size_t i = 0; i < kPyramidFactor; ++i)
    for (const std::vector<float>& row : rows) {
      const size_t column = first + cell * kPyramidFactor + i;
      if (column >= row.size()) continue;
      const float weight = from_half(to_half(row[column]));
      columns[i] += weight;
      highest = std::max(highest, weight);
      ++count;
    }
  const float sum = (columns[0] + columns[1]) + (columns[2] + columns[3]);
  EXPECT_EQ(stored.exact_sum[cell], sum) << cell;
  EXPECT_EQ(stored.sum[cell], to_half(sum)) << cell;
  EXPECT_EQ(stored.count[cell], count) << cell;
  EXPECT_EQ(stored.highest[cell], count ? to_half(highest) : kHalfNan) << cell;
}

class WeightTile : public ::testing::TestWithParam<Sizes> {
 protected:
  void SetUp() override {
    if (!can_store_tiles()) GTEST_SKIP() << "needs AVX-512";
  }
};

TEST_P(WeightTile, StoresHalvesAndCells) {
  const auto rows = random_rows(GetParam());
  const TileRows tile = views(rows);
  for (const size_t first : {size_t{0}, size_t{256}}) {
    Stored stored;
    TileMeasures measures;
    store_tile(tile, first, kColumns, place_of(stored, tile), measures);
    EXPECT_FALSE(measures.has_fault());
    for (size_t row = 0; row < kTileRows; ++row)
      for (size_t column = 0; column < kColumns && !rows[row].empty(); ++column)
        ASSERT_EQ(stored.halves[row][column], expected_half(rows[row], first + column))
            << row << ' ' << column;
    for (size_t cell = 0; cell < kCells; ++cell) expect_cell(rows, first, cell, stored);
  }
}

// Chunks of 64 columns, and of cells that stand for 128, each with room behind it.
TEST_P(WeightTile, GoesIntoChunks) {
  constexpr size_t kChunk = kTileBlock, kChunkStride = kChunk + 32;
  constexpr size_t kCellChunk = 2 * kTileBlock / kPyramidFactor, kCellStride = kCellChunk + 32;
  struct alignas(64) Chunks {
    uint16_t halves[kTileRows][kColumns / kChunk * kChunkStride];
    uint16_t highest[2 * kCellStride], sum[2 * kCellStride], count[2 * kCellStride];
    float exact_sum[2 * (kCellStride + 32)];
  };
  const auto rows = random_rows(GetParam());
  const TileRows tile = views(rows);
  Stored whole;
  Chunks parts;
  TileMeasures measures;
  store_tile(tile, 0, kColumns, place_of(whole, tile), measures);
  TilePlace place{{}, parts.highest, parts.sum, parts.exact_sum, parts.count};
  for (size_t row = 0; row < kTileRows; ++row)
    if (!rows[row].empty()) place.halves[row] = parts.halves[row];
  place.chunk_columns = kChunk;
  place.chunk_stride = kChunkStride;
  place.cell_columns = kCellChunk * kPyramidFactor;
  place.cell_stride = kCellStride;
  place.exact_stride = kCellStride + 32;
  TileMeasures of_parts;
  store_tile(tile, 0, kColumns, place, of_parts);
  for (size_t row = 0; row < kTileRows; ++row) {
    EXPECT_EQ(of_parts.sum(row), measures.sum(row));
    for (size_t column = 0; column < kColumns && !rows[row].empty(); ++column)
      ASSERT_EQ(parts.halves[row][column / kChunk * kChunkStride + column % kChunk],
                whole.halves[row][column]);
  }
  for (size_t cell = 0; cell < kCells; ++cell) {
    const size_t chunk = cell / kCellChunk, at = chunk * kCellStride + cell % kCellChunk;
    EXPECT_EQ(parts.highest[at], whole.highest[cell]) << cell;
    EXPECT_EQ(parts.sum[at], whole.sum[cell]) << cell;
    EXPECT_EQ(parts.count[at], whole.count[cell]) << cell;
    EXPECT_EQ(parts.exact_sum[at + chunk * 32], whole.exact_sum[cell]) << cell;
  }
}

// Where nobody wants them, nothing is written in place of exact sums and counts, and the rest stays
// what it is.
TEST_P(WeightTile, LeavesOutWhatNobodyWants) {
  const auto rows = random_rows(GetParam());
  const TileRows tile = views(rows);
  Stored all, some;
  TileMeasures measures;
  store_tile(tile, 0, kColumns, place_of(all, tile), measures);
  std::ranges::fill(some.exact_sum, -1.0f);
  std::ranges::fill(some.count, uint16_t{77});
  TilePlace place = place_of(some, tile);
  place.exact_sum = nullptr;
  place.count = nullptr;
  store_tile(tile, 0, kColumns, place, measures);
  EXPECT_TRUE(std::ranges::equal(some.sum, all.sum) &&
              std::ranges::equal(some.highest, all.highest));
  EXPECT_TRUE(std::ranges::all_of(some.exact_sum, [](float sum) { return sum == -1.0f; }));
  EXPECT_TRUE(std::ranges::all_of(some.count, [](uint16_t count) { return count == 77; }));
}

// Added up part by part; 16 chains of up to 32 floats round to some 1e-6 of the sum.
TEST_P(WeightTile, SumsRows) {
  const auto rows = random_rows(GetParam());
  const TileRows tile = views(rows);
  TileMeasures measures;
  Stored stored;
  for (const size_t first : {size_t{0}, size_t{256}})
    store_tile(tile, first, kColumns, place_of(stored, tile), measures);
  for (size_t row = 0; row < kTileRows; ++row) {
    double sum = 0;
    for (const float weight : rows[row]) sum += static_cast<double>(weight);
    EXPECT_NEAR(static_cast<double>(measures.sum(row)), sum, 2e-6 * sum) << row;
  }
}

TEST_P(WeightTile, FindsWeightsThatAreNone) {
  for (const float fault : {-0.25f, -1e-20f, std::nanf("")})
    for (size_t row = 0; row < kTileRows; ++row) {
      auto rows = random_rows(GetParam());
      if (rows[row].empty()) continue;
      rows[row].back() = fault;
      const TileRows tile = views(rows);
      TileMeasures measures;
      Stored stored;
      for (const size_t first : {size_t{0}, size_t{256}})
        store_tile(tile, first, kColumns, place_of(stored, tile), measures);
      EXPECT_TRUE(measures.has_fault()) << fault << " in row " << row;
    }
}

// Causal rows that end in a block, at its border, in the second half, of one number; and a text
// that ends in the tile.
INSTANTIATE_TEST_SUITE_P(Ends, WeightTile,
                         ::testing::Values(Sizes{101, 102, 103, 104}, Sizes{125, 126, 127, 128},
                                           Sizes{510, 511, 512, 512}, Sizes{1, 2, 3, 4},
                                           Sizes{297, 298, 0, 0}, Sizes{512, 64, 300, 17}));

}  // namespace
}  // namespace dendrokv
