#include "cache/replay.h"

#include <algorithm>
#include <bit>
#include <cmath>
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

// --- every policy over a trace

std::vector<PolicyChoice> all_kinds() {
  std::vector<PolicyChoice> choices;
  for (const char* spec : {"treekv:budget=32,recent=12,share=layer",
                           "treekv:budget=32,recent=12,share=query-head",
                           "treekv:budget=32,recent=12,group=max",
                           "treekv:budget=32,recent=12,score=value",
                           "treekv:budget=32,recent=12,prompt=100,block=4",
                           "treekv:budget=32,recent=12,score=random",
                           "h2o:budget=32,recent=12",
                           "h2o-avg:budget=32,recent=12,share=query-head",
                           "tova:capacity=32",
                           "random:budget=32,recent=12",
                           "context-shift:budget=32",
                           "lacache:budget=32",
                           "snapkv:budget=32,recent=8,every=4",
                           "pyramidkv:budget=32,recent=8,every=4",
                           "adakv:budget=32,recent=8,every=4",
                           "geo-topk:budget=32,recent=8,every=4",
                           "norm-sum-blocks:budget=32,sinks=4,recent=8,block=4",
                           "r-kv:budget=32,recent=8,every=4",
                           "knorm:capacity=32,skip=1",
                           "keydiff:capacity=32,every=4",
                           "lagkv:budget=32,recent=8,every=4,lag=4",
                           "oracle:capacity=32"})
    choices.emplace_back(spec);
  return choices;
}

// A map may give the first lane of a share room for the whole text and the next one none.
TEST_F(ReplayTrace, ReadsTheAttentionThatAnyLaneOfABudgetMapNeeds) {
  const TraceReader reader = trace({});
  write_budget_map(folder_ / "map.txt", {2, 4, {1000, 32, 1000, 32, 1000, 32, 1000, 32}});
  const std::string base = "treekv:sinks=4,recent=12,share=query-head,";
  const std::vector<PolicyChoice> choices{
      PolicyChoice(base + "budget-map=" + (folder_ / "map.txt").string()),
      PolicyChoice(base + "budget=32")};
  const auto both = replay_trace(reader, choices, 1, {});
  const auto alone = replay_trace(reader, std::span(choices).first(1), 1, {});
  ASSERT_TRUE(both && alone);
  for (Layer layer; layer.value < 2; layer = layer.next())
    for (const Lane lane : {Lane(1), Lane(3)})
      for (const auto* run : {&(*both)[0], &(*alone)[0]}) {
        const auto found = run->retention.evict_step(layer, lane);
        EXPECT_TRUE(std::ranges::equal(found, (*both)[1].retention.evict_step(layer, lane)))
            << layer.value << " " << lane.value;
      }
}

TEST_F(ReplayTrace, ManyPoliciesTogetherAreEachOfThemAlone) {
  const TraceReader reader = trace({.keys = KeyRows::Record});
  const auto together = replay_trace(reader, all_kinds(), 2, {});
  ASSERT_TRUE(together);
  for (size_t run = 0; run < together->size(); ++run) {
    SCOPED_TRACE(all_kinds()[run].text());
    const std::vector<PolicyChoice> alone{all_kinds()[run]};
    expect_equal((*together)[run].retention, replay_trace(reader, alone, 1, {})->front().retention);
  }
}

TEST_F(ReplayTrace, EveryLaneKindHoldsItsLanes) {
  const TraceReader reader = trace({.keys = KeyRows::Record});
  const auto runs = replay_trace(reader, all_kinds(), 1, {});
  EXPECT_EQ(runs->at(0).retention.lanes(), 1u);
  EXPECT_EQ(runs->at(0).lane_kind, LaneKind::PerLayer);
  EXPECT_EQ(runs->at(1).retention.lanes(), 4u);
  EXPECT_EQ(runs->at(2).retention.lanes(), 2u);
}

