#include "gui/level_overlay.h"

#include <gtest/gtest.h>

#include "gui/contribution_view.h"
#include "gui/lane_sets.h"
#include "gui/lane_state.h"
#include "gui/paint.h"
#include "tests/gui/opened_window.h"

namespace dendrokv {
namespace {

using testing::OpenedWindow;

std::vector<Step> some_steps() {
  return {Step(3), Step(31), Step(60), Step(88), Step(95)};
}

testing::WindowSetUp set_up() {
  testing::WindowSetUp made;
  made.trace.tokens = 96;
  made.options.view = "contributions";
  made.options.width = 1100;
  return made;
}

/// As it is half transparent over white.
bool nearly(QRgb found, QRgb colour, int alpha) {
  const QRgb wanted = qPremultiply(qRgba(qRed(colour), qGreen(colour), qBlue(colour), alpha));
  return std::abs(qRed(found) - qRed(wanted)) <= 1 &&
         std::abs(qGreen(found) - qGreen(wanted)) <= 1 &&
         std::abs(qBlue(found) - qBlue(wanted)) <= 1 && qAlpha(found) == alpha;
}

TEST(LevelOverlay, OfALaneIsTheStateOfEachTokenAtEachStep) {
  OpenedWindow opened(set_up());
  const Selection& now = opened.now();
  const QImage image =
      level_overlay(opened.content(), now, opened.colours(), some_steps(), {0, 96}, 1);
  ASSERT_EQ(image.size(), QSize(96, 5));
  int evicted = 0, tree = 0;
  for (int row = 0; row < 5; ++row) {
    const std::vector<TokenState> states =
        token_states(opened.run(), now.layer, now.lane, some_steps()[static_cast<size_t>(row)]);
    for (int p = 0; p < 96; ++p) {
      const TokenState state = states[static_cast<size_t>(p)];
      const QRgb found = reinterpret_cast<const QRgb*>(image.constScanLine(row))[p];
      if (state.place == Place::NotYet) {
        ASSERT_EQ(found, 0u) << row << " " << p;
      } else {
        const int alpha = qAlpha(found);
        ASSERT_TRUE(nearly(found, to_qt(state_colour(opened.colours(), state)).rgb(), alpha))
            << row << " " << p;
        ASSERT_GT(alpha, 80);
        ASSERT_LT(alpha, 200);
        evicted += state.place == Place::Evicted;
        tree += state.place == Place::Tree;
      }
    }
  }
  EXPECT_GT(evicted, 50);
  EXPECT_GT(tree, 30);
}

TEST(LevelOverlay, OfASetIsTheShareThatKeeps) {
  OpenedWindow opened(set_up());
  opened.window().choose_lanes(QStringLiteral("L0:H1, L2"));
  const std::vector<LaneId> lanes = {{Layer(0), Lane(1)}, {Layer(2), Lane(0)}, {Layer(2), Lane(1)}};
  const std::vector<Step> steps = some_steps();
  const QImage image =
      level_overlay(opened.content(), opened.now(), opened.colours(), steps, {0, 96}, 1);
  for (int row = 0; row < 5; ++row) {
    const Step step = steps[static_cast<size_t>(row)];
    const auto* line = reinterpret_cast<const QRgb*>(image.constScanLine(row));
    for (uint32_t p = 0; p <= step.value; ++p) {
      double keep = 0;
      for (const LaneId& lane : lanes)
        keep += opened.run().retention.kept_after(lane.layer, lane.lane, Position(p), step);
      const QRgb colour = keep == 0 ? to_qt(opened.colours().panel).rgb()
                                    : to_qt(fraction_colour(opened.colours(), keep / 3)).rgb();
      ASSERT_TRUE(nearly(line[p], colour, qAlpha(line[p]))) << row << " " << p;
      ASSERT_GT(qAlpha(line[p]), 80);
    }
  }
}

TEST(LevelOverlay, RowsOfManyLanesStandForSeveralSteps) {
  OpenedWindow opened(set_up());
  EXPECT_EQ(overlay_rows(opened.content(), opened.now(), 300), 300u);
  opened.change([](Selection& wanted) { wanted.scope = LaneScope::AllMean; });
  EXPECT_EQ(overlay_rows(opened.content(), opened.now(), 300), 300u) << "six lanes";
  EXPECT_EQ(overlay_rows(opened.content(), opened.now(), 100'000), kMostOverlayRows / 6);
  EXPECT_EQ(overlay_rows(opened.content(), opened.now(), 0), 1u);
}

TEST(LevelOverlay, AKeyLaysItOverTheMapAndTakesItAway) {
  OpenedWindow opened(set_up());
  opened.change([](Selection& wanted) { wanted.position.reset(); });
  const QImage before = opened.picture("contributions");
  opened.press("O");
  EXPECT_EQ(opened.window().saved().level_overlay, true);
  EXPECT_TRUE(opened.view("contributions").caption().contains(QStringLiteral("kept at each step")));
  const QImage with = opened.picture("contributions");
  const QRect plot = opened.position_view("contributions").plot().toRect();
  int changed = 0;
  for (int y = plot.top() + 40; y < plot.bottom(); ++y)
    for (int x = plot.left(); x < plot.right(); ++x)
      changed += before.pixel(x, y) != with.pixel(x, y);
  EXPECT_GT(changed, plot.width() * plot.height() / 4) << "what lies below the diagonal";
  // The legend, in the corner where no position has been read.
  EXPECT_NE(before.copy(plot.right() - 300, plot.top() + 8, 200, 20),
            with.copy(plot.right() - 300, plot.top() + 8, 200, 20));
  opened.press("O");
  EXPECT_EQ(opened.picture("contributions"), before);
}

TEST(LevelOverlay, ComesBackWithAWorkspace) {
  OpenedWindow opened(set_up());
  opened.press("O");
  opened.window().save_workspace(opened.folder() / "w.dendrokv");
  opened.press("O");
  opened.window().open_workspace(opened.folder() / "w.dendrokv");
  testing::settle(opened.window());
  EXPECT_EQ(opened.window().workspace().level_overlay, LevelOverlay::Show);
}

}  // namespace
}  // namespace dendrokv
