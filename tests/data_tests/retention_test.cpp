#include "data/retention.h"

#include <cmath>
#include <gtest/gtest.h>
#include <random>
#include <stdexcept>

#include "data/error.h"

namespace dendrokv {
namespace {

// One lane, c = 4, 17 tokens, nothing protected: the worked examples of docs/files.md.
const std::vector<int32_t> kRightSteps = {4,  8,  5,  12, 6,  9,  7,  16, 10,
                                          13, 11, -1, 14, -1, 15, -1, -1};
const std::vector<int32_t> kRightRivals = {1,  3,  3,  7,  5,  7,  7,  11, 9,
                                           11, 11, -1, 13, -1, 15, -1, -1};
const std::vector<int32_t> kLeftSteps = {-1, 4,  8,  5,  12, 6,  9,  7, 16,
                                         10, 13, 11, -1, 14, -1, 15, -1};
const std::vector<int32_t> kLeftRivals = {-1, 0, 0, 2, 0, 4, 4, 6, 0, 8, 8, 10, -1, 12, -1, 14, -1};
constexpr Layer kLayer{0};
constexpr Lane kLane{0};

Retention::Arrays arrays_of(const std::vector<int32_t>& steps, const std::vector<int32_t>& rivals) {
  Retention::Arrays arrays{steps, rivals, {}, {}, {}};
  arrays.score.assign(steps.size(), 0.25f);
  arrays.rival_score.assign(steps.size(), 0.5f);
  for (const int32_t step : steps)
    arrays.reason.push_back(static_cast<uint8_t>(step < 0 ? Reason::Kept : Reason::Lost));
  return arrays;
}

Retention retention_of(const std::vector<int32_t>& steps, const std::vector<int32_t>& rivals) {
  return Retention::from_arrays("test", 1, 1, static_cast<uint32_t>(steps.size()),
                                arrays_of(steps, rivals));
}

/// "11:3 13:1": kept positions with their levels.
std::string kept_with_levels(const Retention& retention, Step step) {
  std::string text;
  const auto levels = retention.levels(kLayer, kLane, step);
  for (const Position p : retention.kept_positions(kLayer, kLane, step))
    text += (text.empty() ? "" : " ") + std::to_string(p.value) + ":" +
            std::to_string(levels[p.index()]);
  return text;
}

TEST(Retention, WorkedExampleKeepRight) {
  const Retention retention = retention_of(kRightSteps, kRightRivals);
  EXPECT_EQ(kept_with_levels(retention, Step(16)), "11:3 13:1 15:1 16:0");
  EXPECT_EQ(kept_with_levels(retention, Step(3)), "0:0 1:0 2:0 3:0");
  EXPECT_EQ(kept_with_levels(retention, Step(4)), "1:1 2:0 3:0 4:0");
  EXPECT_EQ(kept_with_levels(retention, Step(8)), "3:2 5:1 7:1 8:0");
}

TEST(Retention, WorkedExampleKeepLeft) {
  const Retention retention = retention_of(kLeftSteps, kLeftRivals);
  EXPECT_EQ(kept_with_levels(retention, Step(16)), "0:4 12:1 14:1 16:0");
  EXPECT_EQ(kept_with_levels(retention, Step(4)), "0:1 2:0 3:0 4:0");
}

TEST(Retention, AStepSeesWhatItsOwnEvictionRemoves) {
  const Retention retention = retention_of(kRightSteps, kRightRivals);
  EXPECT_TRUE(retention.seen_by(kLayer, kLane, Position(0), Step(4)));
  EXPECT_FALSE(retention.kept_after(kLayer, kLane, Position(0), Step(4)));
  EXPECT_FALSE(retention.seen_by(kLayer, kLane, Position(0), Step(5)));
  EXPECT_FALSE(retention.seen_by(kLayer, kLane, Position(6), Step(5)));  // not there yet
  EXPECT_TRUE(retention.seen_by(kLayer, kLane, Position(5), Step(5)));
}

TEST(Retention, RecordsBuildTheSameArrays) {
  Retention built(2, 3, 17);
  for (uint32_t p = 0; p < 17; ++p)
    if (kRightSteps[p] >= 0)
      built.record(Layer(1), Lane(2),
                   {Position(p), Step(kRightSteps[p]), kRightRivals[p], 0.1f, 0.2f, Reason::Tie});
  const auto steps = built.evict_step(Layer(1), Lane(2));
  EXPECT_EQ(std::vector(steps.begin(), steps.end()), kRightSteps);
  EXPECT_EQ(built.rival(Layer(1), Lane(2))[0], 1);
  EXPECT_EQ(built.score(Layer(1), Lane(2))[0], 0.1f);
  EXPECT_EQ(built.rival_score(Layer(1), Lane(2))[0], 0.2f);
  EXPECT_EQ(built.reason(Layer(1), Lane(2))[0], static_cast<uint8_t>(Reason::Tie));
  EXPECT_EQ(built.evict_step(Layer(1), Lane(1))[0], -1);  // other lanes are untouched
  EXPECT_TRUE(std::isnan(built.score(Layer(0), Lane(0))[0]));
  EXPECT_EQ(built.arrays().evict_step[5 * 17 + 1], 8);  // [layer, lane, position], the last lane
}

TEST(Retention, AgreesWithAReplayOfTheSetStepByStep) {
  std::mt19937 random(11);
  constexpr uint32_t kTokens = 200;
  Retention retention(1, 1, kTokens);
  std::vector<std::vector<Position>> after(kTokens);
  std::vector<Position> kept;
  for (uint32_t step = 0; step < kTokens; ++step) {
    kept.push_back(Position(step));
    while (kept.size() > 20 + random() % 5) {
      const size_t slot = random() % kept.size();
      retention.record(kLayer, kLane, {kept[slot], Step(step), -1, 0, 0, Reason::Rule});
      kept.erase(kept.begin() + static_cast<std::ptrdiff_t>(slot));
    }
    after[step] = kept;
  }
  for (uint32_t step = 0; step < kTokens; ++step)
    ASSERT_EQ(retention.kept_positions(kLayer, kLane, Step(step)), after[step]) << step;
}

TEST(Retention, APositionLeavesOnce) {
  Retention retention(1, 1, 4);
  retention.record(kLayer, kLane, {Position(0), Step(2), -1, 0, 0, Reason::Rule});
  EXPECT_THROW(retention.record(kLayer, kLane, {Position(0), Step(3), -1, 0, 0, Reason::Rule}),
               std::logic_error);
}

struct Fault {
  const char* says;
  void (*spoil)(Retention::Arrays&);
};

const Fault kFaults[] = {
    {"evict_step has 16 entries", [](auto& a) { a.evict_step.pop_back(); }},
    {"reason has 18 entries", [](auto& a) { a.reason.push_back(0); }},
    {"position 14: evict_step is 13, before", [](auto& a) { a.evict_step[14] = 13; }},
    {"position 9: evict_step is 17", [](auto& a) { a.evict_step[9] = 17; }},
    {"position 9: evict_step is -2", [](auto& a) { a.evict_step[9] = -2; }},
    {"position 0: rival is 17", [](auto& a) { a.rival[0] = 17; }},
    {"position 0: rival is -5", [](auto& a) { a.rival[0] = -5; }},
    {"position 0: rival is 0, the position itself", [](auto& a) { a.rival[0] = 0; }},
    {"position 0: rival is 5, which had not arrived", [](auto& a) { a.rival[0] = 5; }},
    {"position 2: rival is 0, which left at step 4", [](auto& a) { a.rival[2] = 0; }},
    {"position 16: rival is 15 of a position that never left", [](auto& a) { a.rival[16] = 15; }},
    {"position 3: reason is 6", [](auto& a) { a.reason[3] = 6; }},
    {"position 3: reason is 'kept'", [](auto& a) { a.reason[3] = 0; }},
    {"position 16: reason is 'lost'", [](auto& a) { a.reason[16] = 3; }},
    {"chain of rivals comes back",
     [](auto& a) {
       a.evict_step[0] = a.evict_step[1] = 4;
       a.rival[0] = 1;
       a.rival[1] = 0;
     }},
};

TEST(Retention, ArraysFromOutsideAreChecked) {
  for (const Fault& fault : kFaults) {
    Retention::Arrays arrays = arrays_of(kRightSteps, kRightRivals);
    fault.spoil(arrays);
    try {
      Retention::from_arrays("a.h5, /run", 1, 1, 17, std::move(arrays));
      ADD_FAILURE() << "accepted: " << fault.says;
    } catch (const Error& error) {
      const std::string message = error.what();
      EXPECT_NE(message.find(fault.says), std::string::npos) << message;
      EXPECT_EQ(message.rfind("a.h5, /run", 0), 0u) << message;
    }
  }
  EXPECT_THROW(Retention::from_arrays("x", 0xFFFFFFFF, 0xFFFFFFFF, 0xFFFFFFFF, {}), Error);
}

TEST(Retention, NamesFollowTheEnumerations) {
  EXPECT_EQ(reason_names()[static_cast<size_t>(Reason::Kept)], "kept");
  EXPECT_EQ(reason_names()[static_cast<size_t>(Reason::Rule)], "rule");
  EXPECT_EQ(reason_names().size(), 6u);
  EXPECT_EQ(lane_kind_name(LaneKind::PerQueryHead), "query-head");
  EXPECT_EQ(run_mode_name(RunMode::OpenLoop), "open-loop");
}

}  // namespace
}  // namespace dendrokv
