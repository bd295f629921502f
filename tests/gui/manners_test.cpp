// What the window does beside its views: commands, keys, workspaces, notes, comparison, tour, and
// broken files.

#include <QAccessible>
#include <QAction>
#include <QApplication>
#include <QMenu>
#include <QPlainTextEdit>
#include <fstream>
#include <gtest/gtest.h>
#include <random>
#include <set>

#include "data/error.h"
#include "data/lineage.h"
#include "gui/command_palette.h"
#include "gui/key_sheet.h"
#include "gui/main_window.h"
#include "gui/text_view.h"
#include "tests/gui/opened_window.h"

namespace dendrokv {
namespace {

using testing::OpenedWindow;

testing::WindowSetUp three_runs() {
  testing::WindowSetUp set_up;
  set_up.policies = {"treekv:capacity=16,sinks=2,recent=6", "streaming:sinks=2,recent=22"};
  return set_up;
}

/// Rows that wait for a person, or leave the trace that is open.
bool asks_or_leaves(std::string_view text) {
  static const std::set<std::string_view> kNames = {
      "Read again", "Restore the window closed last", "Menu", "Quit", "Tour", "Full screen"};
  return text.ends_with("…") || kNames.contains(text);
}

TEST(Actions, EveryOneHasANameAPlaceInThePaletteAndNoKeyTwice) {
  MainWindow window{ViewOptions()};
  std::set<std::string> names, keys, shown;
  const std::vector<QAction*> in_palette = palette_actions(window);
  for (const QAction* action : in_palette) {
    EXPECT_TRUE(names.insert(action->objectName().toStdString()).second)
        << action->objectName().toStdString();
    EXPECT_FALSE(action->property("group").toString().isEmpty()) << action->text().toStdString();
    for (const QKeySequence& key : action->shortcuts()) {
      EXPECT_FALSE(key.isEmpty());
      EXPECT_TRUE(keys.insert(key.toString().toStdString()).second) << key.toString().toStdString();
    }
  }
  EXPECT_GT(keys.size(), 60u);
  for (const QAction* action : window.findChildren<QAction*>()) {
    if (action->objectName().startsWith(QLatin1String("_q_")) || action->isSeparator()) continue;
    EXPECT_FALSE(action->objectName().isEmpty()) << action->text().toStdString();
    EXPECT_TRUE(action->menu() ||
                std::find(in_palette.begin(), in_palette.end(), action) != in_palette.end());
  }
}

TEST(Actions, TheMenuHoldsEveryRow) {
  MainWindow window{ViewOptions()};
  std::set<std::string> texts;
  for (QAction* submenu : window.controls().menu_button()->menu()->actions())
    for (QAction* action : submenu->menu()->actions()) texts.insert(action->text().toStdString());
  for (const ActionRow& row : action_table()) EXPECT_TRUE(texts.contains(std::string(row.text)));
}

TEST(Actions, NoneDoesHarmWithoutADocumentOrWithOne) {
  MainWindow window{ViewOptions()};
  for (const ActionRow& row : action_table())
    if (!asks_or_leaves(row.text)) row.run(window);
  EXPECT_EQ(window.selection().now(), Selection());
  OpenedWindow opened(three_runs());
  for (const ActionRow& row : action_table())
    if (!asks_or_leaves(row.text)) {
      row.run(opened.window());
      testing::settle(opened.window());
    }
  EXPECT_TRUE(opened.window().document().content());
}

TEST(Palette, LettersInOrderAndWordsFirst) {
  const auto score = [](const char* typed, const char* name) {
    return palette_score(QString::fromUtf8(typed), QString::fromUtf8(name));
  };
  EXPECT_EQ(score("xyz", "Next step"), 0);
  EXPECT_EQ(score("pn", "Next step"), 0) << "order counts";
  EXPECT_GT(score("ns", "Next step"), score("ns", "Light lanes"));
  EXPECT_GT(score("step", "Next step"), score("step", "Save the picture"));
}

TEST(Palette, FindsRunsAndGoes) {
  OpenedWindow opened;
  CommandPalette palette(palette_actions(opened.window()), &opened.window());
  palette.line()->setText(QStringLiteral("first step"));
  ASSERT_FALSE(palette.shown().isEmpty());
  EXPECT_EQ(palette.shown().front().toStdString(), "First step");
  Q_EMIT palette.line()->returnPressed();
  testing::settle(opened.window());
  EXPECT_EQ(opened.now().step, Step(0));
  CommandPalette places(palette_actions(opened.window()), &opened.window());
  QObject::connect(&places, &CommandPalette::went_to, &opened.window(),
                   [&](const QString& place) { opened.window().go_to(place); });
  places.line()->setText(QStringLiteral("step 33"));
  Q_EMIT places.line()->returnPressed();
  EXPECT_EQ(opened.now().step, Step(33));
  opened.window().go_to(QStringLiteral("2.1"));
  EXPECT_EQ(opened.now().layer, Layer(2));
  opened.window().go_to(QStringLiteral("over there"));
  EXPECT_TRUE(opened.window().notice().text().contains(QStringLiteral("no place")));
}

TEST(KeySheet, HoldsEveryKey) {
  OpenedWindow opened;
  KeySheet sheet(opened.window());
  QString all;
  for (const QLabel* label : sheet.findChildren<QLabel*>()) all += label->text();
  for (const QAction* action : palette_actions(opened.window()))
    EXPECT_TRUE(action->shortcuts().isEmpty() || all.contains(action->text().toHtmlEscaped()))
        << action->text().toStdString();
}

TEST(Lineage, KeysGoUpAndDownTheTree) {
  OpenedWindow opened;
  const Selection start = opened.now();
  const Retention& retention = opened.run().retention;
  ASSERT_TRUE(start.position);
  const std::vector<Position> chain =
      winners(retention, start.layer, start.lane, *start.position, start.step);
  ASSERT_GE(chain.size(), 2u);
  for (const Position winner : chain) {
    opened.press("Ctrl+Up");
    EXPECT_EQ(opened.now().position, winner);
  }
  opened.press("Ctrl+Up");
  EXPECT_EQ(opened.now().position, chain.back()) << "nobody took its place";
  opened.press("Ctrl+Down");
  EXPECT_EQ(opened.now().position,
            outlived(retention, start.layer, start.lane, chain.back(), start.step).back());
}

TEST(Lineage, EventsOfTheTokenAreWhereItWasReadWonAndLeft) {
  OpenedWindow opened;
  const Selection start = opened.now();
  const Retention& retention = opened.run().retention;
  std::set<uint32_t> steps = {start.position->value};
  const auto evicted = retention.evict_step(start.layer, start.lane);
  const auto rival = retention.rival(start.layer, start.lane);
  for (size_t p = 0; p < evicted.size(); ++p)
    if (rival[p] == static_cast<int32_t>(start.position->value))
      steps.insert(static_cast<uint32_t>(evicted[p]));
  steps.insert(static_cast<uint32_t>(evicted[start.position->index()]));
  opened.change([](Selection& wanted) { wanted.step = Step(0); });
  for (const uint32_t step : steps) {
    opened.press("]");
    EXPECT_EQ(opened.now().step, Step(step));
  }
  opened.press("[");
  EXPECT_EQ(opened.now().step, Step(*std::next(steps.rbegin())));
}

TEST(Compare, CyclesThroughTheRunsAndShowsTheViewsOfAComparison) {
  OpenedWindow opened(three_runs());
  const std::vector<std::string> before = opened.window().deck().shown();
  opened.press("C");
  EXPECT_EQ(opened.now().others, std::vector<size_t>{2});
  EXPECT_TRUE(opened.view("compare").isVisible());
  EXPECT_TRUE(opened.view("agreement").isVisible());
  const QImage two = opened.picture("compare");
  opened.press("C");
  EXPECT_TRUE(opened.now().others.empty());
  EXPECT_EQ(opened.window().deck().shown(), before);
  opened.change([](Selection& wanted) { wanted.others = {0, 2}; });
  opened.press("J");
  EXPECT_TRUE(opened.window().notice().text().contains(QStringLiteral("Jaccard")));
}

TEST(Compare, SideBySideFollowsAndLeads) {
  OpenedWindow opened(three_runs());
  opened.press("V");
  ASSERT_EQ(opened.window().comparison().panes().size(), 1u);
  SidePane& pane = *opened.window().comparison().panes().front();
  EXPECT_EQ(pane.workspace().selection.now().run, 2u);
  opened.change([](Selection& wanted) {
    wanted.step = Step(50);
    wanted.position = Position(11);
    wanted.layer = Layer(0);
  });
  EXPECT_EQ(pane.workspace().selection.now().step, Step(50));
  EXPECT_EQ(pane.workspace().selection.now().position, Position(11));
  pane.workspace().selection.change([](Selection& wanted) { wanted.position = Position(20); });
  EXPECT_EQ(opened.now().position, Position(20));
  EXPECT_EQ(opened.now().run, 1u) << "each keeps its run";
  View* text = pane.findChild<TextView*>();
  ASSERT_TRUE(text);
  QImage picture(text->size(), QImage::Format_RGB32);
  text->render(&picture);
  EXPECT_GT(testing::count_of(picture, opened.colours().recent), 100) << "its text is there";
  opened.press("V");
  EXPECT_TRUE(opened.window().comparison().panes().empty());
}

TEST(Compare, BlinkingChangesThePictureAndNotTheHistory) {
  OpenedWindow opened(three_runs());
  opened.change([](Selection& wanted) { wanted.others = {2}; });
  const QImage first = opened.picture("text");
  opened.window().comparison().blink_once();
  EXPECT_EQ(opened.now().run, 2u);
  EXPECT_NE(opened.picture("text"), first);
  opened.window().comparison().blink_once();
  EXPECT_EQ(opened.now().run, 1u);
  EXPECT_EQ(opened.picture("text"), first);
  opened.press("Ctrl+Z");
  EXPECT_TRUE(opened.now().others.empty());
}

TEST(Compare, AnotherTraceOfTheTextIsAlignedByToken) {
  OpenedWindow opened;
  testing::SampleOptions longer;
  longer.tokens = 120;
  testing::write_sample_trace(opened.folder() / "longer.h5", longer);
  opened.window().comparison().open_beside({opened.folder() / "longer.h5"});
  testing::settle(opened.window());
  ASSERT_TRUE(opened.window().workspace().beside);
  EXPECT_EQ(opened.window().workspace().beside->alignment.shared(), 96u);
  opened.press("V");
  ASSERT_EQ(opened.window().comparison().panes().size(), 1u);
  opened.change([](Selection& wanted) { wanted.step = Step(40); });
  EXPECT_EQ(opened.window().comparison().panes().front()->workspace().selection.now().step,
            Step(40));
  EXPECT_GT(testing::colours_in(opened.picture("compare")), 10);
  // The comparison ends with its document.
  testing::open_and_settle(opened.window(), {opened.trace()});
  EXPECT_FALSE(opened.window().workspace().beside);
  EXPECT_TRUE(opened.window().comparison().panes().empty());
}

TEST(Workspaces, BringBackWhatWasSaved) {
  OpenedWindow opened(three_runs());
  opened.change([](Selection& wanted) {
    wanted.run = 2;
    wanted.step = Step(44);
    wanted.position = Position(12);
    wanted.range = {Position(10), Position(14)};
    wanted.visible = 40;
  });
  opened.window().set_theme(Theme::Dark);
  opened.window().deck().set_visibility("lineage", Visibility::Shown);
  testing::settle(opened.window());
  EXPECT_GT(opened.view("lineage").height(), 100) << "it gets its share of the side";
  const auto file = opened.folder() / "w.dendrokv";
  opened.window().save_workspace(file);
  const std::string saved = testing::read_text(file);
  MainWindow other{ViewOptions()};
  other.resize(1920, 1080);
  other.show();
  EXPECT_EQ(testing::open_and_settle(other, {file}).toStdString(), "");
  EXPECT_EQ(other.selection().now(), opened.now());
  EXPECT_EQ(other.workspace().style.theme, Theme::Dark);
  EXPECT_EQ(other.deck().shown(), opened.window().deck().shown());
  other.save_workspace(file);
  EXPECT_EQ(testing::read_text(file), saved) << "byte for byte";
}

TEST(Workspaces, AskForATraceThatIsGone) {
  OpenedWindow opened;
  const auto file = opened.folder() / "w.dendrokv", moved = opened.folder() / "moved.h5";
  opened.change([](Selection& wanted) { wanted.step = Step(31); });
  opened.window().save_workspace(file);
  std::filesystem::rename(opened.trace(), moved);
  QString asked;
  QObject::connect(&opened.window(), &MainWindow::missing_trace,
                   [&asked](const QString&, const QString& trace) { asked = trace; });
  opened.window().open({file});
  EXPECT_EQ(asked.toStdString(), opened.trace().string());
  EXPECT_TRUE(opened.window().message().contains(QStringLiteral("is gone")));
  opened.window().open_workspace(file, moved);
  testing::settle(opened.window());
  EXPECT_EQ(opened.window().message().toStdString(), "");
  EXPECT_EQ(opened.now().step, Step(31));
}

TEST(Workspaces, OfALongerTextAndMoreLayersAreBroughtIntoRange) {
  OpenedWindow opened;
  SavedWorkspace saved = opened.window().saved();
  saved.selection.run = 99;
  saved.selection.layer = Layer(77);
  saved.selection.lane = Lane(88);
  saved.selection.step = Step(4'000'000);
  saved.selection.position = Position(4'000'000'000);
  saved.selection.others = {5, 6};
  saved.views = {"text", "no such view"};
  saved.sizes = {1, 2};
  const auto file = opened.folder() / "w.dendrokv";
  std::ofstream(file) << workspace_text(saved, file).toStdString();
  ViewOptions options;
  options.run = 1;
  MainWindow window(options);
  EXPECT_EQ(testing::open_and_settle(window, {file}).toStdString(), "");
  EXPECT_EQ(window.selection().now().step, Step(95));
  EXPECT_EQ(window.selection().now().layer, Layer(2));
}

TEST(Notes, LieBesideTheTraceWhichStaysAsItIs) {
  OpenedWindow opened;
  const std::string before = testing::read_text(opened.trace());
  MainWindow window(ViewOptions(), Memory::Sidecars);
  window.resize(1400, 900);
  window.show();
  testing::open_and_settle(window, {opened.trace()});
  window.selection().change([](Selection& wanted) {
    wanted.position = Position(30);
    wanted.range.reset();
  });
  window.notes_panel().show();
  window.notes_panel().add_note();
  window.findChild<QPlainTextEdit*>()->setPlainText(QStringLiteral("watch this one"));
  ASSERT_EQ(window.notes().notes().size(), 1u);
  EXPECT_EQ(testing::read_text(opened.trace()), before);
  MainWindow later(ViewOptions(), Memory::Sidecars);
  testing::open_and_settle(later, {opened.trace()});
  ASSERT_EQ(later.notes().notes().size(), 1u);
  EXPECT_EQ(later.notes().notes()[0].text.toStdString(), "watch this one");
  EXPECT_EQ(later.workspace().marks.notes, later.notes().notes());
  later.selection().change([](Selection& wanted) { wanted.position.reset(); });
  later.notes_panel().go(1);
  EXPECT_EQ(later.selection().now().position, Position(30));
  ViewOptions clean;
  clean.clean = true;
  MainWindow without(clean, Memory::Sidecars);
  testing::open_and_settle(without, {opened.trace()});
  EXPECT_TRUE(without.notes().notes().empty());
}

TEST(Notices, AReplacedTraceIsSaidAndReadAgainOnRequest) {
  OpenedWindow opened;
  testing::SampleOptions shorter;
  shorter.tokens = 30;
  testing::write_sample_trace(opened.trace(), shorter);
  // What the document's own watch does when it sees another file under the name.
  Q_EMIT opened.window().document().replaced(QStringLiteral("replaced"));
  EXPECT_EQ(opened.window().notice().text().toStdString(), "replaced");
  EXPECT_EQ(opened.content().info.tokens, 96u) << "what was read stays";
  opened.window().open({opened.trace()});
  testing::settle(opened.window());
  EXPECT_EQ(opened.content().info.tokens, 30u);
  EXPECT_EQ(opened.window().notice().text().toStdString(), "");
}

TEST(Looks, FontsGrowAndNothingIsCutOff) {
  OpenedWindow opened;
  const int height = opened.window().controls().height();
  opened.press("Ctrl++");
  opened.press("Ctrl++");
  EXPECT_EQ(font_percent(), 120);
  EXPECT_GT(opened.window().controls().height(), height);
  for (const QLabel* label : opened.window().controls().findChildren<QLabel*>())
    EXPECT_TRUE(!label->isVisible() || label->height() >= QFontMetrics(label->font()).height());
  opened.press("Ctrl+0");
  EXPECT_EQ(font_percent(), 100);
}

TEST(Accessibility, ACanvasIsATableWhoseCellIsTheTokenInFocus) {
  OpenedWindow opened;
  opened.change([](Selection& wanted) { wanted.position = Position(3); });
  QAccessibleInterface* table = QAccessible::queryAccessibleInterface(&opened.view("text"));
  ASSERT_TRUE(table);
  EXPECT_EQ(table->role(), QAccessible::Table);
  EXPECT_EQ(table->text(QAccessible::Name).toStdString(), "Text");
  QAccessibleInterface* cell = table->child(table->childCount() - 1);
  ASSERT_TRUE(cell);
  EXPECT_EQ(cell->role(), QAccessible::Cell);
  EXPECT_TRUE(cell->text(QAccessible::Name).contains(QStringLiteral("position 3")));
  EXPECT_FALSE(cell->text(QAccessible::Value).isEmpty());
  EXPECT_EQ(cell->parent(), table);
  const int children = table->childCount();
  opened.change([](Selection& wanted) { wanted.position.reset(); });
  EXPECT_EQ(table->childCount(), children - 1);
}

TEST(Tour, LeadsThroughTheBuiltInSample) {
  testing::TemporaryFolder cache;
  qputenv("XDG_CACHE_HOME", cache.path().c_str());
  MainWindow window{ViewOptions()};
  window.resize(1600, 900);
  window.show();
  window.start_tour();
  testing::settle(window);
  EXPECT_EQ(window.message().toStdString(), "");
  ASSERT_TRUE(window.document().content());
  EXPECT_GE(window.document().content()->runs.size(), 3u);
  for (size_t stop = 0; stop < tour_stops().size(); ++stop) {
    EXPECT_EQ(window.tour().stop(), stop);
    ASSERT_TRUE(window.tour().isVisible());
    EXPECT_TRUE(window.centralWidget()->rect().contains(window.tour().geometry()))
        << "the card is inside of the window";
    const View* const about = window.view(tour_stops()[stop].view);
    EXPECT_TRUE(!about || about->isVisible());
    window.tour().go(1);
    testing::settle(window);
  }
  EXPECT_FALSE(window.tour().isVisible());
  qunsetenv("XDG_CACHE_HOME");
}

TEST(BrokenTraces, AreSaidInWordsOrShownNeverACrash) {
  testing::TemporaryFolder folder;
  testing::SampleOptions small;
  small.tokens = 24;
  small.layers = 1;
  testing::write_sample_trace(folder / "t.h5", small);
  const std::string whole = testing::read_text(folder / "t.h5");
  std::mt19937 random(17);
  MainWindow window{ViewOptions()};
  window.resize(1200, 800);
  window.show();
  int said = 0;
  for (int round = 0; round < 60; ++round) {
    std::string bytes = whole;
    if (round % 3 == 0) bytes.resize(random() % bytes.size());
    for (int change = 0; change < 20 && !bytes.empty(); ++change)
      bytes[random() % bytes.size()] = static_cast<char>(random());
    std::ofstream(folder / "broken.h5", std::ios::binary) << bytes;
    said += !testing::open_and_settle(window, {folder / "broken.h5"}).isEmpty();
  }
  EXPECT_GT(said, 15);
  EXPECT_EQ(testing::open_and_settle(window, {folder / "t.h5"}).toStdString(), "");
}

}  // namespace
}  // namespace dendrokv