/// The mean weights over some heads of the small trace, rescaled to the rows present.
std::vector<double> rescaled_mean(Layer layer, Head first, size_t heads, Step step,
                                  std::span<const Position> rows) {
  const Grid<float> all = small_trace_weights(layer, first, heads, step);
  std::vector<double> mean(rows.size());
  for (size_t head = 0; head < heads; ++head) {
    double sum = 0;
    for (const Position row : rows) sum += all(head, row.index());
    for (size_t slot = 0; slot < rows.size(); ++slot)
      mean[slot] += all(head, rows[slot].index()) / sum / static_cast<double>(heads);
  }
  return mean;
}

/// The position that a slow lane drops at each step after the budget of 32 is full, -1 = none.
std::vector<int32_t> slow_tova(Layer layer, Head first, size_t heads, uint32_t tokens) {
  std::vector<Position> rows;
  std::vector<int32_t> evict_step(tokens, -1);
  for (Step step; step.value < tokens; step = step.next()) {
    rows.emplace_back(step.value);
    if (rows.size() <= 32) continue;
    const std::vector<double> mean = rescaled_mean(layer, first, heads, step, rows);
    const auto lowest = std::ranges::min_element(mean) - mean.begin();
    evict_step[rows[static_cast<size_t>(lowest)].index()] = static_cast<int32_t>(step.value);
    rows.erase(rows.begin() + lowest);
  }
  return evict_step;
}

TEST_F(ReplayTrace, TheHeadsOfALaneAreThoseThatShareIt) {
  const SmallTrace small;
  const TraceReader reader = trace(small);
  const std::vector<PolicyChoice> shares{PolicyChoice("tova:capacity=32"),
                                         PolicyChoice("tova:capacity=32,share=kv-head"),
                                         PolicyChoice("tova:capacity=32,share=query-head")};
  const auto runs = replay_trace(reader, shares, 2, {});
  for (Layer layer; layer.value < 2; layer = layer.next())
    for (const dendrokv::Run& run : *runs) {
      const uint32_t lanes = run.retention.lanes(), heads = 4 / lanes;
      for (Lane lane; lane.value < lanes; lane = lane.next()) {
        const auto found = run.retention.evict_step(layer, lane);
        EXPECT_EQ(std::vector(found.begin(), found.end()),
                  slow_tova(layer, Head(lane.value * heads), heads, small.tokens));
      }
    }
}

TEST_F(ReplayTrace, TheOracleDropsWhatTheFutureAsksForLeast) {
  const SmallTrace small;
  const std::vector<PolicyChoice> choice{PolicyChoice("oracle:capacity=32")};
  const auto runs = replay_trace(trace(small), choice, 1, {});
  std::vector<Position> rows;
  for (Step step; step.value < small.tokens; step = step.next()) {
    rows.emplace_back(step.value);
    if (rows.size() <= 32) continue;
    std::vector<double> future(rows.size());
    for (Step later = step.next(); later.value < small.tokens; later = later.next()) {
      const Grid<float> weights = small_trace_weights(Layer(1), Head(2), 2, later);
      for (size_t slot = 0; slot < rows.size(); ++slot)
        future[slot] += (static_cast<double>(weights(0, rows[slot].index())) +
                         static_cast<double>(weights(1, rows[slot].index()))) /
                        2;
    }
    if (step.value + 1 == small.tokens)
      break;  // nothing is to come: the oldest leaves, by rounding
    const auto least = static_cast<size_t>(std::ranges::min_element(future) - future.begin());
    const auto left = runs->front().retention.evict_step(Layer(1), Lane(1));
    ASSERT_EQ(left[rows[least].index()], static_cast<int32_t>(step.value));
    rows.erase(rows.begin() + static_cast<std::ptrdiff_t>(least));
  }
}

