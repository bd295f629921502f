#include "cache/retention_statistics.h"

#include <cmath>
#include <gtest/gtest.h>
#include <limits>

#include "cache/replay.h"
#include "data/error.h"
#include "tests/cache/lane_run.h"
#include "tests/cache/small_trace.h"
#include "tests/support/files.h"

namespace dendrokv::testing {
namespace {

Eviction leaves(uint32_t victim, uint32_t step) {
  Eviction eviction;
  eviction.victim = Position(victim);
  eviction.step = Step(step);
  return eviction;
}

/// 1 layer, 2 lanes, 6 tokens, one sink, budget of 3: lane 0 ends with 0 4 5, lane 1 with 0 1 5.
dendrokv::Run small_run() {
  dendrokv::Run run;
  run.sinks = 1;
  run.recent = 1;
  run.budget = 3;
  run.retention = Retention(1, 2, 6);
  for (const auto& [victim, step] : {std::pair{1, 3}, {2, 4}, {3, 5}})
    run.retention.record(Layer(0), Lane(0), leaves(victim, step));
  for (const auto& [victim, step] : {std::pair{2, 3}, {3, 4}, {4, 5}})
    run.retention.record(Layer(0), Lane(1), leaves(victim, step));
  return run;
}

/// A run of several lanes by replay on random weights.
dendrokv::Run replayed(const std::string& spec, uint32_t layers, uint32_t tokens) {
  const PolicyChoice choice(spec);
  dendrokv::Run run;
  run.sinks = choice.shape().sinks;
  run.recent = choice.shape().recent;
  run.budget = choice.shape().budget;
  run.retention = Retention(layers, 1, tokens);
  for (Layer layer; layer.value < layers; layer = layer.next()) {
    Grid<float> weights;
    replay_lane(
        choice, layer, Lane(0),
        [&](Step step) {
          weights = small_trace_weights(layer, Head(0), 1, step);
          return GridView<const float>(weights.view());
        },
        run.retention);
  }
  return run;
}

TEST(RowsHeld, CountsRowsPerLane) {
  dendrokv::Run run = small_run();
  EXPECT_EQ(rows_held(run, Step(2)).mean, 3.0);
  EXPECT_EQ(rows_held(run, Step(5)).fewest, 3u);
  EXPECT_EQ(rows_held(run, Step(5)).most, 3u);
  run.retention.record(Layer(0), Lane(0), leaves(4, 5));
  EXPECT_EQ(rows_held(run, Step(5)).mean, 2.5);
  EXPECT_EQ(rows_held(run, Step(5)).fewest, 2u);
  EXPECT_EQ(rows_held(run, Step(5)).most, 3u);
}

TEST(Reach, LeavesTheSinksOut) {
  const dendrokv::Run run = small_run();
  EXPECT_EQ(oldest_kept(run, Layer(0), Lane(0), Step(5)), Position(4));
  EXPECT_EQ(oldest_kept(run, Layer(0), Lane(1), Step(5)), Position(1));
  EXPECT_EQ(reach(run, Step(5)).oldest_kept, Position(1));
  EXPECT_EQ(reach(run, Step(5)).mean_age, (1 + 0 + 4 + 0) / 4.0);
}

TEST(Reach, IsNothingWhileThereAreOnlySinks) {
  const dendrokv::Run run = small_run();
  EXPECT_EQ(oldest_kept(run, Layer(0), Lane(0), Step(0)), std::nullopt);
  EXPECT_EQ(reach(run, Step(0)).oldest_kept, std::nullopt);
  EXPECT_TRUE(std::isnan(reach(run, Step(0)).mean_age));
}

TEST(DensityByDistance, BinsAreWholeDistancesThatMeetOnALogAxis) {
  const std::vector<DistanceBin> bins = density_by_distance(small_run(), Step(5), 1);
  ASSERT_EQ(bins.size(), 3u);
  EXPECT_EQ(bins[0].first, 1u);
  EXPECT_EQ(bins[0].last, 1u);
  EXPECT_EQ(bins[1].first, 2u);
  EXPECT_EQ(bins[1].last, 3u);
  EXPECT_EQ(bins[2].first, 4u);
  EXPECT_EQ(bins[2].last, 5u);  // the sink, distance 6, is left out
  EXPECT_EQ(bins[0].kept, 1.0);
  EXPECT_EQ(bins[1].kept, 1 / 4.0);  // position 4 in one of two lanes, position 3 in none
  EXPECT_EQ(bins[2].kept, 1 / 4.0);
}

TEST(DensityByDistance, FourBinsPerOctaveSkipThoseWithoutAWholeDistance) {
  const std::vector<DistanceBin> bins = density_by_distance(replayed("full", 1, 70), Step(69));
  std::vector<uint32_t> firsts;
  for (const DistanceBin& bin : bins) firsts.push_back(bin.first);
  // ceil(2^(k/4)), each once
  EXPECT_EQ(firsts, (std::vector<uint32_t>{1,  2,  3,  4,  5,  6,  7,  8,  10, 12,
                                           14, 16, 20, 23, 27, 32, 39, 46, 54, 64}));
  EXPECT_EQ(bins.back().last, 70u);
  for (const DistanceBin& bin : bins) {
    EXPECT_EQ(bin.kept, 1.0);
    EXPECT_EQ(bin.law, 1.0);
  }
}

TEST(DensityByDistance, IsEmptyWhileThereAreOnlySinks) {
  EXPECT_TRUE(density_by_distance(small_run(), Step(0)).empty());
}

TEST(DensityByDistance, AgreesWithACountOverLanes) {
  const dendrokv::Run run = replayed("treekv:sinks=2,recent=6,capacity=16", 3, 200);
  for (const Step step : {Step(5), Step(40), Step(199)}) {
    double rows = 0;
    for (const DistanceBin& bin : density_by_distance(run, step, 3)) {
      double kept = 0;
      for (uint32_t distance = bin.first; distance <= bin.last; ++distance)
        for (Layer layer; layer.value < 3; layer = layer.next())
          kept +=
              run.retention.kept_after(layer, Lane(0), Position(step.value + 1 - distance), step);
      const double width = bin.last - bin.first + 1;
      EXPECT_NEAR(bin.kept, kept / (3 * width), 1e-12);  // the order of the sum differs
      rows += bin.kept * width;
    }
    EXPECT_NEAR(rows, rows_held(run, step).mean - 2, 1e-9);  // all rows but the sinks
  }
}

// c a power of two, at a pass end: each generation holds what the law says, whoever won.
TEST(TreeLaw, IsExactAtPassEnds) {
  constexpr uint32_t kCapacity = 16, kRecent = 5, kSinks = 2, kPasses = 7;
  const uint32_t tokens = kSinks + kRecent + kCapacity * (1 + kPasses);
  const dendrokv::Run run = replayed("treekv:sinks=2,recent=5,capacity=16", 1, tokens);
  const Step last(tokens - 1);
  for (uint32_t generation = 1; generation <= 4; ++generation) {
    double kept = 0, law = 0;
    for (uint32_t token = 0; token < kCapacity; ++token) {
      const uint32_t distance = kRecent + (generation - 1) * kCapacity + token + 1;
      kept += run.retention.kept_after(Layer(0), Lane(0), Position(tokens - distance), last);
      law += tree_law(run, last, distance);
    }
    EXPECT_EQ(kept, kCapacity >> generation);
    EXPECT_EQ(law, kept);
  }
}

TEST(TreeLaw, ProtectedRowsAreAllThereAndStreamingHoldsNothingElse) {
  const dendrokv::Run tree = replayed("treekv:sinks=2,recent=5,capacity=4", 1, 40);
  EXPECT_EQ(tree_law(tree, Step(39), 5), 1.0);
  EXPECT_EQ(tree_law(tree, Step(39), 6), 0.5);
  EXPECT_EQ(tree_law(tree, Step(39), 9), 0.5);
  EXPECT_EQ(tree_law(tree, Step(39), 10), 0.25);
  EXPECT_EQ(tree_law(tree, Step(10), 9), 1.0);  // 11 tokens fill the budget of 11
  const dendrokv::Run streaming = replayed("streaming:sinks=2,recent=5", 1, 40);
  EXPECT_EQ(tree_law(streaming, Step(39), 5), 1.0);
  EXPECT_EQ(tree_law(streaming, Step(39), 6), 0.0);
  for (const DistanceBin& bin : density_by_distance(streaming, Step(39), 4))
    EXPECT_EQ(bin.kept, bin.law);
}

TEST(TreeLaw, OfLanesWithTheirOwnRowsIsTheMean) {
  dendrokv::Run run;
  run.sinks = 1;
  run.recent = 3;
  run.budget = 12;
  run.lane_budget = BudgetMap{1, 2, {8, 12}};  // trees of 4 and 8
  EXPECT_EQ(tree_law(run, Step(39), 3), 1.0);
  EXPECT_EQ(tree_law(run, Step(39), 7), 0.5);
  EXPECT_EQ(tree_law(run, Step(39), 8), (0.25 + 0.5) / 2);
  EXPECT_EQ(tree_law(run, Step(10), 7), (0.5 + 1) / 2);  // the larger lane is not full yet
  run.recent = 11;                                       // of StreamingLLM the map says it
  EXPECT_EQ(tree_law(run, Step(39), 7), 1.0);
  EXPECT_EQ(tree_law(run, Step(39), 8), 0.5);
  EXPECT_EQ(tree_law(run, Step(39), 12), 0.0);
}

TEST(RetainedMass, CountsTheRowsThatTheQuerySaw) {
  const dendrokv::Run run = small_run();
  Grid<float> weights(2, 6);  // [head, position]
  std::ranges::copy(std::vector{0.5f, 0.125f, 0.0f, 0.125f, 0.0f, 0.25f}, weights.row(0).begin());
  std::ranges::copy(std::vector{0.0f, 0.5f, 0.25f, 0.0f, 0.25f, 0.0f}, weights.row(1).begin());
  // step 5 saw 0 3 4 5 in lane 0 (3 left after it) and 0 1 4 5 in lane 1
  EXPECT_EQ(retained_mass(run, Layer(0), Lane(0), Step(5), weights.view()), (0.875 + 0.25) / 2);
  EXPECT_EQ(retained_mass(run, Layer(0), Lane(1), Step(5), weights.view()), (0.875 + 0.75) / 2);
  weights(0, 2) = std::numeric_limits<float>::quiet_NaN();
  EXPECT_TRUE(std::isnan(retained_mass(run, Layer(0), Lane(0), Step(5), weights.view())));
}

TEST(RetainedMass, OfATraceIsThatOfItsLanes) {
  const TemporaryFolder folder;
  SmallTrace{}.write(folder / "small.h5");
  const TraceReader trace(folder / "small.h5");
  const std::vector<PolicyChoice> choices{PolicyChoice("full"), PolicyChoice("sliding:capacity=9")};
  const auto runs = replay_trace(trace, choices, 1, {});
  const Step last(149);
  const Grid<float> full = retained_mass(trace, runs->at(0), last);
  const Grid<float> sliding = retained_mass(trace, runs->at(1), last);
  ASSERT_EQ(full.rows(), 2u);
  ASSERT_EQ(full.cols(), 2u);
  for (Layer layer; layer.value < 2; layer = layer.next())
    for (Lane lane; lane.value < 2; lane = lane.next()) {
      EXPECT_EQ(full(layer.index(), lane.index()), 1.0f);
      const Grid<float> weights = small_trace_weights(layer, Head(2 * lane.value), 2, last);
      double wanted = 0;
      for (size_t head = 0; head < 2; ++head)
        for (size_t position = 140; position < 150; ++position)  // the window and the row itself
          wanted += static_cast<double>(weights(head, position)) / 2;
      EXPECT_NEAR(sliding(layer.index(), lane.index()), wanted, 1e-6);  // weights sum to 1 +- 1e-7
    }
}

TEST(RetainedMass, IsUnknownWhereNothingWasRecorded) {
  const TemporaryFolder folder;
  SmallTrace{.layers = {Layer(1)}, .heads = {Head(1)}, .steps = {Step(20)}}.write(folder /
                                                                                  "part.h5");
  const TraceReader trace(folder / "part.h5");
  dendrokv::Run run;
  run.retention = Retention(2, 2, 150);
  const Grid<float> mass = retained_mass(trace, run, Step(20));
  EXPECT_EQ(mass(1, 0), 1.0f);
  EXPECT_TRUE(std::isnan(mass(1, 1)) && std::isnan(mass(0, 0)) && std::isnan(mass(0, 1)));
  EXPECT_THROW(retained_mass(trace, run, Step(21)), Error);
  run.trace_uuid = "of another trace";
  EXPECT_THROW(retained_mass(trace, run, Step(20)), Error);
  run.trace_uuid = {};
  run.retention = Retention(2, 2, 149);
  EXPECT_THROW(retained_mass(trace, run, Step(20)), Error);
}

TEST(RetainedMass, OfLanesThatAreLayersOrQueryHeads) {
  const TemporaryFolder folder;
  const SmallTrace small;
  small.write(folder / "small.h5");
  const TraceReader trace(folder / "small.h5");
  const std::vector<PolicyChoice> choices{PolicyChoice("tova:capacity=20"),
                                          PolicyChoice("tova:capacity=20,share=query-head")};
  const auto runs = *replay_trace(trace, choices, 1, {});
  const Step step(small.tokens - 1);
  const Grid<float> layers = retained_mass(trace, runs[0], step);
  const Grid<float> heads = retained_mass(trace, runs[1], step);
  ASSERT_EQ(layers.cols(), 1u);
  ASSERT_EQ(heads.cols(), 4u);
  EXPECT_EQ(layers(1, 0), static_cast<float>(retained_mass(
                              runs[0], Layer(1), Lane(0), step,
                              small_trace_weights(Layer(1), Head(0), 4, step).view())));
  EXPECT_EQ(heads(1, 3), static_cast<float>(retained_mass(
                             runs[1], Layer(1), Lane(3), step,
                             small_trace_weights(Layer(1), Head(3), 1, step).view())));
}

}  // namespace
}  // namespace dendrokv::testing
