// Reductions against plain loops in double, over lengths around the width of a vector and rows with
// holes.

#include "model/row_reductions.h"

#include <algorithm>
#include <cmath>
#include <gtest/gtest.h>
#include <numeric>
#include <random>

namespace dendrokv {
namespace {

struct Row {
  std::vector<Position> positions;
  std::vector<float> weights;
};

// `count` weights that sum to one, a few of them equal, at every `stride`th position or so.
Row random_row(size_t count, uint32_t stride, uint32_t seed) {
  std::mt19937 random(seed);
  Row row;
  uint32_t position = 0;
  for (size_t i = 0; i < count; ++i) {
    row.positions.emplace_back(position);
    position += 1 + static_cast<uint32_t>(random() % stride);
    row.weights.push_back(static_cast<float>(1 + random() % 1000));
  }
  const float sum = std::accumulate(row.weights.begin(), row.weights.end(), 0.0f);
  for (float& weight : row.weights) weight /= sum;
  return row;
}

TEST(FindTop, IsTheHeadOfASortedRow) {
  TopWeights top;
  for (size_t count = 1; count < 70; ++count)
    for (const size_t k : {size_t{1}, size_t{3}, size_t{16}, size_t{64}}) {
      const Row row = random_row(count, 2, static_cast<uint32_t>(count));
      std::vector<size_t> order(count);
      std::iota(order.begin(), order.end(), size_t{0});
      std::ranges::stable_sort(order,
                               [&](size_t a, size_t b) { return row.weights[a] > row.weights[b]; });
      find_top(row.positions, row.weights, k, top);
      ASSERT_EQ(top.positions.size(), k);
      double rest = 0;
      for (size_t rank = 0; rank < std::max(k, count); ++rank) {
        if (rank >= k) {
          rest += static_cast<double>(row.weights[order[rank]]);
        } else if (rank < count) {
          ASSERT_EQ(top.positions[rank], static_cast<int32_t>(row.positions[order[rank]].value));
          ASSERT_EQ(top.weights[rank], row.weights[order[rank]]);
        } else {
          ASSERT_EQ(top.positions[rank], -1);
          ASSERT_TRUE(std::isnan(top.weights[rank]));
        }
      }
      ASSERT_NEAR(top.rest, rest, 1e-7);  // one rounding to float below 1
      if (count <= k) {
        ASSERT_EQ(top.rest, 0.0f);
      }
    }
}

TEST(PoolWeights, IsMaxAndSumOfEachBlock) {
  PooledWeights pools;
  for (const uint32_t stride : {1u, 3u, 40u})
    for (size_t count = 1; count < 70; ++count)
      for (const size_t size : {size_t{2}, size_t{16}, size_t{33}}) {
        const Row row = random_row(count, stride, static_cast<uint32_t>(count));
        const size_t blocks = row.positions.back().index() / size + 2;
        pool_weights(row.positions, row.weights, size, blocks, pools);
        for (size_t block = 0; block < blocks; ++block) {
          double sum = 0;
          float largest = -1;
          for (size_t slot = 0; slot < count; ++slot) {
            if (row.positions[slot].index() / size != block) continue;
            sum += static_cast<double>(row.weights[slot]);
            largest = std::max(largest, row.weights[slot]);
          }
          if (largest < 0) {
            ASSERT_TRUE(std::isnan(pools.largest[block]) && std::isnan(pools.sum[block]));
          } else {
            ASSERT_EQ(pools.largest[block], largest);
            ASSERT_NEAR(pools.sum[block], sum, 1e-7);
          }
        }
      }
}

TEST(EntropyOf, EqualsTheSumInDouble) {
  for (size_t count = 1; count < 200; ++count) {
    const Row row = random_row(count, 1, static_cast<uint32_t>(count));
    double entropy = 0;
    for (const float weight : row.weights)
      entropy -= static_cast<double>(weight) * std::log(static_cast<double>(weight));
    ASSERT_NEAR(entropy_of(row.weights), entropy, 1e-5) << count;
  }
}

TEST(EntropyOf, HasItsClosedForms) {
  EXPECT_EQ(entropy_of(std::vector<float>{1.0f}), 0.0f);
  EXPECT_EQ(entropy_of(std::vector<float>{0.0f, 1.0f, 0.0f}), 0.0f);
  EXPECT_NEAR(entropy_of(std::vector<float>(8192, 1.0f / 8192)), std::log(8192.0), 1e-5);
  // subnormal: counts next to nothing
  EXPECT_NEAR(entropy_of(std::vector<float>{0.5f, 0.5f, 1e-40f}), std::log(2.0), 1e-6);
}

}  // namespace
}  // namespace dendrokv