TEST_F(ReplayTrace, KeysAndNormsAreThoseOfTheLane) {
  const SmallTrace small{.keys = KeyRows::Record};
  const std::vector<PolicyChoice> choice{PolicyChoice("knorm:capacity=32,skip=1")};
  const auto runs = replay_trace(trace(small), choice, 1, {});
  EXPECT_EQ(runs->front().retention.kept_positions(Layer(0), Lane(0), Step(149)).size(), 150u);
  // the 32 smallest norms of all, but that one is judged as soon as it comes: the same set
  std::vector<std::pair<double, uint32_t>> norms;
  for (Position position; position.value < small.tokens; position = position.next()) {
    const auto key = small_trace_row(SmallRow::Key, Layer(1), KvHead(1), position);
    norms.emplace_back(std::hypot(key[0], key[1]), small.tokens - position.value);
  }
  std::ranges::sort(norms);
  std::vector<Position> wanted;
  for (size_t at = 0; at < 32; ++at) wanted.emplace_back(small.tokens - norms[at].second);
  std::ranges::sort(wanted);
  EXPECT_EQ(join(runs->front().retention.kept_positions(Layer(1), Lane(1), Step(149))),
            join(wanted));
}

std::string error_of(const TraceReader& reader, const char* spec) {
  try {
    const std::vector<PolicyChoice> choice{PolicyChoice(spec)};
    replay_trace(reader, choice, 1, {});
  } catch (const Error& error) {
    return std::string(error.found()) + ", " + error.wanted() + ", " + error.remedy();
  }
  return "no error";
}

TEST_F(ReplayTrace, RefusesWhatTheTraceDoesNotHold) {
  const TraceReader reader = trace({});
  for (const char* spec : {"knorm", "keydiff", "lagkv", "r-kv", "adakv:base=knorm"})
    EXPECT_EQ(testing::error_of(reader, spec),
              "needs keys, which the trace does not hold, wanted a trace with keys, record it with "
              "--with-keys");
  const TraceReader with_keys = trace({.keys = KeyRows::Record});
  for (const char* spec : {"expected-attention", "quest"})
    EXPECT_EQ(testing::error_of(with_keys, spec),
              "needs queries, which a trace does not hold, wanted a running model, try it with "
              "dendrokv trace --policy");
  EXPECT_EQ(testing::error_of(with_keys, "knorm"), "no error");
}

TEST_F(ReplayTrace, ALadderTooLongForTheCacheIsRefused) {
  EXPECT_EQ(testing::error_of(trace({}), "lacache:capacity=3"),
            "capacity=3 in a model of 2 layers, wanted at least 4: one row per layer and a rung, ");
}

// Pools and shares of a layer: the lanes of adakv hold H times the budget together.
TEST_F(ReplayTrace, AdaKvHoldsTheLayersBudget) {
  const std::vector<PolicyChoice> choice{
      PolicyChoice("adakv:base=h2o,capacity=24,recent=8,every=1,alpha=0.1")};
  const auto runs = replay_trace(trace({}), choice, 1, {});
  const Retention& kept = runs->front().retention;
  bool uneven = false;
  for (Layer layer; layer.value < 2; layer = layer.next())
    for (Step step(63); step.value < 150; step = step.next()) {
      const size_t first = kept.kept_positions(layer, Lane(0), step).size();
      const size_t second = kept.kept_positions(layer, Lane(1), step).size();
      EXPECT_LE(first + second, 64u + 1u);
      EXPECT_GE(std::min(first, second), 8u + 2u);  // recent, and alpha of 24
      uneven = uneven || first != second;
    }
  EXPECT_TRUE(uneven);
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
            "trace: records 1 of 2 layers, wanted all layers, record all layers");
  EXPECT_EQ(error_of({.heads = {Head(0), Head(1), Head(3)}}),
            "trace: records 3 of 4 heads, wanted all heads, record all heads");
  EXPECT_EQ(error_of({.steps = {Step(0), Step(10), Step(149)}}),
            "trace: records 3 of 150 steps, wanted all steps, record all steps");
}

}  // namespace
}  // namespace dendrokv::testing
