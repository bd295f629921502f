#include "cache/replay.h"

#include <algorithm>
#include <bit>
#include <gtest/gtest.h>

#include "data/error.h"
#include "tests/cache/lane_run.h"
#include "tests/cache/small_trace.h"
#include "tests/support/files.h"

namespace dendrokv::testing {
namespace {

std::vector<PolicyChoice> choices() {
  std::vector<PolicyChoice> choices;
  for (const char* spec :
       {"treekv:budget=32,sinks=4,recent=12", "full", "streaming:budget=32", "sliding:capacity=32",
        "treekv:budget=40,sinks=0,recent=0,score=keep-left", "treekv:budget=1000"})
    choices.emplace_back(spec);
  return choices;
}

/// Equal in every bit: a NaN is a NaN.
void expect_equal(const Retention& one, const Retention& other) {
  const auto bits = [](const std::vector<float>& numbers) {
    std::vector<uint32_t> patterns;
    for (const float number : numbers) patterns.push_back(std::bit_cast<uint32_t>(number));
    return patterns;
  };
  EXPECT_EQ(one.arrays().evict_step, other.arrays().evict_step);
  EXPECT_EQ(one.arrays().rival, other.arrays().rival);
  EXPECT_EQ(one.arrays().reason, other.arrays().reason);
  EXPECT_EQ(bits(one.arrays().score), bits(other.arrays().score));
  EXPECT_EQ(bits(one.arrays().rival_score), bits(other.arrays().rival_score));
}

/// Every lane by replay_lane() from the weights that the trace was made of.
Retention lane_by_lane(const PolicyChoice& choice, uint32_t tokens) {
  Retention retention(2, 2, tokens);
  for (Layer layer; layer.value < 2; layer = layer.next())
    for (Lane lane; lane.value < 2; lane = lane.next()) {
      Grid<float> weights;
      replay_lane(
          choice, layer, lane,
          [&](Step step) {
            weights = small_trace_weights(layer, Head(2 * lane.value), 2, step);
            return GridView<const float>(weights.view());
          },
          retention);
    }
  return retention;
}

class ReplayTrace : public ::testing::Test {
 protected:
  TraceReader trace(const SmallTrace& small) {
    small.write(folder_ / "small.h5");
    return TraceReader(folder_ / "small.h5");
  }
  std::string error_of(const SmallTrace& small) {
    try {
      replay_trace(trace(small), choices(), 1, {});
    } catch (const Error& error) {
      return error.what();
    }
    return "no error";
  }
  TemporaryFolder folder_;
};

TEST(ReplayLane, RecordsWhatTheLaneEvicts) {
  const PolicyChoice choice("treekv:sinks=0,recent=0,capacity=4");
  Retention retention(3, 2, 12);
  // one head, attention as in the worked example: its attractions over all tokens, which replay
  // restricts and rescales
  const RowWeights row = attraction({5, 1, 3, 2, 4, 1, 2, 6, 1, 3, 2, 5});
  std::vector<float> weights;
  replay_lane(
      choice, Layer(2), Lane(1),
      [&](Step step) {
        std::vector<Position> all;
        for (uint32_t position = 0; position <= step.value; ++position)
          all.push_back(Position(position));
        weights = row(step, all);
        return GridView<const float>(weights.data(), 1, weights.size());
      },
      retention);
  EXPECT_EQ(join(retention.kept_positions(Layer(2), Lane(1), Step(7))), "0 2 4 7");
  EXPECT_EQ(join(retention.kept_positions(Layer(2), Lane(1), Step(11))), "0 7 9 11");
  EXPECT_EQ(retention.levels(Layer(2), Lane(1), Step(11))[7], 2);
  EXPECT_NEAR(retention.score(Layer(2), Lane(1))[10], 0.106443, 5.1e-7);  // six decimals printed
  EXPECT_EQ(retention.kept_positions(Layer(1), Lane(1), Step(11)).size(), 12u);
}

TEST_F(ReplayTrace, IsReplayLaneForEveryLaneWhateverTheThreads) {
  const SmallTrace small;
  const TraceReader reader = trace(small);
  for (const unsigned threads : {1u, 2u, 7u}) {
    const auto runs = replay_trace(reader, choices(), threads, {});
    ASSERT_TRUE(runs);
    ASSERT_EQ(runs->size(), choices().size());
    for (size_t run = 0; run < runs->size(); ++run)
      expect_equal((*runs)[run].retention, lane_by_lane(choices()[run], small.tokens));
  }
}

TEST_F(ReplayTrace, ARunSaysWhatItIs) {
  const TraceReader reader = trace({});
  const auto runs = replay_trace(reader, choices(), 1, {});
  const dendrokv::Run& tree = runs->front();
  EXPECT_EQ(tree.policy, PolicyChoice("treekv:budget=32,recent=12").text());
  EXPECT_EQ(tree.mode, RunMode::OpenLoop);
  EXPECT_EQ(tree.trace_uuid, reader.info().uuid);
  EXPECT_EQ(tree.lane_kind, LaneKind::PerKvHead);
  EXPECT_EQ(tree.sinks, 4u);
  EXPECT_EQ(tree.recent, 12u);
  EXPECT_EQ(tree.budget, 32u);
  EXPECT_EQ(tree.positions, "rank");
  EXPECT_EQ(runs->at(1).policy, "full");
  EXPECT_EQ(runs->at(1).budget, 0u);
  EXPECT_EQ(runs->at(3).positions, "original");
}

TEST_F(ReplayTrace, ProgressCountsLanesTimesStepsAndMayStop) {
  const TraceReader reader = trace({});
  uint64_t last = 0;
  const auto watch = [&](uint64_t done, uint64_t total) {
    EXPECT_GT(done, last);
    EXPECT_EQ(total, 4u * 150u);
    last = done;
    return Continue::Yes;
  };
  EXPECT_TRUE(replay_trace(reader, choices(), 1, watch));
  EXPECT_EQ(last, 4u * 150u);
  const auto stop = [](uint64_t, uint64_t) { return Continue::Stop; };
  EXPECT_FALSE(replay_trace(reader, choices(), 1, stop));
}

TEST_F(ReplayTrace, AnExceptionOfTheWatcherComesThrough) {
  const TraceReader reader = trace({});
  const auto throws = [](uint64_t, uint64_t) -> Continue { fail("watcher", "had enough"); };
  EXPECT_THROW(replay_trace(reader, choices(), 2, throws), Error);
}

TEST_F(ReplayTrace, RefusesATraceOfAnEvictingPolicy) {
  EXPECT_EQ(error_of({.policy = "streaming:sinks=4,recent=60,positions=rank"}),
            "trace: recorded under policy 'streaming:sinks=4,recent=60,positions=rank', which "
            "evicts, wanted attention over all tokens, record it with --policy full");
}

TEST_F(ReplayTrace, TakesATraceWhosePolicyNeverHadToEvict) {
  EXPECT_EQ(error_of({.policy = "streaming:sinks=4,recent=146,positions=rank"}), "no error");
}

TEST_F(ReplayTrace, RefusesATraceThatRecordedAPart) {
  EXPECT_EQ(error_of({.layers = {Layer(1)}}),
            "trace: records 1 of 2 layers, replay wants all layers, record all layers");
  EXPECT_EQ(error_of({.heads = {Head(0), Head(1), Head(3)}}),
            "trace: records 3 of 4 heads, replay wants all heads, record all heads");
  EXPECT_EQ(error_of({.steps = {Step(0), Step(10), Step(149)}}),
            "trace: records 3 of 150 steps, replay wants all steps, record all steps");
}

}  // namespace
}  // namespace dendrokv::testing
