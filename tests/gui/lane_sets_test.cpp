// Sets of lanes: their text, how they are put together by mouse and keys, and that the views show
// them.

#include "gui/lane_sets.h"

#include <cmath>
#include <gtest/gtest.h>

#include "data/error.h"
#include "gui/contribution_view.h"
#include "gui/export.h"
#include "gui/inspector.h"
#include "gui/moves.h"
#include "gui/run_index.h"
#include "gui/text_view.h"
#include "tests/gui/made_up_run.h"
#include "tests/gui/opened_window.h"

namespace dendrokv {
namespace {

using testing::OpenedWindow;

dendrokv::Run run_of(uint32_t layers, uint32_t lanes) {
  return testing::made_up_run(
      {.layers = layers, .lanes = lanes, .tokens = 40, .tree = 8, .recent = 4});
}

LaneId id(uint32_t layer, uint32_t lane) {
  return {Layer(layer), Lane(lane)};
}

std::string refusal(std::string_view text, const dendrokv::Run& run) {
  try {
    parse_lane_set(text, run);
  } catch (const Error& error) {
    return error.what();
  }
  return {};
}

TEST(LaneSetText, NamesLayersAndLanes) {
  const dendrokv::Run run = run_of(9, 3);
  EXPECT_EQ(parse_lane_set("L3", run), (std::vector{id(3, 0), id(3, 1), id(3, 2)}));
  EXPECT_EQ(parse_lane_set("5-7:H2, l3:h0", run),
            (std::vector{id(3, 0), id(5, 2), id(6, 2), id(7, 2)}));
  EXPECT_EQ(parse_lane_set("3.1; L3:H0-1 L3:H1", run), (std::vector{id(3, 0), id(3, 1)}));
  EXPECT_EQ(parse_lane_set("L7-6:H1", run), (std::vector{id(6, 1), id(7, 1)}));
  EXPECT_EQ(parse_lane_set("all", run), all_lanes(run));
}

TEST(LaneSetText, SaysWhatItCannotRead) {
  const dendrokv::Run run = run_of(9, 3);
  for (const char* text : {"", " , ", "x", "L", "L3:", "L3:H", "L3-", "-3", "L3:H1:2", "1e3"})
    EXPECT_NE(refusal(text, run), "") << text;
  EXPECT_NE(refusal("L9", run).find("below 9"), std::string::npos);
  EXPECT_NE(refusal("L2:H1-3", run).find("below 3"), std::string::npos);
}

TEST(LaneSetText, IsShortAndReadsBack) {
  const dendrokv::Run run = run_of(9, 4);
  EXPECT_EQ(lane_set_text(parse_lane_set("L3 L5 L6 L7:H2 L8:H2 L1:H0-1,L1:H3", run), run),
            "L1:H0-1, L1:H3, L3, L5-6, L7-8:H2");
  EXPECT_EQ(lane_set_text(all_lanes(run), run), "L0-8");
  EXPECT_EQ(lane_set_text({}, run), "");
  // Every set of the lanes of three layers of two.
  const dendrokv::Run small = run_of(3, 2);
  const std::vector<LaneId> all = all_lanes(small);
  for (unsigned bits = 1; bits < 64; ++bits) {
    std::vector<LaneId> some;
    for (size_t i = 0; i < all.size(); ++i)
      if (bits >> i & 1) some.push_back(all[i]);
    EXPECT_EQ(parse_lane_set(lane_set_text(some, small), small), some);
  }
}

TEST(LaneSets, ATogglesAddsTakesAndLeavesOne) {
  const dendrokv::Run run = run_of(3, 2);
  Selection now;
  now.layer = Layer(1);
  toggle_lane(run, now, id(2, 1));
  EXPECT_EQ(now.scope, LaneScope::Set);
  EXPECT_EQ(now.set, (std::vector{id(1, 0), id(2, 1)}));
  EXPECT_EQ(now.layer, Layer(2)) << "the last named one is in front";
  toggle_lane(run, now, id(2, 1));
  EXPECT_EQ(now.scope, LaneScope::One);
  EXPECT_EQ(chosen_lanes(run, now), std::vector{id(1, 0)});
  toggle_lane(run, now, id(1, 0));
  EXPECT_EQ(chosen_lanes(run, now), std::vector{id(1, 0)}) << "the last one stays";
  now.scope = LaneScope::AllMean;
  toggle_lane(run, now, id(0, 0));
  EXPECT_EQ(now.set.size(), 5u) << "all but one";
}

TEST(LaneSets, MouseOnTheMosaicTogglesAndDrags) {
  testing::WindowSetUp set_up;
  set_up.trace.tokens = 130;
  set_up.options.view = "mosaic";
  OpenedWindow opened(set_up);
  const View& view = opened.view("mosaic");
  const auto place = [&view](const char* tile) {
    QRectF found;
    for (int y = 0; y < view.height(); y += 3)
      for (int x = 0; x < view.width(); x += 3)
        if (view.describe(QPointF(x, y)).startsWith(QString::fromUtf8(tile) + QStringLiteral(": ")))
          found |= QRectF(x, y, 1, 1);
    return found.center();
  };
  opened.click("mosaic", place("0·0").toPoint());
  opened.click("mosaic", place("2·3").toPoint(), Qt::ControlModifier);
  EXPECT_EQ(opened.now().set, (std::vector{id(0, 0), id(2, 1)}));
  opened.click("mosaic", place("0·1").toPoint(), Qt::ControlModifier);
  EXPECT_EQ(chosen_lanes(opened.run(), opened.now()), std::vector{id(2, 1)});
  opened.drag("mosaic", place("0·1"), place("1·2"));
  EXPECT_EQ(opened.now().scope, LaneScope::Set);
  EXPECT_EQ(opened.now().set, (std::vector{id(0, 0), id(0, 1), id(1, 0), id(1, 1)}));
  opened.window().selection().undo();
  EXPECT_EQ(opened.now().set.size() < 4 || opened.now().scope != LaneScope::Set, true)
      << "a drag is taken back";
}

TEST(LaneSets, KeysExtendThemAndBringThemBack) {
  OpenedWindow opened;
  opened.change([](Selection& wanted) { choose_lanes(wanted, {id(1, 0)}); });
  opened.press("Shift+Down");
  opened.press("Shift+Down");
  EXPECT_EQ(opened.now().set, (std::vector{id(1, 0), id(1, 1), id(2, 0)}));
  opened.press("Up");
  EXPECT_EQ(chosen_lanes(opened.run(), opened.now()), std::vector{id(1, 1)});
  opened.press("Alt+M");
  EXPECT_EQ(chosen_lanes(opened.run(), opened.now()), (std::vector{id(1, 0), id(1, 1), id(2, 0)}));
  opened.window().choose_lanes(QStringLiteral("L0, L2:H1"));
  EXPECT_EQ(opened.now().set, (std::vector{id(0, 0), id(0, 1), id(2, 1)}));
  opened.window().choose_lanes(QStringLiteral("L77"));
  EXPECT_TRUE(opened.window().notice().isVisible());
  EXPECT_EQ(opened.now().set.size(), 3u);
}

TEST(LaneSets, AreSavedAndBroughtIntoRange) {
  OpenedWindow opened;
  opened.window().choose_lanes(QStringLiteral("L0, L2:H1"));
  opened.window().save_workspace(opened.folder() / "w.dendrokv");
  opened.press("M");
  opened.window().open_workspace(opened.folder() / "w.dendrokv");
  testing::settle(opened.window());
  EXPECT_EQ(opened.now().scope, LaneScope::Set);
  EXPECT_EQ(opened.now().set, (std::vector{id(0, 0), id(0, 1), id(2, 1)}));
  opened.change([](Selection& wanted) { wanted.set = {id(2, 1), id(70, 0), id(0, 9), id(2, 1)}; });
  EXPECT_EQ(opened.now().set, std::vector{id(2, 1)});
  opened.change([](Selection& wanted) { wanted.set = {id(70, 0)}; });
  EXPECT_EQ(opened.now().scope, LaneScope::One) << "nothing is left of it";
}

/// Of the lanes, how many keep a position, by the record itself.
double plain_share(const dendrokv::Run& run, const std::vector<LaneId>& lanes, Position position,
                   Step step) {
  double count = 0;
  for (const LaneId& lane : lanes)
    count += run.retention.kept_after(lane.layer, lane.lane, position, step);
  return count / static_cast<double>(lanes.size());
}

TEST(LaneSets, ViewsTableAndRowAreThoseOfTheSet) {
  testing::WindowSetUp set_up;
  set_up.trace.tokens = 130;
  OpenedWindow opened(set_up);
  opened.window().choose_lanes(QStringLiteral("L0:H1, L2"));
  testing::settle(opened.window());
  const std::vector<LaneId> lanes = {id(0, 1), id(2, 0), id(2, 1)};
  // The table that is written.
  const std::string table = csv_of(opened.content(), opened.now());
  for (uint32_t p = 0; p < 130; ++p) {
    // Tokens may hold line ends: a row ends where the next one begins.
    const size_t next = table.find("\n" + std::to_string(p + 1) + ",");
    const std::string row = table.substr(0, p == 129 ? table.size() - 1 : next);
    EXPECT_NEAR(std::stod(row.substr(row.rfind(',') + 1)),
                plain_share(opened.run(), lanes, Position(p), opened.now().step), 1e-6)
        << p;
  }
  // What is read of the trace: the heads of these lanes, two to a lane.
  const std::optional<RowRequest> request = row_request(opened.content(), opened.now());
  ASSERT_TRUE(request);
  EXPECT_EQ(request->heads, (std::vector<LayerHeads>{{0, {2, 3}}, {2, {0, 1, 2, 3}}}));
  const RowSnapshot* row = opened.window().document().row();
  ASSERT_TRUE(row);
  EXPECT_EQ(row->request, *request);
  const TraceReader trace(opened.trace());
  for (uint32_t p = 0; p <= opened.now().step.value; ++p) {
    double sum = 0, count = 0;
    for (const LayerHeads& layer : request->heads)
      for (const size_t head : layer.heads) {
        Grid<float> weight(1, 1);
        trace.read_weights(layer.layer_index, head, {request->step_index, 1}, {p, 1},
                           weight.view());
        if (std::isnan(weight(0, 0))) continue;
        sum += double{weight(0, 0)};
        ++count;
      }
    // Floats that are added in double and rounded once.
    EXPECT_NEAR(double{row->weight[p]}, sum / count, 1e-6 * sum) << p;
  }
  // What the panels say of it.
  for (const char* name : {"text", "variability", "contributions"})
    EXPECT_TRUE(opened.view(name).caption().contains(QStringLiteral("3 lanes (L0:H1, L2)")))
        << name << ": " << opened.view(name).caption().toStdString();
  EXPECT_EQ(inspect(opened.content(), opened.now(), row).sections.back().entries.front().value,
            QStringLiteral("3"));
}

/// How often a line is met from the top of the plot to its end, over the recent window, which is
/// grey.
int lines_met(OpenedWindow& opened) {
  const QImage picture = opened.picture("retention");
  const QRectF plot = opened.position_view("retention").plot();
  int lines = 0;
  bool inside = false;
  for (int y = static_cast<int>(plot.top()) - 4; y < plot.bottom() + 4; ++y) {
    const Rgb pixel = testing::pixel(picture, QPoint(static_cast<int>(plot.right()) - 12, y));
    const bool red = pixel.red > pixel.green + 30;
    lines += red && !inside;
    inside = red;
  }
  return lines;
}

TEST(LaneSets, RetentionFramesEachRunOfRows) {
  testing::WindowSetUp set_up;
  set_up.options.view = "retention";
  OpenedWindow opened(set_up);
  opened.change([](Selection& wanted) {
    wanted.position.reset();
    choose_lanes(wanted, {id(0, 0), id(0, 1)});
  });
  EXPECT_EQ(lines_met(opened), 2) << "one frame";
  opened.change([](Selection& wanted) { choose_lanes(wanted, {id(0, 0), id(2, 1)}); });
  EXPECT_EQ(lines_met(opened), 4) << "two frames";
}

}  // namespace
}  // namespace dendrokv
