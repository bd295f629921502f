#include "gui/selection.h"

#include <gtest/gtest.h>

namespace dendrokv {
namespace {

/// Two runs over 3 layers and 100 tokens: the first of 2 lanes keeps all, the second of 4 lanes
/// drops.
Content two_runs() {
  Content content;
  content.info.tokens = 100;
  content.info.model.layers = 3;
  for (const uint32_t layer : {0u, 1u, 2u}) content.info.layers.emplace_back(layer);
  for (const uint32_t lanes : {2u, 4u}) {
    dendrokv::Run run;
    run.retention = Retention(3, lanes, 100);
    content.runs.push_back(run);
  }
  content.runs[1].retention.record(Layer(1), Lane(2),
                                   {Position(7), Step(30), 8, 0.1f, 0.2f, Reason::Lost});
  return content;
}

struct Changes {
  std::vector<std::pair<Selection, Selection>> all;
  explicit Changes(SelectionModel& model) {
    QObject::connect(
        &model, &SelectionModel::changed,
        [this](const Selection& now, const Selection& before) { all.emplace_back(now, before); });
  }
};

class SelectionModelTest : public ::testing::Test {
 protected:
  Content content = two_runs();
  SelectionModel model;
  void SetUp() override { model.reset(content, first_selection(content)); }
};

TEST(FirstSelection, IsTheRunThatDropsTheMiddleLaneAndTheLastStep) {
  const Selection start = first_selection(two_runs());
  EXPECT_EQ(start.run, 1u);
  EXPECT_EQ(start.scope, LaneScope::One);
  EXPECT_EQ(start.layer, Layer(1));
  EXPECT_EQ(start.lane, Lane(2));
  EXPECT_EQ(start.step, Step(99));
  EXPECT_EQ(start.position, Position(7));
  EXPECT_EQ(start.hover, std::nullopt);
  EXPECT_EQ(start.first_visible, Position(0));
  EXPECT_EQ(start.visible, 100u);
}

TEST_F(SelectionModelTest, EqualValuesAreEqualAndEveryFieldCounts) {
  const Selection base = model.now();
  EXPECT_EQ(base, model.now());
  std::vector<Selection> others(8, base);
  others[0].run = 0;
  others[1].scope = LaneScope::AllMean;
  others[2].layer = Layer(2);
  others[3].lane = Lane(0);
  others[4].step = Step(3);
  others[5].position.reset();
  others[6].first_visible = Position(1);
  others[7].visible = 50;
  for (const Selection& other : others) {
    EXPECT_NE(base, other);
    EXPECT_FALSE(base.same_but_hover(other));
  }
  Selection hovering = base;
  hovering.hover = Position(4);
  EXPECT_NE(base, hovering);
  EXPECT_TRUE(base.same_but_hover(hovering));
  EXPECT_EQ(hovering.focus(), Position(4));
  EXPECT_EQ(base.focus(), Position(7));
}

TEST_F(SelectionModelTest, OneSignalPerChangeAndNoneForNothing) {
  const Selection start = model.now();
  Changes changes(model);
  model.set(start);
  EXPECT_TRUE(changes.all.empty());
  model.change([](Selection& wanted) {
    wanted.step = Step(10);
    wanted.layer = Layer(0);
    wanted.position = Position(3);
  });
  ASSERT_EQ(changes.all.size(), 1u);
  EXPECT_EQ(changes.all[0].second, start);
  EXPECT_EQ(changes.all[0].first, model.now());
  EXPECT_EQ(model.now().step, Step(10));
}

TEST_F(SelectionModelTest, BringsWhatIsOutOfRangeIntoRange) {
  model.change([](Selection& wanted) {
    wanted.run = 9;
    wanted.layer = Layer(40);
    wanted.lane = Lane(40);
    wanted.step = Step(1000);
    wanted.position = Position(100);
    wanted.hover = Position(5000);
    wanted.visible = 3;
    wanted.first_visible = Position(98);
  });
  const Selection& now = model.now();
  EXPECT_EQ(now.run, 1u);
  EXPECT_EQ(now.layer, Layer(2));
  EXPECT_EQ(now.lane, Lane(3));
  EXPECT_EQ(now.step, Step(99));
  EXPECT_EQ(now.position, std::nullopt);
  EXPECT_EQ(now.hover, std::nullopt);
  EXPECT_EQ(now.visible, 8u);
  EXPECT_EQ(now.first_visible, Position(92));
}

TEST_F(SelectionModelTest, ARunOfFewerLanesTakesTheLaneAlong) {
  model.change([](Selection& wanted) { wanted.lane = Lane(3); });
  model.change([](Selection& wanted) { wanted.run = 0; });
  EXPECT_EQ(model.now().lane, Lane(1));
}

TEST_F(SelectionModelTest, UndoAndRedoWalkTheHistory) {
  const Selection start = model.now();
  EXPECT_FALSE(model.can_undo());
  EXPECT_FALSE(model.can_redo());
  for (const uint32_t step : {10u, 20u, 30u})
    model.change([step](Selection& wanted) { wanted.step = Step(step); });
  model.undo();
  model.undo();
  EXPECT_EQ(model.now().step, Step(10));
  model.redo();
  EXPECT_EQ(model.now().step, Step(20));
  model.undo();
  model.undo();
  EXPECT_EQ(model.now(), start);
  EXPECT_FALSE(model.can_undo());
  model.undo();
  EXPECT_EQ(model.now(), start);
  model.redo();
  model.change([](Selection& wanted) { wanted.layer = Layer(0); });
  EXPECT_FALSE(model.can_redo()) << "a new change ends the future";
  model.redo();
  EXPECT_EQ(model.now().layer, Layer(0));
}

TEST_F(SelectionModelTest, UndoEmitsOnceAndLeavesTheHoverAlone) {
  model.change([](Selection& wanted) { wanted.step = Step(10); });
  model.change([](Selection& wanted) { wanted.hover = Position(50); });
  Changes changes(model);
  model.undo();
  ASSERT_EQ(changes.all.size(), 1u);
  EXPECT_EQ(model.now().step, Step(99));
  EXPECT_EQ(model.now().hover, Position(50));
  model.change([](Selection& wanted) { wanted.hover.reset(); });
  model.redo();
  EXPECT_EQ(model.now().step, Step(10));
  EXPECT_EQ(model.now().hover, std::nullopt);
}

TEST_F(SelectionModelTest, HoveringIsNotUndoable) {
  model.change([](Selection& wanted) { wanted.hover = Position(1); });
  EXPECT_FALSE(model.can_undo());
}

TEST_F(SelectionModelTest, TheHistoryIsBounded) {
  for (uint32_t i = 0; i < 1000; ++i)
    model.change([i](Selection& wanted) { wanted.step = Step(i % 2); });
  int undone = 0;
  for (; model.can_undo(); ++undone) model.undo();
  EXPECT_EQ(undone, 200);
}

TEST_F(SelectionModelTest, ResetForgetsTheOldDocument) {
  model.change([](Selection& wanted) { wanted.lane = Lane(3); });
  Content small = two_runs();
  small.runs.pop_back();
  small.info.tokens = 5;
  small.runs[0].retention = Retention(3, 1, 5);
  model.reset(small, first_selection(small));
  EXPECT_FALSE(model.can_undo());
  EXPECT_EQ(model.now().run, 0u);
  EXPECT_EQ(model.now().step, Step(4));
  EXPECT_EQ(model.now().visible, 5u);
  model.change([](Selection& wanted) { wanted.lane = Lane(3); });
  EXPECT_EQ(model.now().lane, Lane(0));
}

TEST(SelectionModel, WithoutADocumentNothingIsSelected) {
  SelectionModel model;
  model.change([](Selection& wanted) { wanted.step = Step(4); });
  EXPECT_EQ(model.now(), Selection());
}

TEST_F(SelectionModelTest, ChangesOfOneGestureAreUndoneTogether) {
  const Selection start = model.now();
  for (const uint32_t visible : {80u, 60u, 40u})
    model.change([visible](Selection& wanted) { wanted.visible = visible; }, History::Merge);
  for (const uint32_t step : {50u, 51u, 52u})
    model.change([step](Selection& wanted) { wanted.step = Step(step); }, History::Merge);
  model.undo();
  EXPECT_EQ(model.now().step, start.step);
  EXPECT_EQ(model.now().visible, 40u);
  model.undo();
  EXPECT_EQ(model.now(), start);
  model.redo();
  EXPECT_EQ(model.now().visible, 40u);
}

TEST_F(SelectionModelTest, WhatATimerDoesLeavesNoTrace) {
  model.change([](Selection& wanted) { wanted.step = Step(10); });
  for (uint32_t step = 11; step < 30; ++step)
    model.change([step](Selection& wanted) { wanted.step = Step(step); }, History::Skip);
  model.undo();
  EXPECT_EQ(model.now().step, Step(99));
}

TEST_F(SelectionModelTest, ZoomsHaveAWayBackOfTheirOwn) {
  model.change([](Selection& wanted) { wanted.visible = 50; });
  model.change([](Selection& wanted) { wanted.visible = 20; });
  model.change([](Selection& wanted) { wanted.step = Step(3); });
  model.zoom_back();
  EXPECT_EQ(model.now().visible, 50u);
  EXPECT_EQ(model.now().step, Step(3)) << "steps stay as they are";
  model.zoom_back();
  EXPECT_EQ(model.now().visible, 100u);
  model.zoom_back();
  EXPECT_EQ(model.now().visible, 100u);
  model.undo();
  EXPECT_EQ(model.now().visible, 50u) << "the way back is undoable";
}

TEST_F(SelectionModelTest, RangesAndComparisonsAreBroughtIntoRange) {
  model.change([](Selection& wanted) {
    wanted.range = {Position(90), Position(500)};
    wanted.others = {0, 7, 1, 0};
  });
  EXPECT_EQ(model.now().range, (PositionRange{Position(90), Position(99)}));
  EXPECT_EQ(model.now().others, (std::vector<size_t>{0, 1}));
  model.change([](Selection& wanted) { wanted.range = {Position(9), Position(3)}; });
  EXPECT_EQ(model.now().range, std::nullopt);
}

}  // namespace
}  // namespace dendrokv
