#include "data/lineage.h"

#include <cmath>
#include <gtest/gtest.h>
#include <limits>

namespace dendrokv {
namespace {

constexpr Layer kLayer{0};
constexpr Lane kLane{0};
constexpr float kNone = std::numeric_limits<float>::quiet_NaN();

/// One lane, a tree of 4, nothing protected, 17 tokens, the left of each pair leaves: the worked
/// example of docs/files.md. Position 11 ends at level 3, and stands for all before it.
dendrokv::Run example() {
  const int32_t steps[] = {4, 8, 5, 12, 6, 9, 7, 16, 10, 13, 11, -1, 14, -1, 15, -1, -1};
  const int32_t rivals[] = {1, 3, 3, 7, 5, 7, 7, 11, 9, 11, 11, -1, 13, -1, 15, -1, -1};
  dendrokv::Run run;
  run.policy = "treekv:capacity=4,sinks=0,recent=0,tie=left,scope=2,pick=cursor,prompt=0";
  run.budget = 4;
  run.retention = Retention(1, 1, 17);
  for (size_t position = 0; position < std::size(steps); ++position)
    if (steps[position] >= 0)
      run.retention.record(
          kLayer, kLane,
          {Position(position), Step(steps[position]), rivals[position], 0.25f,
           position == 2 ? 0.25f : 0.5f, position == 2 ? Reason::Tie : Reason::Lost});
  return run;
}

std::string text(const std::vector<Position>& positions) {
  std::string text;
  for (const Position position : positions)
    text += (text.empty() ? "" : " ") + std::to_string(position.value);
  return text;
}

TEST(Lineage, OutlivedAreTheRivalsThatLostToAPosition) {
  const Retention retention = example().retention;
  EXPECT_EQ(text(outlived(retention, kLayer, kLane, Position(11), Step(16))), "10 9 7");
  EXPECT_EQ(text(outlived(retention, kLayer, kLane, Position(11), Step(13))), "10 9");
  EXPECT_EQ(text(outlived(retention, kLayer, kLane, Position(11), Step(10))), "");
}

TEST(Lineage, DescendantsAreAllThatAPositionStandsFor) {
  const Retention retention = example().retention;
  const auto of = [&](uint32_t position, uint32_t step) {
    return text(descendants(retention, kLayer, kLane, Position(position), Step(step)));
  };
  EXPECT_EQ(of(11, 16), "0 1 2 3 4 5 6 7 8 9 10");
  EXPECT_EQ(of(7, 12), "0 1 2 3 4 5 6");
  EXPECT_EQ(of(15, 16), "14");
  EXPECT_EQ(of(16, 16), "");
}

// Every token is kept, or stands under exactly one that is.
TEST(Lineage, TheKeptPositionsShareOutTheText) {
  const Retention retention = example().retention;
  for (Step step(0); step.value < 17; step = step.next()) {
    size_t all = 0;
    for (const Position kept : retention.kept_positions(kLayer, kLane, step))
      all += 1 + descendants(retention, kLayer, kLane, kept, step).size();
    EXPECT_EQ(all, step.index() + 1);
  }
}

TEST(Lineage, WinnersLeadToWhoIsStillThere) {
  const Retention retention = example().retention;
  EXPECT_EQ(text(winners(retention, kLayer, kLane, Position(0), Step(16))), "1 3 7 11");
  EXPECT_EQ(text(winners(retention, kLayer, kLane, Position(0), Step(8))), "1 3");
  EXPECT_EQ(text(winners(retention, kLayer, kLane, Position(0), Step(3))), "");
  EXPECT_EQ(text(winners(retention, kLayer, kLane, Position(16), Step(16))), "");
}

TEST(Lineage, ADepartureTellsTheWholeDuel) {
  const dendrokv::Run run = example();
  const auto left = departure(run, kLayer, kLane, Position(7));
  ASSERT_TRUE(left);
  EXPECT_EQ(left->step, Step(16));
  EXPECT_EQ(left->rule, run.policy);
  EXPECT_EQ(left->rival, Position(11));
  EXPECT_EQ(left->margin, 0.25f);
  EXPECT_EQ(left->reason, Reason::Lost);
  EXPECT_EQ(left->rows, 5u);  // 7 11 13 15 16
  EXPECT_EQ(left->slot, 0u);
  EXPECT_EQ(left->order, 12u);  // of 13
  EXPECT_EQ(left->level, 3u);   // 3, 5 and 6
  EXPECT_EQ(left->unprotected, 10u);
  EXPECT_FALSE(departure(run, kLayer, kLane, Position(11)));
}

TEST(Lineage, ProtectionFollowsFromThePlace) {
  dendrokv::Run run;
  run.sinks = 1;
  run.recent = 2;
  run.budget = 5;
  run.retention = Retention(1, 1, 6);
  run.retention.record(kLayer, kLane, {Position(1), Step(5), -1, kNone, kNone, Reason::Rule});
  EXPECT_EQ(protection(run, kLayer, kLane, Position(0), Step(5)), Protection::Sink);
  EXPECT_EQ(protection(run, kLayer, kLane, Position(2), Step(5)), Protection::None);
  EXPECT_EQ(protection(run, kLayer, kLane, Position(4), Step(5)), Protection::Recent);
  EXPECT_EQ(protection(run, kLayer, kLane, Position(2), Step(3)), Protection::Recent);
  EXPECT_EQ(protection_name(Protection::Sink), "sink");
}

}  // namespace
}  // namespace dendrokv
