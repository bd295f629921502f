#include "gui/main_window.h"

#include <QAction>
#include <QApplication>
#include <QDropEvent>
#include <QKeyEvent>
#include <QLineEdit>
#include <QMenu>
#include <QMimeData>
#include <QSlider>
#include <QUrl>
#include <gtest/gtest.h>
#include <set>

#include "gui/search.h"
#include "tests/gui/opened_window.h"

namespace dendrokv {
namespace {

using testing::OpenedWindow;

template <class Kind>
Kind* named(MainWindow& window, const char* accessible_name) {
  for (Kind* widget : window.findChildren<Kind*>())
    if (widget->accessibleName() == QString::fromUtf8(accessible_name)) return widget;
  ADD_FAILURE() << "no control is named " << accessible_name;
  return nullptr;
}

TEST(Keys, Steps) {
  OpenedWindow opened;
  const auto step_after = [&opened](const char* keys) {
    opened.press(keys);
    return opened.now().step.value;
  };
  EXPECT_EQ(step_after("Left"), 94u);
  EXPECT_EQ(step_after("Alt+Left"), 84u);
  EXPECT_EQ(step_after("Right"), 85u);
  EXPECT_EQ(step_after("Alt+Right"), 95u);
  EXPECT_EQ(step_after("Shift+Left"), 0u);
  EXPECT_EQ(step_after("Left"), 0u);
  EXPECT_EQ(step_after("End"), 95u);
  EXPECT_EQ(step_after("Home"), 0u);
  EXPECT_EQ(step_after("Shift+Right"), 95u);
  opened.press("Ctrl+Z");
  EXPECT_EQ(opened.now().step, Step(0));
  opened.press("Ctrl+Shift+Z");
  EXPECT_EQ(opened.now().step, Step(95));
}

TEST(Keys, EvictionsOfTheLane) {
  OpenedWindow opened;
  opened.change([](Selection& wanted) { wanted.step = Step(0); });
  const Selection start = opened.now();
  std::set<uint32_t> steps;
  for (const int32_t step : opened.run().retention.evict_step(start.layer, start.lane))
    if (step >= 0) steps.insert(static_cast<uint32_t>(step));
  ASSERT_GT(steps.size(), 20u);
  for (const uint32_t step : steps) {
    opened.press(".");
    ASSERT_EQ(opened.now().step, Step(step));
  }
  opened.press(".");
  EXPECT_EQ(opened.now().step, Step(*steps.rbegin())) << "there is no later one";
  opened.press(",");
  EXPECT_EQ(opened.now().step, Step(*std::next(steps.rbegin())));
}

TEST(Keys, LanesAndMeans) {
  OpenedWindow opened;
  opened.change([](Selection& wanted) {
    wanted.layer = Layer(0);
    wanted.lane = Lane(1);
  });
  opened.press("Down");
  EXPECT_EQ(opened.now().layer, Layer(1));
  EXPECT_EQ(opened.now().lane, Lane(0));
  opened.press("Up");
  EXPECT_EQ(opened.now().lane, Lane(1));
  opened.press("M");
  EXPECT_EQ(opened.now().scope, LaneScope::LayerMean);
  opened.press("Shift+M");
  EXPECT_EQ(opened.now().scope, LaneScope::AllMean);
  opened.press("Shift+M");
  EXPECT_EQ(opened.now().scope, LaneScope::One);
}

TEST(Keys, PositionsZoomAndPan) {
  OpenedWindow opened;
  opened.change([](Selection& wanted) { wanted.position = Position(10); });
  opened.press("Ctrl+Right");
  EXPECT_EQ(opened.now().position, Position(11));
  opened.press("Ctrl+Left");
  EXPECT_EQ(opened.now().position, Position(10));
  opened.press("Esc");
  EXPECT_EQ(opened.now().position, std::nullopt);
  opened.press("W");
  EXPECT_EQ(opened.now().visible, 67u);
  EXPECT_EQ(opened.now().first_visible, Position(14));
  opened.press("D");
  EXPECT_EQ(opened.now().first_visible, Position(27));
  opened.press("A");
  EXPECT_EQ(opened.now().first_visible, Position(13));
  opened.press("F");
  EXPECT_EQ(opened.now().visible, 96u);
  opened.press("Backspace");
  EXPECT_EQ(opened.now().first_visible, Position(13));
}

TEST(Keys, FramesTheRangeThenTheWholeText) {
  OpenedWindow opened;
  opened.change([](Selection& wanted) { wanted.range = {Position(40), Position(59)}; });
  opened.press("F");
  EXPECT_EQ(opened.now().first_visible, Position(35));
  EXPECT_EQ(opened.now().visible, 30u);
  opened.press("F");
  EXPECT_EQ(opened.now().visible, 96u);
}

TEST(Keys, OneViewAlone) {
  OpenedWindow opened;
  std::set<std::string_view> at_start;
  for (const ViewRow& row : view_table())
    if (opened.view(row.name).isVisible()) at_start.insert(row.name);
  EXPECT_EQ(view_table()[2].name, "overview");
  opened.press("3");
  for (const ViewRow& row : view_table())
    EXPECT_EQ(opened.view(row.name).isVisible(), row.name == "overview") << row.name;
  opened.press("0");
  for (const ViewRow& row : view_table())
    EXPECT_EQ(opened.view(row.name).isVisible(), at_start.contains(row.name)) << row.name;
}

TEST(Keys, ThemeAndMarksChangeThePicture) {
  OpenedWindow opened;
  const QImage light = opened.picture("text");
  opened.press("L");
  EXPECT_NE(light, opened.picture("text"));
  opened.press("L");
  EXPECT_EQ(light, opened.picture("text"));
  opened.press("T");
  EXPECT_EQ(testing::pixel(opened.picture("text"), {200, 2}), palette(Theme::Dark).panel);
}

TEST(Controls, EveryControlHasAnAccessibleName) {
  OpenedWindow opened;
  int controls = 0;
  for (QWidget* widget : opened.window().findChildren<QWidget*>()) {
    const bool inside = qobject_cast<QComboBox*>(widget->parentWidget()) ||
                        qobject_cast<QAbstractSpinBox*>(widget->parentWidget()) ||
                        qobject_cast<QLineEdit*>(widget->parentWidget());
    const bool control = qobject_cast<QComboBox*>(widget) || qobject_cast<QSpinBox*>(widget) ||
                         qobject_cast<QSlider*>(widget) || qobject_cast<QToolButton*>(widget) ||
                         qobject_cast<QLineEdit*>(widget) || qobject_cast<View*>(widget) ||
                         qobject_cast<Badge*>(widget);
    if (!control || inside || !widget->isVisible()) continue;
    ++controls;
    EXPECT_FALSE(widget->accessibleName().isEmpty()) << widget->metaObject()->className();
  }
  EXPECT_GT(controls, 18) << "menu, run, lane, layer, step, badge, buttons, search, views";
}

TEST(Controls, TabReachesEachOfThem) {
  OpenedWindow opened;
  MainWindow& window = opened.window();
  QApplication::setActiveWindow(&window);
  std::set<std::string> reached;
  for (int i = 0; i < 30; ++i) {
    QKeyEvent tab(QEvent::KeyPress, Qt::Key_Tab, Qt::NoModifier);
    QApplication::sendEvent(window.focusWidget() ? window.focusWidget() : &window, &tab);
    if (window.focusWidget()) reached.insert(window.focusWidget()->accessibleName().toStdString());
  }
  for (const char* name :
       {"menu", "run", "layer", "lane of the layer, or mean", "step", "previous step (Left)",
        "play or pause (Space)", "next step (Right)", "find text", "quantity of the map"})
    EXPECT_TRUE(reached.contains(name)) << name;
}

TEST(Controls, AtFirstNoControlHasTheKeys) {
  OpenedWindow opened;
  QApplication::setActiveWindow(&opened.window());
  QWidget* focus = opened.window().focusWidget();
  EXPECT_TRUE(!focus || focus->accessibleName().isEmpty()) << focus->accessibleName().toStdString();
}

TEST(Controls, TheSliderGoesToAStepAndFollowsIt) {
  OpenedWindow opened;
  QSlider* slider = named<QSlider>(opened.window(), "step");
  EXPECT_EQ(slider->value(), 95);
  slider->setValue(33);
  EXPECT_EQ(opened.now().step, Step(33));
  opened.press("Right");
  EXPECT_EQ(slider->value(), 34);
}

TEST(Controls, ChoicesOfRunLayerAndLane) {
  testing::WindowSetUp set_up;
  set_up.policies = {"treekv:capacity=16,sinks=2,recent=6", "streaming:sinks=4,recent=20"};
  OpenedWindow opened(set_up);
  auto* runs = named<QComboBox>(opened.window(), "run");
  ASSERT_EQ(runs->count(), 3);
  EXPECT_EQ(runs->currentIndex(), 1) << "the first that evicts";
  EXPECT_EQ(runs->itemText(2).toStdString(), "streaming · 24 rows per lane");
  runs->setCurrentIndex(2);
  Q_EMIT runs->activated(2);
  EXPECT_EQ(opened.now().run, 2u);
  named<QSpinBox>(opened.window(), "layer")->setValue(2);
  EXPECT_EQ(opened.now().layer, Layer(2));
  auto* lanes = named<QComboBox>(opened.window(), "lane of the layer, or mean");
  ASSERT_EQ(lanes->count(), 5) << "two lanes, two means, a set";
  for (const auto& [index, scope] : {std::pair(2, LaneScope::LayerMean), {3, LaneScope::AllMean}}) {
    Q_EMIT lanes->activated(index);
    EXPECT_EQ(opened.now().scope, scope);
    EXPECT_EQ(lanes->currentIndex(), index);
  }
  Q_EMIT lanes->activated(0);
  EXPECT_EQ(opened.now().scope, LaneScope::One);
  EXPECT_EQ(opened.now().lane, Lane(0));
}

TEST(Controls, TheBadgeSaysHowTheRunWasMade) {
  OpenedWindow opened;
  const Badge* badge = opened.window().findChild<Badge*>();
  ASSERT_TRUE(badge);
  EXPECT_EQ(badge->text().toStdString(), "open-loop replay");
  EXPECT_EQ(badge->accessibleDescription().toStdString(), "open-loop replay");
  opened.change([](Selection& wanted) { wanted.run = 0; });
  EXPECT_EQ(badge->text().toStdString(), "closed loop");
}

TEST(Controls, FindGoesFromHitToHitAndRoundAgain) {
  OpenedWindow opened;
  auto* find = named<QLineEdit>(opened.window(), "find text");
  opened.change([](Selection& wanted) { wanted.position.reset(); });
  find->setText(QStringLiteral("the"));
  const std::vector<PositionRange> hits =
      search_tokens(opened.content().tokens, parse_query(QStringLiteral("the"))).hits;
  ASSERT_GT(hits.size(), 3u);
  EXPECT_EQ(opened.window().workspace().marks.hits, hits);
  for (const PositionRange& hit : hits) {
    opened.press("F3");
    EXPECT_EQ(opened.now().position, hit.first);
    EXPECT_EQ(opened.now().range, hit);
  }
  opened.press("F3");
  EXPECT_EQ(opened.now().position, hits.front().first);
  opened.press("Shift+F3");
  EXPECT_EQ(opened.now().position, hits.back().first);
  find->setText(QStringLiteral("no such words"));
  opened.press("F3");
  EXPECT_EQ(opened.now().position, hits.back().first);
  find->setText(QStringLiteral("/(/"));
  EXPECT_FALSE(find->toolTip().isEmpty()) << "why it is no pattern";
}

TEST(Controls, EscapeGivesTheKeysBackBeforeItLetsTheTokenGo) {
  OpenedWindow opened;
  QApplication::setActiveWindow(&opened.window());
  opened.change([](Selection& wanted) { wanted.position = Position(4); });
  opened.press("Ctrl+F");
  auto* find = named<QLineEdit>(opened.window(), "find text");
  ASSERT_TRUE(find->hasFocus());
  opened.press("Esc");
  EXPECT_FALSE(find->hasFocus());
  EXPECT_EQ(opened.now().position, Position(4));
  opened.press("Esc");
  EXPECT_EQ(opened.now().position, std::nullopt);
}

TEST(Controls, TheRunAndTheBadgeStayInANarrowWindow) {
  OpenedWindow opened;
  for (const int width : {960, 1100, 1400, 2200}) {
    opened.window().resize(width, 600);
    testing::settle(opened.window());
    ASSERT_EQ(opened.window().width(), width);
    const ControlBar& bar = opened.window().controls();
    int right = 0;
    std::vector<QWidget*> widgets;
    for (QWidget* widget : bar.findChildren<QWidget*>(QString(), Qt::FindDirectChildrenOnly))
      if (widget->isVisible()) widgets.push_back(widget);
    std::sort(widgets.begin(), widgets.end(),
              [](QWidget* first, QWidget* second) { return first->x() < second->x(); });
    for (QWidget* widget : widgets) {
      EXPECT_GE(widget->x(), right) << "overlap at " << width;
      right = widget->x() + widget->width();
      EXPECT_GE(widget->width(), widget->minimumWidth());
    }
    EXPECT_LE(right, width);
    EXPECT_TRUE(opened.window().findChild<Badge*>()->isVisible());
    EXPECT_TRUE(named<QComboBox>(opened.window(), "run")->isVisible());
  }
}

TEST(MainWindow, StandsEmptyWithAnInvitation) {
  MainWindow window{ViewOptions()};
  EXPECT_TRUE(window.message().contains(QStringLiteral("Ctrl+O")));
}

TEST(MainWindow, AFailureIsSaidInPlaceOfTheViews) {
  OpenedWindow opened;
  EXPECT_NE(testing::open_and_settle(opened.window(), {opened.folder() / "none.h5"})
                .toStdString()
                .find("none.h5"),
            std::string::npos);
  for (const ActionRow& row : action_table())
    if (row.menu == "Step" || row.menu == "Lane") row.run(opened.window());
  EXPECT_EQ(testing::open_and_settle(opened.window(), {opened.trace()}).toStdString(), "");
}

TEST(MainWindow, OptionsThatDoNotFitAreRefusedInWords) {
  testing::TemporaryFolder folder;
  testing::write_sample_trace(folder / "t.h5", {});
  ViewOptions options;
  options.step = Step(500);
  MainWindow window(options);
  EXPECT_EQ(testing::open_and_settle(window, {folder / "t.h5"}).toStdString(),
            "--step: 500, wanted less than 96, the tokens of the text");
}

TEST(MainWindow, OptionsHoldForTheFirstDocumentAndAreNotUndoable) {
  testing::WindowSetUp set_up;
  set_up.options.step = Step(40);
  set_up.options.at = Position(7);
  OpenedWindow opened(set_up);
  EXPECT_EQ(opened.now().step, Step(40));
  EXPECT_EQ(opened.now().position, Position(7));
  EXPECT_FALSE(opened.window().selection().can_undo());
  testing::open_and_settle(opened.window(), {opened.trace()});
  EXPECT_EQ(opened.now().step, Step(95));
}

TEST(MainWindow, OpensWhatIsDropped) {
  OpenedWindow opened;
  testing::SampleOptions shorter;
  shorter.tokens = 20;
  testing::write_sample_trace(opened.folder() / "u.h5", shorter);
  QMimeData data;
  data.setUrls({QUrl::fromLocalFile(QString::fromStdString((opened.folder() / "u.h5").string()))});
  QDragEnterEvent enter(QPoint(50, 50), Qt::CopyAction, &data, Qt::LeftButton, Qt::NoModifier);
  QApplication::sendEvent(&opened.window(), &enter);
  ASSERT_TRUE(enter.isAccepted());
  QDropEvent drop(QPointF(50, 50), Qt::CopyAction, &data, Qt::LeftButton, Qt::NoModifier);
  QApplication::sendEvent(&opened.window(), &drop);
  testing::settle(opened.window());
  EXPECT_EQ(opened.content().info.tokens, 20u);
}

}  // namespace
}  // namespace dendrokv
