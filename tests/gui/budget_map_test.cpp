// A run whose lanes hold as many rows as a budget map says: what the window says of the lane in
// view, and of all, when the map is gone.

#include "data/budget_map.h"

#include <QComboBox>
#include <gtest/gtest.h>

#include "gui/inspector.h"
#include "gui/provenance.h"
#include "gui/retention_view.h"
#include "gui/style.h"
#include "tests/gui/opened_window.h"

namespace dendrokv {
namespace {

using testing::OpenedWindow;
using testing::TemporaryFolder;

/// Three layers of two lanes.
const BudgetMap kMap{3, 2, {20, 22, 24, 40, 28, 30}};

class BudgetMapTest : public ::testing::Test {
 protected:
  OpenedWindow& open(const std::string& policy) {
    write_budget_map(folder_ / "map.txt", kMap);
    testing::WindowSetUp set_up;
    set_up.policies = {policy + ",budget-map=" + (folder_ / "map.txt").string()};
    opened_.emplace(set_up);
    std::filesystem::remove(folder_ / "map.txt");
    look_at(LaneScope::One, 1, 1);
    return *opened_;
  }
  void look_at(LaneScope scope, uint32_t layer, uint32_t lane) {
    opened_->change([&](Selection& wanted) {
      wanted.run = 1;
      wanted.scope = scope;
      wanted.layer = Layer(layer);
      wanted.lane = Lane(lane);
    });
  }
  std::string caption(RetentionView::Rows rows) {
    auto& view = dynamic_cast<RetentionView&>(opened_->view("retention"));
    view.show_rows(rows);
    return view.caption().toStdString();
  }
  std::string inspected(const char* label) {
    for (const Section& section : inspect(opened_->content(), opened_->now(), nullptr).sections)
      for (const Entry& entry : section.entries)
        if (entry.label == QString::fromUtf8(label)) return entry.value.toStdString();
    return "absent";
  }

 private:
  TemporaryFolder folder_;
  std::optional<OpenedWindow> opened_;
};

bool ends_with(const std::string& text, const std::string& end) {
  return text.size() >= end.size() && text.substr(text.size() - end.size()) == end;
}

TEST_F(BudgetMapTest, TheTitleOfTheRunHasTheRangeOfAllLanesAndItsUnusualOptions) {
  OpenedWindow& opened = open("treekv:sinks=2,recent=6,cursor=printed");
  for (QComboBox* box : opened.window().findChildren<QComboBox*>())
    if (box->accessibleName() == QStringLiteral("run")) {
      EXPECT_EQ(box->itemText(1).toStdString(), "treekv · 20 to 40 rows per lane · cursor printed");
      return;
    }
  FAIL() << "no box of runs";
}

TEST_F(BudgetMapTest, CaptionsSayTheRowsOfWhatIsInView) {
  open("treekv:sinks=2,recent=6");
  EXPECT_TRUE(ends_with(caption(RetentionView::Rows::Steps), " · sinks 2 + tree 32 + recent 6"))
      << caption(RetentionView::Rows::Steps);
  EXPECT_NE(caption(RetentionView::Rows::Lanes).find("sinks 2 + tree 12 to 32 + recent 6"),
            std::string::npos)
      << caption(RetentionView::Rows::Lanes);
  look_at(LaneScope::One, 0, 0);
  EXPECT_TRUE(ends_with(caption(RetentionView::Rows::Steps), " · sinks 2 + tree 12 + recent 6"))
      << caption(RetentionView::Rows::Steps);
}

TEST_F(BudgetMapTest, AMapMaySayTheRecentRows) {
  open("streaming:sinks=4");
  EXPECT_TRUE(ends_with(caption(RetentionView::Rows::Steps), " · sinks 4 + recent 36"));
  EXPECT_NE(caption(RetentionView::Rows::Lanes).find("sinks 4 + recent 16 to 36"),
            std::string::npos);
}

TEST_F(BudgetMapTest, TheInspectorSaysTheBudgetOfTheLaneOrTheRangeOfItsLanes) {
  OpenedWindow& opened = open("treekv:sinks=2,recent=6");
  EXPECT_EQ(inspected("budget of the lane"), "40 rows");
  EXPECT_TRUE(inspected("rows held").starts_with("40 of"));
  look_at(LaneScope::One, 2, 0);
  EXPECT_EQ(inspected("budget of the lane"), "28 rows");
  look_at(LaneScope::LayerMean, 2, 0);
  EXPECT_EQ(inspected("budget of each"), "28 to 30 rows");
  look_at(LaneScope::AllMean, 2, 0);
  EXPECT_EQ(inspected("budget of each"), "20 to 40 rows");
  opened.change([](Selection& wanted) { wanted.run = 0; });
  EXPECT_EQ(inspected("budget of each"), "absent");
}

TEST_F(BudgetMapTest, PicturesSayItToo) {
  OpenedWindow& opened = open("treekv:sinks=2,recent=6");
  EXPECT_TRUE(provenance_lines(opened.window().document(), opened.now())[2].startsWith(
      QStringLiteral("layer 1, KV head 1 (40 rows) · step ")));
  look_at(LaneScope::AllMean, 0, 0);
  EXPECT_TRUE(provenance_lines(opened.window().document(), opened.now())[2].startsWith(
      QStringLiteral("mean of all lanes (20 to 40 rows) · step ")));
}

}  // namespace
}  // namespace dendrokv
