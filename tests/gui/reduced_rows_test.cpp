#include "gui/reduced_rows.h"

#include <algorithm>
#include <cmath>
#include <gtest/gtest.h>
#include <random>

namespace dendrokv {
namespace {

constexpr size_t kPool = 8;

/// A row of `step`, some of whose positions have left the cache, and what a recorder would keep of
/// it.
struct Made {
  std::vector<float> full, largest, mass, top_weight;
  std::vector<int32_t> top_position;
};

Made made_row(size_t step, size_t tokens, size_t top_k, uint32_t seed) {
  std::minstd_rand random(seed);
  Made made;
  made.full.assign(tokens, std::nanf(""));
  for (size_t p = 0; p <= step; ++p)
    if (p / kPool != 2)
      made.full[p] = static_cast<float>(random() % 1000 + 1) / 1000;  // block 2 is gone
  for (size_t first = 0; first < tokens; first += kPool) {
    float largest = std::nanf(""), mass = std::nanf("");
    for (size_t p = first; p < std::min(first + kPool, tokens); ++p) {
      if (std::isnan(made.full[p])) continue;
      largest = largest >= made.full[p] ? largest : made.full[p];
      mass = std::isnan(mass) ? made.full[p] : mass + made.full[p];
    }
    made.largest.push_back(largest);
    made.mass.push_back(mass);
  }
  std::vector<int32_t> order;
  for (size_t p = 0; p <= step; ++p)
    if (!std::isnan(made.full[p])) order.push_back(static_cast<int32_t>(p));
  std::ranges::stable_sort(order, [&](int32_t a, int32_t b) {
    return made.full[static_cast<size_t>(a)] > made.full[static_cast<size_t>(b)];
  });
  for (size_t i = 0; i < top_k; ++i) {
    made.top_position.push_back(i < order.size() ? order[i] : -1);
    made.top_weight.push_back(i < order.size() ? made.full[static_cast<size_t>(order[i])]
                                               : std::nanf(""));
  }
  return made;
}

TEST(ReducedRow, StoredWeightsAreExactAndTheOthersBounded) {
  for (const size_t step : {0u, 5u, 30u, 59u})
    for (const size_t top_k : {0u, 3u, 7u}) {
      const Made made = made_row(step, 60, top_k, static_cast<uint32_t>(step + top_k));
      std::vector<float> most(60);
      fill_reduced_row({made.top_position, made.top_weight, made.largest, kPool}, Step(step),
                       {0, 60}, Reduction::Max, most);
      for (size_t p = 0; p < 60; ++p) {
        ASSERT_EQ(std::isnan(most[p]), std::isnan(made.full[p])) << p;
        if (std::isnan(most[p])) continue;
        EXPECT_GE(most[p], made.full[p]);
        EXPECT_LE(most[p], made.largest[p / kPool]);
      }
      for (size_t i = 0; i < top_k && made.top_position[i] >= 0; ++i)
        EXPECT_EQ(most[static_cast<size_t>(made.top_position[i])], made.top_weight[i]);
    }
}

TEST(ReducedRow, MeansKeepTheMassOfEveryBlock) {
  const Made made = made_row(50, 60, 5, 9);
  std::vector<float> mean(60);
  fill_reduced_row({made.top_position, made.top_weight, made.mass, kPool}, Step(50), {0, 60},
                   Reduction::Mean, mean);
  for (size_t block = 0; block * kPool <= 50; ++block) {
    double mass = 0;
    for (size_t p = block * kPool; p < std::min<size_t>((block + 1) * kPool, 51); ++p)
      mass += std::isnan(mean[p]) ? 0 : double{mean[p]};
    EXPECT_NEAR(mass, std::isnan(made.mass[block]) ? 0 : double{made.mass[block]}, 1e-5) << block;
  }
}

TEST(ReducedRow, APartIsThatPartOfTheWhole) {
  const Made made = made_row(50, 60, 5, 4);
  const ReducedRow row{made.top_position, made.top_weight, made.largest, kPool};
  std::vector<float> whole(60), part(13);
  fill_reduced_row(row, Step(50), {0, 60}, Reduction::Max, whole);
  fill_reduced_row(row, Step(50), {41, 13}, Reduction::Max, part);
  for (size_t i = 0; i < part.size(); ++i)
    EXPECT_TRUE(part[i] == whole[41 + i] || (std::isnan(part[i]) && std::isnan(whole[41 + i])))
        << i;
}

TEST(ReducedRow, WithoutBlocksOnlyTheLargestAreKnown) {
  const Made made = made_row(30, 60, 4, 2);
  std::vector<float> row(60);
  fill_reduced_row({made.top_position, made.top_weight, {}, 0}, Step(30), {0, 60}, Reduction::Max,
                   row);
  EXPECT_EQ(std::ranges::count_if(row, [](float weight) { return !std::isnan(weight); }), 4);
}

}  // namespace
}  // namespace dendrokv
