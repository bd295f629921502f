#include "gui/token_looks.h"

#include <algorithm>
#include <cmath>
#include <gtest/gtest.h>

#include "gui/text_sizes.h"
#include "tests/gui/made_up_run.h"

namespace dendrokv {
namespace {

/// One lane of 400 tokens, small enough to ask every state of it.
class TokenLooks : public ::testing::Test {
 protected:
  const dendrokv::Run run =
      testing::made_up_run({.layers = 1, .lanes = 1, .tokens = 400, .tree = 24});
  const RunIndex index{run};
  const LaneId lane{Layer(0), Lane(0)};
  const Style style;

  std::vector<TokenState> states_at(Step step) const {
    return token_states(run, lane.layer, lane.lane, step);
  }
  /// Of each `merged` tokens.
  std::vector<TokenLook> looks_at(Step step, size_t merged) const {
    return lane_looks(style, index, lane, {0, 400}, merged, step);
  }
};

TEST_F(TokenLooks, OfALaneAreThoseOfItsStates) {
  const std::vector<TokenState> states = states_at(Step(300));
  const std::vector<TokenLook> looks = looks_at(Step(300), 1);
  ASSERT_EQ(looks.size(), 400u);
  for (size_t p = 0; p < 400; ++p) EXPECT_EQ(looks[p], look_of(style, states[p])) << p;
}

TEST_F(TokenLooks, ACellOfSeveralShowsTheHighestLevel) {
  const std::vector<TokenState> states = states_at(Step(399));
  const std::vector<TokenLook> looks = looks_at(Step(399), 16);
  ASSERT_EQ(looks.size(), 25u);
  for (size_t cell = 0; cell < looks.size(); ++cell) {
    int highest = -1;
    bool sink = false;
    for (size_t p = cell * 16; p < (cell + 1) * 16; ++p) {
      sink |= states[p].place == Place::Sink;
      if (states[p].place == Place::Tree) highest = std::max(highest, int{states[p].level});
    }
    if (sink) {
      EXPECT_EQ(looks[cell].mark, 's');
    } else if (highest >= 0) {
      EXPECT_EQ(looks[cell], look_of(style, {Place::Tree, static_cast<uint16_t>(highest)})) << cell;
    }
  }
}

TEST_F(TokenLooks, SharesGoByTenths) {
  EXPECT_EQ(look_of_share(style, 1.0f).mark, '+');
  EXPECT_EQ(look_of_share(style, 0.35f).mark, '3');
  EXPECT_FALSE(look_of_share(style, 0.0f).ground);
  EXPECT_FALSE(look_of_share(style, std::nanf("")).ground);
}

TEST(TextSizes, TheSmallestShowsEveryToken) {
  for (const uint32_t tokens : {1u, 500u, 40'000u, 1'000'000u, 40'000'000u})
    for (const double pixel : {1.0, 0.5}) {
      const TokenCells cells = token_cells(kTextSizes.back(), {900, 200}, 18, pixel, tokens);
      EXPECT_GE(cells.tokens(), tokens);
      EXPECT_LE(static_cast<double>(cells.columns) * cells.width, 900 - 18 + 1e-9);
      EXPECT_LE(static_cast<double>(cells.rows) * cells.height, 200 + 1e-9);
      EXPECT_TRUE(cells.merged == 1 || cells.width == pixel) << tokens;
    }
}

}  // namespace
}  // namespace dendrokv
