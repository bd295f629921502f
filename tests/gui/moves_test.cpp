#include "gui/moves.h"

#include <algorithm>
#include <gtest/gtest.h>

#include "data/lineage.h"
#include "tests/gui/sample_trace.h"
#include "tests/support/files.h"

namespace dendrokv {
namespace {

class Moves : public ::testing::Test {
 protected:
  testing::TemporaryFolder folder;
  Content content = [this] {
    testing::write_sample_trace(folder / "t.h5", {});
    testing::write_sample_runs(folder / "r.h5", folder / "t.h5",
                               {"treekv:capacity=16,sinks=2,recent=6"});
    return load_content(TraceReader(folder / "t.h5"), folder / "t.h5", {folder / "r.h5"});
  }();
  Selection now = [this] {
    Selection start = first_selection(content);
    start.run = 1;
    return start;
  }();
  const Retention& retention() { return content.runs[1].retention; }
};

TEST_F(Moves, LanesAreVisitedInOrderAndNotLeft) {
  now.layer = Layer(0);
  now.lane = Lane(0);
  move_lane(content, now, -1);
  EXPECT_EQ(now.layer, Layer(0));
  move_lane(content, now, 3);
  EXPECT_EQ(now.layer, Layer(1));
  EXPECT_EQ(now.lane, Lane(1));
  move_lane(content, now, 100);
  EXPECT_EQ(now.layer, Layer(2));
  EXPECT_EQ(now.lane, Lane(1));
}

TEST_F(Moves, EvictionsComeOneAfterTheOther) {
  now.step = Step(0);
  std::vector<int32_t> visited, wanted;
  for (const int32_t step : retention().evict_step(now.layer, now.lane))
    if (step >= 0) wanted.push_back(step);
  std::ranges::sort(wanted);
  for (Step before = now.step;; before = now.step) {
    move_to_eviction(content, now, Direction::On);
    if (now.step == before) break;
    visited.push_back(static_cast<int32_t>(now.step.value));
  }
  EXPECT_EQ(visited, wanted);
  move_to_eviction(content, now, Direction::Back);
  EXPECT_EQ(now.step.value, static_cast<uint32_t>(wanted[wanted.size() - 2]));
}

TEST_F(Moves, KinIsThatOfTheRecord) {
  now.position = telling_position(content.runs[1], now.layer, now.lane);
  ASSERT_TRUE(now.position);
  const Position loser = *now.position;
  const auto above = winners(retention(), now.layer, now.lane, loser, now.step);
  ASSERT_FALSE(above.empty());
  move_to_kin(content, now, Direction::On);
  EXPECT_EQ(now.position, above.front());
  move_to_kin(content, now, Direction::Back);
  EXPECT_EQ(now.position,
            outlived(retention(), now.layer, now.lane, above.front(), now.step).back());
}

TEST_F(Moves, FramingShowsTheRangeThenTheWholeText) {
  Kinship kinship;
  now.range = PositionRange{Position(40), Position(55)};
  frame_or_fit(content, kinship, now);
  EXPECT_LE(now.first_visible, Position(40));
  EXPECT_GT(now.first_visible.value + now.visible, 55u);
  EXPECT_LT(now.visible, content.info.tokens);
  frame_or_fit(content, kinship, now);
  EXPECT_EQ(now.visible, content.info.tokens);
}

TEST_F(Moves, ARangeGrowsFromEndToEnd) {
  mark_range(now);
  EXPECT_FALSE(now.range && !now.position);
  now.range.reset();
  now.position = Position(20);
  mark_range(now);
  now.position = Position(12);
  mark_range(now);
  EXPECT_EQ(now.range, (PositionRange{Position(12), Position(20)}));
}

}  // namespace
}  // namespace dendrokv
