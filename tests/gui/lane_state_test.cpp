#include "gui/lane_state.h"

#include <cmath>
#include <gtest/gtest.h>
#include <map>
#include <set>

#include "gui/content.h"
#include "tests/gui/sample_trace.h"
#include "tests/support/files.h"

namespace dendrokv {
namespace {

/// A cache played step by step from the event log: a set of positions, and wins counted as they
/// happen.
class Simulator {
 public:
  Simulator(const dendrokv::Run& run, Layer layer, Lane lane)
      : run_(run), layer_(layer), lane_(lane) {}

  void advance() {
    kept_.insert(static_cast<int32_t>(step_));
    const auto evicted = run_.retention.evict_step(layer_, lane_);
    for (size_t p = 0; p <= step_; ++p)
      if (evicted[p] == static_cast<int32_t>(step_)) {
        kept_.erase(static_cast<int32_t>(p));
        const int32_t rival = run_.retention.rival(layer_, lane_)[p];
        if (rival >= 0) ++wins_[rival];
      }
    ++step_;
  }

  TokenState state(uint32_t position) {
    const auto p = static_cast<int32_t>(position);
    const uint32_t now = step_ - 1;
    const auto level = static_cast<uint16_t>(wins_[p]);
    if (position > now) return {Place::NotYet, 0};
    if (!kept_.contains(p)) return {Place::Evicted, level};
    if (position < run_.sinks) return {Place::Sink, level};
    if (now - position < run_.recent) return {Place::Recent, level};
    return {Place::Tree, level};
  }
  size_t kept() const { return kept_.size(); }

 private:
  const dendrokv::Run& run_;
  Layer layer_;
  Lane lane_;
  uint32_t step_ = 0;
  std::set<int32_t> kept_;
  std::map<int32_t, int> wins_;
};

class LaneStateTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    folder = new testing::TemporaryFolder;
    testing::write_sample_trace(*folder / "t.h5", {});
    testing::write_sample_runs(*folder / "r.h5", *folder / "t.h5",
                               {"treekv:capacity=16,sinks=2,recent=6",
                                "treekv:capacity=12,sinks=0,recent=0,cursor=printed",
                                "streaming:sinks=4,recent=20", "sliding:capacity=10", "full"});
    const TraceReader reader(*folder / "t.h5");
    content = new Content(load_content(reader, *folder / "t.h5", {*folder / "r.h5"}));
  }
  static void TearDownTestSuite() {
    delete content;
    delete folder;
  }
  static testing::TemporaryFolder* folder;
  static Content* content;
};
testing::TemporaryFolder* LaneStateTest::folder = nullptr;
Content* LaneStateTest::content = nullptr;

TEST_F(LaneStateTest, EveryStepOfEveryLaneEqualsTheSimulator) {
  ASSERT_EQ(content->runs.size(), 6u);
  size_t evictions = 0;
  for (const dendrokv::Run& run : content->runs)
    for (const LaneId& id : all_lanes(run)) {
      Simulator simulator(run, id.layer, id.lane);
      for (uint32_t step = 0; step < content->info.tokens; ++step) {
        simulator.advance();
        const std::vector<TokenState> states = token_states(run, id.layer, id.lane, Step(step));
        for (uint32_t p = 0; p < content->info.tokens; ++p) {
          // The level of a token that was not read yet is not shown anywhere.
          const TokenState wanted = simulator.state(p);
          ASSERT_EQ(states[p].place, wanted.place) << run.policy << " step " << step << " at " << p;
          if (wanted.place != Place::NotYet) {
            ASSERT_EQ(states[p].level, wanted.level)
                << run.policy << " step " << step << " at " << p;
          }
        }
        const Census counts = census(states);
        ASSERT_EQ(counts.kept(), simulator.kept());
        ASSERT_EQ(counts.kept() + counts.evicted, step + 1);
        ASSERT_EQ(counts.not_yet, content->info.tokens - step - 1);
        evictions = std::max<size_t>(evictions, counts.evicted);
      }
    }
  EXPECT_GT(evictions, 50u) << "the sample must evict";
}

TEST_F(LaneStateTest, TheBudgetHoldsAtEveryStep) {
  for (const dendrokv::Run& run : content->runs) {
    if (run.budget == 0) continue;
    for (const LaneId& id : all_lanes(run))
      for (uint32_t step = 0; step < content->info.tokens; ++step)
        ASSERT_LE(census(token_states(run, id.layer, id.lane, Step(step))).kept(), run.budget)
            << run.policy;
  }
}

TEST_F(LaneStateTest, TheTreeOfTheSampleHasLevels) {
  const std::vector<TokenState> states =
      token_states(content->runs[1], Layer(0), Lane(0), content->last_step());
  const Census counts = census(states);
  EXPECT_EQ(counts.sinks, 2u);
  EXPECT_EQ(counts.recent, 6u);
  EXPECT_GE(counts.level.size(), 3u);
}

TEST_F(LaneStateTest, FractionsCountLanes) {
  const dendrokv::Run& run = content->runs[1];
  for (const uint32_t step : {0u, 30u, 95u}) {
    const std::vector<LaneId> lanes = all_lanes(run);
    ASSERT_EQ(lanes.size(), 6u);
    const std::vector<float> fraction = kept_fraction(run, lanes, Step(step));
    for (uint32_t p = 0; p < content->info.tokens; ++p) {
      if (p > step) {
        EXPECT_TRUE(std::isnan(fraction[p]));
        continue;
      }
      uint32_t kept = 0;
      for (const LaneId& id : lanes)
        kept += run.retention.kept_after(id.layer, id.lane, Position(p), Step(step));
      EXPECT_EQ(fraction[p], static_cast<float>(kept) / 6.0f);
      EXPECT_EQ(lanes_that_keep(run, Position(p), Step(step)), kept);
    }
  }
}

TEST_F(LaneStateTest, LanesOfALayer) {
  const std::vector<LaneId> wanted = {{Layer(2), Lane(0)}, {Layer(2), Lane(1)}};
  EXPECT_EQ(lanes_of_layer(content->runs[1], Layer(2)), wanted);
}

TEST(PlaceMark, IsOneCharacterForEachKindOfKeptToken) {
  EXPECT_EQ(place_mark({Place::NotYet, 0}), ' ');
  EXPECT_EQ(place_mark({Place::Evicted, 3}), ' ');
  EXPECT_EQ(place_mark({Place::Sink, 0}), 's');
  EXPECT_EQ(place_mark({Place::Recent, 0}), 'r');
  EXPECT_EQ(place_mark({Place::Tree, 0}), '0');
  EXPECT_EQ(place_mark({Place::Tree, 9}), '9');
  EXPECT_EQ(place_mark({Place::Tree, 10}), '+');
}

}  // namespace
}  // namespace dendrokv
