// The ranks are those that the rivals themselves go by: a victim in the record of a rival's own run
// is the first to go by its score.

#include "gui/rival_ranks.h"

#include <algorithm>
#include <cmath>
#include <gtest/gtest.h>

#include "tests/gui/sample_trace.h"
#include "tests/support/files.h"

namespace dendrokv {
namespace {

const std::vector<std::string> kPolicies = {"treekv:capacity=16,sinks=2,recent=6",
                                            "h2o:budget=24,sinks=2,recent=6", "tova:capacity=24",
                                            "streaming:sinks=2,recent=22"};

class RivalRanks : public ::testing::Test {
 protected:
  testing::TemporaryFolder folder;
  std::optional<TraceReader> trace;
  std::optional<Content> content;

  void open(const std::string& policy = {}) {
    testing::SampleOptions options;
    options.tokens = 120;
    options.policy = policy;
    testing::write_sample_trace(folder / "t.h5", options);
    trace.emplace(folder / "t.h5");
    std::vector<std::filesystem::path> runs;
    if (policy.empty()) {
      testing::write_sample_runs(folder / "r.h5", folder / "t.h5", kPolicies);
      runs.push_back(folder / "r.h5");
    }
    content.emplace(load_content(*trace, folder / "t.h5", runs));
  }
  std::shared_ptr<const RankSnapshot> at(size_t run, LaneId lane, Step step) {
    return read_ranks(*trace, content->runs[run], {run, lane, step}, [] { return false; });
  }
  /// body(snapshot, place of the victim, position) for every departure of two lanes.
  template <class Body>
  void for_each_departure(size_t run, const Body& body) {
    int seen = 0;
    const uint32_t last = content->runs[run].retention.lanes() - 1;
    for (const LaneId lane : {LaneId{Layer(0), Lane(last)}, LaneId{Layer(2), Lane(0)}}) {
      const auto left = content->runs[run].retention.evict_step(lane.layer, lane.lane);
      for (size_t p = 0; p < left.size(); ++p) {
        if (left[p] < 0) continue;
        const auto snapshot = at(run, lane, Step(left[p]));
        const auto found = std::ranges::find(snapshot->rows, Position(p));
        if (found == snapshot->rows.end()) continue;  // a newcomer that leaves at once
        body(*snapshot, lane, static_cast<size_t>(found - snapshot->rows.begin()), Position(p));
        ++seen;
      }
    }
    EXPECT_GT(seen, 100) << run;
  }
};

TEST_F(RivalRanks, TheVictimOfARivalIsTheFirstToGoByItsScore) {
  open();
  ASSERT_EQ(content->runs.size(), 5u);
  for_each_departure(2, [](const RankSnapshot& ranks, LaneId, size_t place, Position position) {
    EXPECT_EQ(RankSnapshot::before(ranks.accumulated, place), 0u) << position.value;
  });
  for_each_departure(3, [](const RankSnapshot& ranks, LaneId, size_t place, Position position) {
    EXPECT_EQ(RankSnapshot::before(ranks.last, place), 0u) << position.value;
  });
  for_each_departure(4, [](const RankSnapshot& ranks, LaneId, size_t place, Position position) {
    EXPECT_EQ(place, 0u) << position.value << " of " << ranks.rows.size();
  });
}

TEST_F(RivalRanks, TheMeanIsTheScoreOfTheTreesRecord) {
  open();
  for_each_departure(1, [this](const RankSnapshot& ranks, LaneId lane, size_t place,
                               Position position) {
    const float score = content->runs[1].retention.score(lane.layer, lane.lane)[position.index()];
    if (!std::isnan(score)) {
      EXPECT_NEAR(ranks.mean[place], double{score}, 1e-5 * double{score} + 1e-9);
    }
  });
}

TEST_F(RivalRanks, AClosedLoopIsRankedByWhatItMeasured) {
  open(kPolicies[0]);
  for_each_departure(0, [this](const RankSnapshot& ranks, LaneId lane, size_t place,
                               Position position) {
    const float score = content->runs[0].retention.score(lane.layer, lane.lane)[position.index()];
    // The sample's record comes from an open loop over the same rows.
    if (!std::isnan(score)) {
      EXPECT_NEAR(ranks.mean[place], double{score}, 2e-3 * double{score}) << "binary16 weights";
    }
  });
}

TEST_F(RivalRanks, OnlyWhatTheTraceCanTellIsAskedFor) {
  open();
  Selection now = first_selection(*content);
  now.run = 1;
  now.position = Position(50);
  ASSERT_TRUE(rank_request(*content, now));
  now.position = Position(0);
  EXPECT_FALSE(rank_request(*content, now)) << "a sink";
  now.position = Position(119);
  EXPECT_FALSE(rank_request(*content, now)) << "a recent row";
  now.position = Position(50);
  now.scope = LaneScope::AllMean;
  EXPECT_FALSE(rank_request(*content, now));
  now.scope = LaneScope::One;
  now.run = 0;
  EXPECT_FALSE(rank_request(*content, now)) << "nothing ever leaves";
  now.run = 1;
  content->info.capture.rows = FullRows::Omit;
  EXPECT_FALSE(rank_request(*content, now));
}

TEST_F(RivalRanks, TheCardSaysThem) {
  open();
  Selection now = first_selection(*content);
  now.run = 1;
  const auto left = content->runs[1].retention.evict_step(now.layer, now.lane);
  const auto victim = std::ranges::find_if(left, [](int32_t step) { return step >= 60; });
  now.position = Position(victim - left.begin());
  const auto request = rank_request(*content, now);
  ASSERT_TRUE(request);
  const auto ranks = at(1, request->lane, request->step);
  const Section told = rank_section(*content, *ranks, *now.position);
  EXPECT_EQ(told.title.toStdString(), "How other policies ranked it then");
  ASSERT_EQ(told.entries.size(), 5u);
  EXPECT_TRUE(told.entries[1].value.startsWith(QStringLiteral("would go as ")));
  EXPECT_TRUE(told.entries[4].label.startsWith(QStringLiteral("Open loop")));
  EXPECT_TRUE(rank_section(*content, *ranks, Position(0)).entries.empty());
}

}  // namespace
}  // namespace dendrokv
