#include "data/retention.h"

#include <gtest/gtest.h>

#include <cmath>

#include "data/error.h"

namespace dendrokv {
namespace {

struct Case {
  std::vector<int32_t> evict_step, rival;
  std::vector<uint32_t> kept;
  std::vector<uint16_t> kept_levels;
};

// One lane, c = 4, nothing protected, 17 tokens: the worked example of docs/files.md.
const Case kKeepRight = {{4, 8, 5, 12, 6, 9, 7, 16, 10, 13, 11, -1, 14, -1, 15, -1, -1},
                         {1, 3, 3, 7, 5, 7, 7, 11, 9, 11, 11, -1, 13, -1, 15, -1, -1},
                         {11, 13, 15, 16},
                         {3, 1, 1, 0}};
const Case kKeepLeft = {{-1, 4, 8, 5, 12, 6, 9, 7, 16, 10, 13, 11, -1, 14, -1, 15, -1},
                        {-1, 0, 0, 2, 0, 4, 4, 6, 0, 8, 8, 10, -1, 12, -1, 14, -1},
                        {0, 12, 14, 16},
                        {4, 1, 1, 0}};

Retention built(const Case& example) {
  Retention retention(2, 3, 17);
  for (size_t position = 0; position < 17; ++position)
    if (example.evict_step[position] >= 0)
      retention.record(Layer(1), Lane(2),
                       {Position(position), Step(example.evict_step[position]), example.rival[position], 0.25f, 0.5f,
                        Reason::Lost});
  return retention;
}

TEST(Retention, WorkedExamplesGiveKeptSetAndLevels) {
  for (const Case& example : {kKeepRight, kKeepLeft}) {
    const Retention retention = built(example);
    const auto kept = retention.kept_positions(Layer(1), Lane(2), Step(16));
    const auto levels = retention.levels(Layer(1), Lane(2), Step(16));
    ASSERT_EQ(kept.size(), example.kept.size());
    for (size_t i = 0; i < kept.size(); ++i) {
      EXPECT_EQ(kept[i].value, example.kept[i]);
      EXPECT_EQ(levels[kept[i].index()], example.kept_levels[i]);
    }
    EXPECT_EQ(retention.kept_positions(Layer(0), Lane(0), Step(16)).size(), 17u);
  }
}

TEST(Retention, AStepsOwnEvictionComesAfterItsAttention) {
  const Retention retention = built(kKeepRight);
  EXPECT_TRUE(retention.seen_by(Layer(1), Lane(2), Position(0), Step(4)));
  EXPECT_FALSE(retention.kept_after(Layer(1), Lane(2), Position(0), Step(4)));
  EXPECT_TRUE(retention.kept_after(Layer(1), Lane(2), Position(0), Step(3)));
  EXPECT_FALSE(retention.seen_by(Layer(1), Lane(2), Position(5), Step(4)));
  EXPECT_EQ(retention.levels(Layer(1), Lane(2), Step(3))[1], 0);
  EXPECT_EQ(retention.levels(Layer(1), Lane(2), Step(4))[1], 1);
}

TEST(Retention, LanesDoNotMix) {
  const Retention retention = built(kKeepRight);
  EXPECT_EQ(retention.evict_step(Layer(1), Lane(1))[0], -1);
  EXPECT_EQ(retention.evict_step(Layer(1), Lane(2))[0], 4);
  EXPECT_TRUE(std::isnan(retention.score(Layer(0), Lane(2))[0]));
  EXPECT_EQ(retention.score(Layer(1), Lane(2))[0], 0.25f);
  EXPECT_EQ(retention.reason(Layer(1), Lane(2))[11], static_cast<uint8_t>(Reason::Kept));
}

TEST(Retention, ArraysOfAFileAreChecked) {
  const Retention good = built(kKeepRight);
  const auto broken = [&](auto change) {
    Retention::Arrays arrays = good.arrays();
    change(arrays);
    try {
      Retention::from_arrays("runs.h5: /runs/0", 2, 3, 17, std::move(arrays));
    } catch (const Error& error) {
      return std::string(error.what());
    }
    return std::string("accepted");
  };
  const size_t lane = 5 * 17;
  EXPECT_EQ(broken([](auto&) {}), "accepted");
  EXPECT_NE(broken([&](auto& a) { a.evict_step[lane + 0] = -2; }).find("position 0 left at step -2"), std::string::npos);
  EXPECT_NE(broken([&](auto& a) { a.evict_step[lane + 3] = 2; }), "accepted");
  EXPECT_NE(broken([&](auto& a) { a.evict_step[lane + 3] = 17; }), "accepted");
  EXPECT_NE(broken([&](auto& a) { a.rival[lane + 3] = 17; }), "accepted");
  EXPECT_NE(broken([&](auto& a) { a.rival[lane + 3] = 3; }), "accepted");
  EXPECT_NE(broken([&](auto& a) { a.rival[lane + 15] = 3; }), "accepted");
  EXPECT_NE(broken([&](auto& a) { a.evict_step[lane + 1] = 3; }), "accepted");  // leaves before it beats 0 at step 4
  EXPECT_NE(broken([&](auto& a) { a.reason[lane] = 77; }), "accepted");
  EXPECT_NE(broken([&](auto& a) { a.score.pop_back(); }), "accepted");
}

TEST(Retention, APositionLeavesOnce) {
  Retention retention(1, 1, 4);
  retention.record(Layer(0), Lane(0), {Position(1), Step(2)});
  EXPECT_THROW(retention.record(Layer(0), Lane(0), {Position(1), Step(3)}), std::logic_error);
}

}  // namespace
}  // namespace dendrokv
