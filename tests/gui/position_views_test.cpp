// Retention, contributions and variability: views over the shared axis of positions.

#include <cmath>
#include <gtest/gtest.h>

#include "gui/contribution_view.h"
#include "gui/lane_state.h"
#include "gui/paint.h"
#include "gui/retention_codes.h"
#include "gui/retention_view.h"
#include "tests/gui/opened_window.h"

namespace dendrokv {
namespace {

using testing::OpenedWindow;

constexpr const char* kNames[] = {"retention", "contributions", "variability"};

/// The middle of a position, at a fraction of the height of the plot.
QPointF place_of(PositionView& view, uint32_t position, double height = 0.5) {
  const QRectF plot = view.plot();
  return {view.position_axis().pixel(position + 0.5), plot.top() + height * plot.height()};
}

TEST(PositionViews, PixelsAndPositionsAreInverse) {
  OpenedWindow opened;
  for (const char* name : kNames) {
    PositionView& view = opened.position_view(name);
    for (uint32_t p = 0; p < 96; ++p)
      ASSERT_EQ(view.position_at(place_of(view, p)), Position(p)) << name;
    EXPECT_EQ(view.position_at({2, 60}), std::nullopt);
  }
}

TEST(PositionViews, TheyShareOneAxis) {
  OpenedWindow opened;
  const Axis first = opened.position_view("retention").position_axis();
  for (const char* name : kNames) {
    const Axis axis = opened.position_view(name).position_axis();
    EXPECT_EQ(axis.pixel_first, first.pixel_first) << name;
    EXPECT_EQ(axis.pixel_last, first.pixel_last) << name;
  }
}

TEST(PositionViews, TheWheelZoomsAboutThePointer) {
  for (const char* name : kNames) {
    OpenedWindow opened;
    PositionView& view = opened.position_view(name);
    const QPointF anchor = place_of(view, 60);
    double before = view.position_axis().data(anchor.x());
    for (const int notches : {1, 1, 2, -1, 1}) {
      opened.wheel(name, anchor, notches);
      // First and count are whole positions: each rounding moves the anchor by at most half of one,
      // times its place in the view.
      EXPECT_NEAR(view.position_axis().data(anchor.x()), before, 1.0) << name;
      before = view.position_axis().data(anchor.x());
    }
    EXPECT_LT(opened.now().visible, 60u);
    opened.wheel(name, anchor, -4);
    opened.wheel(name, anchor, -4);
    EXPECT_EQ(opened.now().visible, 96u);
    EXPECT_EQ(opened.now().first_visible, Position(0));
  }
}

TEST(PositionViews, ShiftAndWheelMovesSideways) {
  OpenedWindow opened;
  opened.change([](Selection& wanted) {
    wanted.visible = 40;
    wanted.first_visible = Position(20);
  });
  const QPointF place = place_of(opened.position_view("retention"), 40);
  opened.wheel("retention", place, -1, Qt::ShiftModifier);
  EXPECT_EQ(opened.now().first_visible, Position(24));
  EXPECT_EQ(opened.now().visible, 40u);
  opened.wheel("retention", place, 1, Qt::ShiftModifier);
  EXPECT_EQ(opened.now().first_visible, Position(20));
}

TEST(PositionViews, HoverAndClickSelectThePosition) {
  for (const char* name : kNames) {
    OpenedWindow opened;
    PositionView& view = opened.position_view(name);
    opened.move_to(name, place_of(view, 17));
    EXPECT_EQ(opened.now().hover, Position(17)) << name;
    EXPECT_FALSE(view.describe(place_of(view, 17)).isEmpty()) << name;
    opened.click(name, place_of(view, 21));
    EXPECT_EQ(opened.now().position, Position(21)) << name;
  }
}

TEST(RetentionView, EveryPixelOfARowIsTheStateOfItsToken) {
  OpenedWindow opened;
  for (const Theme theme : {Theme::Light, Theme::Dark})
    for (const uint32_t step : {30u, 95u}) {
      opened.window().set_theme(theme);
      opened.change([step](Selection& wanted) {
        wanted.step = Step(step);
        wanted.position.reset();
      });
      PositionView& view = opened.position_view("retention");
      const QImage picture = opened.picture("retention");
      const std::vector<LaneId> lanes = all_lanes(opened.run());
      for (size_t row = 0; row < lanes.size(); ++row) {
        const std::vector<TokenState> states =
            token_states(opened.run(), lanes[row].layer, lanes[row].lane, Step(step));
        for (uint32_t p = 0; p < 96; ++p) {
          const QPointF place = place_of(
              view, p, (static_cast<double>(row) + 0.5) / static_cast<double>(lanes.size()));
          const Rgb wanted = states[p].place == Place::NotYet
                                 ? opened.colours().absent
                                 : state_colour(opened.colours(), states[p]);
          ASSERT_EQ(testing::pixel(picture, place.toPoint()), wanted)
              << "lane " << row << " position " << p << " step " << step;
        }
      }
    }
}

TEST(RetentionView, AClickChoosesLaneAndToken) {
  OpenedWindow opened;
  PositionView& view = opened.position_view("retention");
  // Six rows: layer 2, lane 1 is the last one.
  opened.click("retention", place_of(view, 33, 5.5 / 6));
  EXPECT_EQ(opened.now().layer, Layer(2));
  EXPECT_EQ(opened.now().lane, Lane(1));
  EXPECT_EQ(opened.now().position, Position(33));
  EXPECT_EQ(opened.now().scope, LaneScope::One);
}

TEST(RetentionCodes, AColumnShowsTheMostNotableOfItsPositions) {
  dendrokv::Run run;
  run.sinks = 1;
  run.recent = 1;
  run.retention = Retention(1, 1, 8);
  run.retention.record(Layer(0), Lane(0), {Position(3), Step(5), 4, 0, 0, Reason::Lost});
  const RunIndex index(run);
  const std::vector<LaneId> lanes = all_lanes(run);
  const CodeGrid single = retention_by_lane(index, lanes, Step(6), {0, 8}, 1);
  // sink, level 0, level 0, evicted, level 1, level 0, recent, unread
  const std::vector<uint8_t> wanted = {12, 3, 3, 1, 4, 3, 2, 0};
  ASSERT_EQ(single.cols(), 8u);
  for (size_t p = 0; p < 8; ++p) EXPECT_EQ(single(0, p), wanted[p]) << p;
  const CodeGrid triple = retention_by_lane(index, lanes, Step(6), {0, 8}, 3);
  ASSERT_EQ(triple.cols(), 3u);
  EXPECT_EQ(triple(0, 0), 12);
  EXPECT_EQ(triple(0, 1), 4);
  EXPECT_EQ(triple(0, 2), 2);
  const CodeGrid part = retention_by_lane(index, lanes, Step(6), {3, 2}, 1);
  EXPECT_EQ(part(0, 0), 1);
  EXPECT_EQ(part(0, 1), 4);
  for (const Theme theme : {Theme::Light, Theme::Dark}) {
    const QVector<QRgb> table = retention_colours(palette(theme));
    ASSERT_EQ(table.size(), 256);
    EXPECT_EQ(table[12], to_qt(palette(theme).sink).rgb());
    EXPECT_EQ(table[2], to_qt(palette(theme).recent).rgb());
    EXPECT_EQ(table[1], to_qt(palette(theme).panel).rgb());
    EXPECT_EQ(table[0], to_qt(palette(theme).absent).rgb());
    for (int level = 0; level < 9; ++level)
      EXPECT_EQ(table[3 + level], to_qt(palette(theme).level[static_cast<size_t>(level)]).rgb());
  }
}

TEST(RetentionView, StepsDownAreTheStatesAfterThem) {
  OpenedWindow opened;
  auto& view = dynamic_cast<RetentionView&>(opened.view("retention"));
  opened.window().show_only("retention");
  testing::settle(opened.window());
  view.show_rows(RetentionView::Rows::Steps);
  opened.change([](Selection& wanted) { wanted.position.reset(); });
  const QImage picture = opened.picture("retention");
  const Selection& now = opened.now();
  for (uint32_t step = 0; step < 95; step += 3) {
    const std::vector<TokenState> states =
        token_states(opened.run(), now.layer, now.lane, Step(step));
    for (uint32_t p = 0; p < 96; p += 2) {
      const Rgb wanted = states[p].place == Place::NotYet
                             ? opened.colours().absent
                             : state_colour(opened.colours(), states[p]);
      ASSERT_EQ(testing::pixel(picture, place_of(view, p, (step + 0.5) / 96).toPoint()), wanted)
          << "step " << step << " position " << p;
    }
  }
  opened.click("retention", place_of(view, 30, 40.5 / 96), Qt::ControlModifier);
  EXPECT_EQ(opened.now().step, Step(40));
}

ContributionView& contributions(OpenedWindow& opened) {
  opened.window().show_only("contributions");
  testing::settle(opened.window());
  return dynamic_cast<ContributionView&>(opened.view("contributions"));
}

TEST(ContributionView, CellsHaveTheColourOfTheirValue) {
  OpenedWindow opened;
  ContributionView& view = contributions(opened);
  opened.change([](Selection& wanted) { wanted.position.reset(); });
  const QImage picture = opened.picture("contributions");
  const ColourMap& map = colour_map("viridis");
  const HeatCodes codes(view.scale());
  for (uint32_t step = 0; step < 95; step += 3)
    for (uint32_t p = 0; p < 96; p += 5) {
      const QPointF place = place_of(view, p, (step + 0.5) / 96);
      const std::optional<ContributionView::Cell> cell = view.cell_at(step, Position(p));
      ASSERT_TRUE(cell);
      ASSERT_EQ(cell->steps.count * cell->positions.count, 1u);
      const double code = p > step ? 0 : codes.code(cell->value);
      const Rgb wanted =
          p > step ? opened.colours().panel
                   : map.at((code - HeatCodes::kFirstValue) / (255.0 - HeatCodes::kFirstValue));
      ASSERT_EQ(testing::pixel(picture, {static_cast<int>(place.x()), static_cast<int>(place.y())}),
                wanted)
          << "step " << step << " position " << p;
    }
}

TEST(ContributionView, TheScaleDoesNotSeeTheSinks) {
  OpenedWindow opened;
  ContributionView& view = contributions(opened);
  std::vector<float> rest;
  for (uint32_t step = 0; step < 96; ++step)
    for (uint32_t p = 2; p <= step; ++p) rest.push_back(view.cell_at(step, Position(p))->value);
  const ValueScale wanted = asinh_scale(rest);
  EXPECT_EQ(view.scale().high, wanted.high);
  EXPECT_EQ(view.scale().knee, wanted.knee);
  EXPECT_EQ(view.scale().clipped_above, wanted.clipped_above);
}

TEST(ContributionView, StepsZoomApartAndTogether) {
  OpenedWindow opened;
  ContributionView& view = contributions(opened);
  EXPECT_EQ(view.visible_steps().count, 96u);
  opened.wheel("contributions", place_of(view, 50, 0.5), 3,
               Qt::ControlModifier | Qt::ShiftModifier);
  EXPECT_LT(view.visible_steps().count, 60u);
  EXPECT_EQ(opened.now().visible, 96u);
  opened.change([](Selection& wanted) {
    wanted.first_visible = Position(20);
    wanted.visible = 30;
  });
  view.set_steps_follow(true);
  testing::settle(opened.window());
  EXPECT_EQ(view.visible_steps().first, 20u);
  EXPECT_EQ(view.visible_steps().count, 30u);
}

TEST(ContributionView, ControlAndClickGoesToTheStep) {
  OpenedWindow opened;
  PositionView& view = opened.position_view("contributions");
  const std::optional<Position> before = opened.now().position;
  opened.click("contributions", place_of(view, 10, 40.5 / 96), Qt::ControlModifier);
  EXPECT_EQ(opened.now().step, Step(40));
  EXPECT_EQ(opened.now().position, before);
}

TEST(ContributionView, SaysValueAbsentAndFuture) {
  testing::WindowSetUp set_up;
  set_up.trace.policy = "treekv:capacity=8,sinks=2,recent=4";
  OpenedWindow opened(set_up);
  opened.window().show_only("contributions");
  testing::settle(opened.window());
  PositionView& view = opened.position_view("contributions");
  EXPECT_TRUE(view.describe(place_of(view, 80, 0.2)).endsWith(QStringLiteral("not read yet")));
  const Selection& now = opened.now();
  for (uint32_t p = 0; p < 90; ++p) {
    const bool seen = opened.run().retention.seen_by(now.layer, now.lane, Position(p), Step(93));
    EXPECT_EQ(
        !seen,
        view.describe(place_of(view, p, 93.5 / 96)).endsWith(QStringLiteral("not in the cache")))
        << p;
  }
}

TEST(VariabilityView, FiveCurvesAreDrawnWhereTheBandsSay) {
  OpenedWindow opened;
  opened.window().show_only("variability");
  testing::settle(opened.window());
  for (const LaneScope scope : {LaneScope::One, LaneScope::LayerMean, LaneScope::AllMean}) {
    opened.change([scope](Selection& wanted) {
      wanted.scope = scope;
      wanted.position.reset();
    });
    const QImage picture = opened.picture("variability");
    for (const Rgb band : opened.colours().band)
      EXPECT_GT(testing::count_of(picture, band), 100) << to_hex(band);
  }
}

TEST(VariabilityView, ReadsOutTheFiveBands) {
  OpenedWindow opened;
  PositionView& view = opened.position_view("variability");
  const RowSnapshot* row = opened.window().document().row();
  ASSERT_TRUE(row);
  const QString text = view.describe(place_of(view, 50));
  for (size_t level = 0; level < 5; ++level)
    EXPECT_TRUE(text.contains(QStringLiteral("D%1 ").arg(level + 1) +
                              to_qt(short_number(double{row->bands[level].at(50)}))))
        << text.toStdString();
}

TEST(VariabilityView, AShortStepSaysWhyThereIsNothing) {
  OpenedWindow opened;
  opened.change([](Selection& wanted) { wanted.step = Step(20); });
  const QImage picture = opened.picture("variability");
  for (const Rgb band : opened.colours().band) EXPECT_EQ(testing::count_of(picture, band), 0);
  EXPECT_GT(testing::colours_in(picture), 10) << "a message";
}

}  // namespace
}  // namespace dendrokv
