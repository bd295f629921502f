#include "cache/lane_replay.h"

#include <cmath>
#include <gtest/gtest.h>
#include <limits>

#include "data/error.h"
#include "tests/cache/lane_run.h"

namespace dendrokv::testing {
namespace {

constexpr uint32_t kTokens = 400;
constexpr size_t kHeads = 3;

/// Attention score of a query head at a step, before the softmax. Heads differ in how sharp they
/// are.
double logit(size_t head, Step step, Position position) {
  return static_cast<double>(random_weight(100 + head, 0, step, position)) *
         (2.0 + 4.0 * static_cast<double>(head));
}

/// Softmax over the given rows of one head.
std::vector<double> softmax(size_t head, Step step, std::span<const Position> rows) {
  std::vector<double> weights;
  double sum = 0;
  for (const Position row : rows) sum += weights.emplace_back(std::exp(logit(head, step, row)));
  for (double& weight : weights) weight /= sum;
  return weights;
}

std::vector<Position> all_positions(Step step) {
  std::vector<Position> positions;
  for (Position position; position.value <= step.value; position = position.next())
    positions.push_back(position);
  return positions;
}

/// What a full run records, [head, position 0..step].
Grid<float> recorded(Step step, size_t heads = kHeads) {
  Grid<float> weights(heads, step.index() + 1);
  for (size_t head = 0; head < heads; ++head) {
    const std::vector<double> row = softmax(head, step, all_positions(step));
    std::copy(row.begin(), row.end(), weights.row(head).begin());
  }
  return weights;
}

/// What a closed loop computes: each head's softmax over the rows present, mean over the heads.
std::vector<float> attended(Step step, std::span<const Position> rows) {
  std::vector<double> mean(rows.size());
  for (size_t head = 0; head < kHeads; ++head) {
    const std::vector<double> weights = softmax(head, step, rows);
    for (size_t row = 0; row < rows.size(); ++row) mean[row] += weights[row] / kHeads;
  }
  return {mean.begin(), mean.end()};
}

class LaneReplayOf : public ::testing::TestWithParam<std::string> {};

// A softmax over a subset is the softmax over all, rescaled: with the queries and keys given, open
// loop equals closed loop.
TEST_P(LaneReplayOf, FullAttentionIsTheClosedLoopOfALayerGivenItsInputs) {
  const PolicyChoice choice(GetParam());
  const LaneRun closed = run_lane(choice, kTokens, attended);
  LaneReplay open(choice, Layer(0), Lane(0), kTokens);
  for (Step step; step.value < kTokens; step = step.next()) {
    const auto evictions = open.step(recorded(step).view());
    const auto& wanted = closed.evictions[step.index()];
    ASSERT_EQ(evictions.size(), wanted ? 1u : 0u);
    if (evictions.empty()) continue;
    const Eviction* eviction = evictions.data();
    ASSERT_EQ(eviction->victim, wanted->victim) << "step " << step.value;
    EXPECT_EQ(eviction->step, step);
    EXPECT_EQ(eviction->rival, wanted->rival);
    EXPECT_EQ(eviction->reason, wanted->reason);
    if (std::isnan(wanted->score)) {
      EXPECT_TRUE(std::isnan(eviction->score));
      continue;
    }
    // weights are floats in (0, 1]: a handful of roundings of 6e-8 each, relative
    EXPECT_NEAR(eviction->score, wanted->score, 1e-6f * wanted->score);
    EXPECT_NEAR(eviction->rival_score, wanted->rival_score, 1e-6f * wanted->rival_score);
  }
}

INSTANTIATE_TEST_SUITE_P(Policies, LaneReplayOf,
                         ::testing::Values("full", "sliding:capacity=20", "streaming:budget=20",
                                           "treekv:sinks=4,recent=12,capacity=16",
                                           "treekv:sinks=0,recent=0,capacity=7,cursor=printed",
                                           "treekv:sinks=1,recent=3,capacity=8,score=sum",
                                           "treekv:sinks=1,recent=3,capacity=8,score=last",
                                           "treekv:sinks=0,recent=0,capacity=8,score=keep-left"));

TEST(LaneReplay, AGroupOfEqualHeadsIsThatHead) {
  const PolicyChoice choice("treekv:sinks=1,recent=3,capacity=8");
  LaneReplay one(choice, Layer(0), Lane(0), 100);
  LaneReplay two(choice, Layer(0), Lane(0), 100);
  for (Step step; step.value < 100; step = step.next()) {
    const Grid<float> head = recorded(step, 1);
    // the same row twice: a stride of nothing
    const GridView<const float> twice(head.data(), 2, head.cols(), 0);
    const auto single = one.step(head.view()), pair = two.step(twice);
    ASSERT_EQ(single.size(), pair.size());
    if (single.empty()) continue;
    EXPECT_EQ(single[0].victim, pair[0].victim);
    EXPECT_EQ(single[0].score, pair[0].score);  // halves and their sum are exact
  }
}

TEST(LaneReplay, NeedsNoWeightsWhereNoneMatter) {
  const auto needs = [](const char* spec) {
    return LaneReplay(PolicyChoice(spec), Layer(0), Lane(0), 50).needs_weights();
  };
  EXPECT_FALSE(needs("full"));
  EXPECT_FALSE(needs("streaming:budget=20"));
  EXPECT_FALSE(needs("treekv:budget=20,recent=4,score=keep-left"));
  EXPECT_TRUE(needs("treekv:budget=20,recent=4"));
  EXPECT_TRUE(needs("treekv:budget=49,recent=4"));
  EXPECT_FALSE(needs("treekv:budget=50,recent=4"));
}

TEST(LaneReplay, WithoutNeedTheWeightsMayBeEmpty) {
  LaneReplay lane(PolicyChoice("sliding:capacity=2"), Layer(0), Lane(0), 3);
  EXPECT_TRUE(lane.step({}).empty());
  EXPECT_TRUE(lane.step({}).empty());
  const auto evictions = lane.step({});
  ASSERT_EQ(evictions.size(), 1u);
  EXPECT_EQ(evictions[0].victim, Position(0));
}

// The weights of a head can all be too small for a recording of half precision.
TEST(LaneReplay, AHeadWithoutAnyWeightHasNoSay) {
  LaneReplay lane(PolicyChoice("treekv:sinks=0,recent=0,capacity=2"), Layer(0), Lane(0), 3);
  for (uint32_t step = 0; step < 2; ++step)
    EXPECT_TRUE(lane.step(Grid<float>(2, step + 1, 0.0f).view()).empty());
  Grid<float> weights(2, 3, 0.0f);
  std::ranges::copy(std::vector{0.2f, 0.6f, 0.2f}, weights.row(1).begin());
  const auto evictions = lane.step(weights.view());
  ASSERT_EQ(evictions.size(), 1u);
  EXPECT_EQ(evictions[0].victim, Position(0));
  EXPECT_FLOAT_EQ(evictions[0].score, 0.1f / 3);  // mean over two heads and three steps
  EXPECT_FLOAT_EQ(evictions[0].rival_score, 0.3f / 2);
}

// All that the head looks at has left; what is held has weights whose reciprocal no float holds.
TEST(LaneReplay, WeightsBelowTheLeastNormalFloatAreRescaledToo) {
  LaneReplay lane(PolicyChoice("tova:capacity=4"), Layer(0), Lane(0), 8);
  const auto step = [&](std::vector<float> weights) {
    return lane.step({weights.data(), 1, weights.size()});
  };
  for (size_t rows = 1; rows < 5; ++rows)
    step(std::vector<float>(rows, 1 / static_cast<float>(rows)));
  ASSERT_EQ(step({0, 0.25f, 0.25f, 0.25f, 0.25f}).size(), 1u);
  const auto evictions = step({1, 4e-41f, 1e-41f, 3e-41f, 2e-41f, 5e-41f});
  ASSERT_EQ(evictions.size(), 1u);
  EXPECT_EQ(evictions[0].victim, Position(2));
  EXPECT_EQ(evictions[0].rival, 4);
  EXPECT_NEAR(evictions[0].score, 1.0 / 15, 1e-4);  // such floats have few bits
  EXPECT_NEAR(evictions[0].rival_score, 2.0 / 15, 1e-4);
}

TEST(LaneReplay, AHeldRowWithoutANumberIsAnError) {
  LaneReplay lane(PolicyChoice("treekv:sinks=0,recent=0,capacity=2"), Layer(7), Lane(2), 3);
  lane.step(Grid<float>(1, 1, 1.0f).view());
  Grid<float> weights(1, 2, 0.5f);
  weights(0, 1) = std::numeric_limits<float>::quiet_NaN();
  try {
    lane.step(weights.view());
    FAIL() << "wanted an error";
  } catch (const Error& error) {
    EXPECT_EQ(error.subject(), "attention of layer 7, lane 2, step 1");
  }
}

}  // namespace
}  // namespace dendrokv::testing
