#include "cache/slot_table.h"

#include <algorithm>
#include <gtest/gtest.h>
#include <random>
#include <set>
#include <vector>

namespace dendrokv {
namespace {

struct PlainRow {
  Position position;
  uint32_t row;
  double weight_sum;
};

void expect_equal(const SlotTable& table, const std::vector<PlainRow>& plain) {
  const Step step(5000);
  const LaneView view = table.view(Layer(3), Lane(1), step);
  EXPECT_EQ(view.layer, Layer(3));
  EXPECT_EQ(view.lane, Lane(1));
  EXPECT_EQ(view.step, step);
  ASSERT_EQ(table.size(), plain.size());
  ASSERT_EQ(view.position.size(), plain.size());
  ASSERT_EQ(view.weight_sum.size(), plain.size());
  for (size_t slot = 0; slot < plain.size(); ++slot) {
    ASSERT_EQ(view.position[slot], plain[slot].position);
    ASSERT_EQ(table.rows()[slot], plain[slot].row);
    ASSERT_EQ(view.weight_sum[slot], plain[slot].weight_sum);
    ASSERT_EQ(view.steps(slot), 5001 - plain[slot].position.value);
  }
}

TEST(SlotTable, StartsEmpty) {
  EXPECT_TRUE(SlotTable().empty());
  EXPECT_EQ(SlotTable().size(), 0u);
}

TEST(SlotTable, RowsStayInTimeOrderWithGaps) {
  SlotTable table;
  EXPECT_EQ(table.append(Position(0)), 0u);
  EXPECT_EQ(table.append(Position(4)), 1u);
  EXPECT_EQ(table.append(Position(5)), 2u);
  table.evict(Slot(1));
  EXPECT_EQ(table.append(Position(7)), 3u);
  EXPECT_TRUE(std::ranges::equal(table.rows(), std::vector<uint32_t>{0, 2, 3}));
  EXPECT_EQ(table.rows_end(), 4u);
}

TEST(SlotTable, ClosingGapsCopiesEachRowDownOnce) {
  SlotTable table;
  for (uint32_t position = 0; position < 6; ++position) table.append(Position(position));
  table.evict(Slot(1));
  table.evict(Slot(2));  // positions 0 2 4 5 are left
  std::vector<std::pair<uint32_t, uint32_t>> copies;
  table.close_gaps([&](uint32_t from, uint32_t to) { copies.emplace_back(from, to); });
  EXPECT_EQ(copies, (std::vector<std::pair<uint32_t, uint32_t>>{{2, 1}, {4, 2}, {5, 3}}));
  EXPECT_TRUE(std::ranges::equal(table.rows(), std::vector<uint32_t>{0, 1, 2, 3}));
  EXPECT_EQ(table.append(Position(9)), 4u);
  table.close_gaps([](uint32_t, uint32_t) { FAIL() << "there is no gap"; });
}

TEST(SlotTable, AddsAStepThatSawTheFirstRowsOnly) {
  SlotTable table;
  for (uint32_t position = 0; position < 3; ++position) table.append(Position(position));
  const std::vector weights{0.25f, 0.75f};
  table.add_weights(weights);
  const LaneView view = table.view(Layer(0), Lane(0), Step(1), 2, weights);
  EXPECT_TRUE(std::ranges::equal(view.weight_sum, std::vector{0.25, 0.75}));
  EXPECT_TRUE(std::ranges::equal(view.last_weight, std::vector{0.25f, 0.75f}));
  EXPECT_EQ(view.position.size(), 2u);
  EXPECT_EQ(table.view(Layer(0), Lane(0), Step(2)).weight_sum[2], 0.0);
}

TEST(SlotTable, SumsInDoublePrecision) {
  SlotTable table;
  table.append(Position(0));
  double sum = 0;
  for (int step = 0; step < 1000; ++step) {
    const float weight = 1.0f / static_cast<float>(step + 1);
    table.add_weights(std::vector{weight});
    sum += static_cast<double>(weight);
  }
  EXPECT_EQ(table.view(Layer(0), Lane(0), Step(999)).weight_sum[0], sum);
}

TEST(SlotTable, KeepsNoSumsThatNobodyReads) {
  for (const ScoreUse scores : {ScoreUse::Ignored, ScoreUse::Weights}) {
    SlotTable table(scores);
    for (uint32_t position = 0; position < 3; ++position) table.append(Position(position));
    table.evict(Slot(1));
    const std::vector weights{0.5f, 0.5f};
    const LaneView view = table.view(Layer(0), Lane(0), Step(2), 2, weights);
    EXPECT_TRUE(view.weight_sum.empty());
    EXPECT_TRUE(std::ranges::equal(view.last_weight, weights));
    EXPECT_EQ(view.position.size(), 2u);
  }
}

// The same operations on a plain vector of rows, for thousands of steps with random victims.
TEST(SlotTable, AgreesWithAPlainVectorOfRows) {
  std::mt19937_64 generator(7);
  SlotTable table;
  table.reserve(9);
  std::vector<PlainRow> plain;
  for (uint32_t step = 0; step < 4000; ++step) {
    const uint32_t row = table.append(Position(step));
    ASSERT_EQ(row, plain.empty() ? row : std::max(row, plain.back().row + 1));
    if (step % 10 == 9) {
      table.close_gaps([](uint32_t from, uint32_t to) { ASSERT_LT(to, from); });
      for (size_t slot = 0; slot < plain.size(); ++slot)
        plain[slot].row = static_cast<uint32_t>(slot);
    }
    plain.push_back(
        {Position(step), step % 10 == 9 ? static_cast<uint32_t>(plain.size()) : row, 0});
    std::vector<float> weights(plain.size());
    for (size_t slot = 0; slot < plain.size(); ++slot) {
      weights[slot] = static_cast<float>(generator() % 1000) / 1000.0f;
      plain[slot].weight_sum += static_cast<double>(weights[slot]);
    }
    table.add_weights(weights);
    while (plain.size() > 8 || (!plain.empty() && generator() % 4 == 0)) {
      const size_t victim = generator() % plain.size();
      table.evict(Slot(victim));
      plain.erase(plain.begin() + static_cast<std::ptrdiff_t>(victim));
    }
    expect_equal(table, plain);
  }
}

TEST(SlotTable, AllocatesNothingWithinItsReserve) {
  SlotTable table;
  table.reserve(5);
  const uint32_t* rows = table.rows().data();
  const LaneView before = table.view(Layer(0), Lane(0), Step(0));
  for (uint32_t step = 0; step < 100; ++step) {
    table.append(Position(step));
    if (table.size() == 5) table.evict(Slot(step % 5));
  }
  const LaneView after = table.view(Layer(0), Lane(0), Step(99));
  EXPECT_EQ(table.rows().data(), rows);
  EXPECT_EQ(after.position.data(), before.position.data());
  EXPECT_EQ(after.weight_sum.data(), before.weight_sum.data());
}

}  // namespace
}  // namespace dendrokv
