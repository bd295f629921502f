// Panels are moved by keys and by their titles, float, come back, and lie in a workspace as they
// were left.

#include <QApplication>
#include <QJsonArray>
#include <QJsonDocument>
#include <QMouseEvent>
#include <fstream>
#include <gtest/gtest.h>
#include <random>
#include <set>

#include "data/error.h"
#include "gui/json_file.h"
#include "gui/view_deck.h"
#include "tests/gui/opened_window.h"

namespace dendrokv {
namespace {

using testing::OpenedWindow;

/// Panels of a side that show and do not float, from the top down: by where they are on the window.
std::vector<std::string> column(OpenedWindow& opened, Side side) {
  const ViewDeck& deck = opened.window().deck();
  std::vector<std::pair<int, std::string>> found;
  for (const PanelPlace& place : deck.places()) {
    const View* const view = deck.view(place.view);
    if (place.side == side && !place.window && view->isVisible())
      found.emplace_back(view->mapTo(&deck, QPoint(0, 0)).y(), place.view);
  }
  std::sort(found.begin(), found.end());
  std::vector<std::string> names;
  for (const auto& [y, name] : found) names.push_back(name);
  return names;
}

using Names = std::vector<std::string>;

TEST(Panels, KeysMoveTheOneInFocus) {
  OpenedWindow opened;
  EXPECT_EQ(column(opened, Side::Centre),
            (Names{"overview", "text", "retention", "contributions", "variability"}));
  ViewDeck& deck = opened.window().deck();
  opened.press("F6");
  EXPECT_TRUE(opened.view("mosaic").hasFocus()) << "the first one";
  for (int i = 0; i < 3; ++i) opened.press("F6");
  EXPECT_EQ(deck.current(), "text");
  EXPECT_TRUE(opened.view("text").hasFocus());
  opened.press("Ctrl+Shift+Down");
  EXPECT_EQ(column(opened, Side::Centre),
            (Names{"overview", "retention", "text", "contributions", "variability"}));
  EXPECT_EQ(deck.current(), "text") << "the same panel goes on";
  opened.press("Ctrl+Shift+Up");
  opened.press("Ctrl+Shift+Up");
  opened.press("Ctrl+Shift+Up");
  EXPECT_EQ(column(opened, Side::Centre),
            (Names{"text", "overview", "retention", "contributions", "variability"}));
  opened.press("Ctrl+Shift+Right");
  EXPECT_EQ(column(opened, Side::Right), (Names{"inspector", "text"}));
  EXPECT_GT(opened.view("text").height(), 100) << "it gets its share";
  opened.press("Ctrl+Shift+Right");
  EXPECT_EQ(column(opened, Side::Right), (Names{"inspector", "text"})) << "there is no side beyond";
  deck.usual_places();
  EXPECT_EQ(column(opened, Side::Centre),
            (Names{"overview", "text", "retention", "contributions", "variability"}));
}

TEST(Panels, HiddenOnesArePassedBy) {
  OpenedWindow opened;
  ViewDeck& deck = opened.window().deck();
  deck.set_visibility("contributions", Visibility::Hidden);
  deck.move_panel("retention", 1);
  EXPECT_EQ(column(opened, Side::Centre), (Names{"overview", "text", "variability", "retention"}));
  deck.set_visibility("contributions", Visibility::Shown);
  EXPECT_EQ(column(opened, Side::Centre).size(), 5u);
  // Heights go with their panels.
  const int height = opened.view("text").height();
  deck.move_panel("text", -1);
  QApplication::processEvents();
  EXPECT_NEAR(opened.view("text").height(), height, 12);
}

TEST(Panels, AFocusThatCameByAKeyIsSeen) {
  OpenedWindow opened;
  View& view = opened.view("retention");
  const auto corner = [&view] { return view.grab().toImage().copy(0, view.height() / 2, 3, 1); };
  const QImage before = corner();
  view.setFocus(Qt::MouseFocusReason);
  EXPECT_EQ(corner(), before);
  opened.window().centralWidget()->setFocus();
  view.setFocus(Qt::TabFocusReason);
  EXPECT_NE(corner(), before);
  opened.window().centralWidget()->setFocus();
  EXPECT_EQ(corner(), before);
}

TEST(Panels, FloatAndComeBack) {
  OpenedWindow opened;
  ViewDeck& deck = opened.window().deck();
  deck.set_current("retention");
  opened.press("Ctrl+Shift+D");
  View& view = opened.view("retention");
  ASSERT_TRUE(deck.floats("retention"));
  EXPECT_NE(view.window(), &opened.window());
  EXPECT_EQ(view.window()->windowType(), Qt::Tool) << "keys of the main window work in it";
  EXPECT_TRUE(view.isVisible());
  EXPECT_EQ(column(opened, Side::Centre),
            (Names{"overview", "text", "contributions", "variability"}));
  // It still follows the selection.
  const QImage before = opened.picture("retention");
  opened.change([](Selection& wanted) { wanted.step = Step(20); });
  EXPECT_NE(opened.picture("retention"), before);
  deck.show_only("text");
  EXPECT_FALSE(view.window()->isVisible());
  deck.show_only({});
  EXPECT_TRUE(view.window()->isVisible());
  view.window()->close();
  QApplication::processEvents();
  EXPECT_FALSE(deck.floats("retention"));
  EXPECT_EQ(view.window(), &opened.window());
  EXPECT_EQ(column(opened, Side::Centre),
            (Names{"overview", "text", "retention", "contributions", "variability"}))
      << "where it was";
}

TEST(Panels, TitlesAreDragged) {
  OpenedWindow opened;
  ViewDeck& deck = opened.window().deck();
  const auto drag = [&](const char* name, QPoint to) {
    View& view = opened.view(name);
    const QPointF from(60, 12);
    const auto send = [&](QEvent::Type type, QPoint global, Qt::MouseButtons held) {
      QMouseEvent event(type, view.mapFromGlobal(global), global,
                        type == QEvent::MouseMove ? Qt::NoButton : Qt::LeftButton, held, {});
      QApplication::sendEvent(&view, &event);
    };
    const QPoint start = view.mapToGlobal(from.toPoint());
    send(QEvent::MouseButtonPress, start, Qt::LeftButton);
    send(QEvent::MouseMove, start + QPoint(30, 0), Qt::LeftButton);
    send(QEvent::MouseMove, to, Qt::LeftButton);
    send(QEvent::MouseButtonRelease, to, Qt::NoButton);
    QApplication::processEvents();
  };
  const auto place_in = [&opened](const char* name, double down) {
    const View& view = opened.view(name);
    return view.mapToGlobal(QPoint(view.width() / 2, static_cast<int>(view.height() * down)));
  };
  drag("variability", place_in("text", 0.2));
  EXPECT_EQ(column(opened, Side::Centre),
            (Names{"overview", "variability", "text", "retention", "contributions"}));
  drag("variability", place_in("inspector", 0.8));
  EXPECT_EQ(column(opened, Side::Right), (Names{"inspector", "variability"}));
  const std::optional<Position> locked = opened.now().position;
  drag("text", opened.window().mapToGlobal(QPoint(-400, 200)));
  EXPECT_TRUE(deck.floats("text"));
  EXPECT_EQ(opened.now().position, locked) << "a drag is no click";
  drag("text", place_in("retention", 0.9));
  EXPECT_FALSE(deck.floats("text"));
  EXPECT_EQ(column(opened, Side::Centre),
            (Names{"overview", "retention", "text", "contributions"}));
  EXPECT_EQ(QApplication::overrideCursor(), nullptr);
}

TEST(Panels, LieInAWorkspaceAsTheyWereLeft) {
  OpenedWindow opened;
  ViewDeck& deck = opened.window().deck();
  deck.move_panel("text", 1);
  deck.move_panel_across("density", 1);
  deck.float_panel("contributions", QRect(30, 40, 500, 300));
  const std::vector<PanelPlace> left = deck.places();
  const std::vector<int> sizes = deck.sizes();
  opened.window().save_workspace(opened.folder() / "w.dendrokv");
  deck.usual_places();
  EXPECT_NE(deck.places(), left);
  opened.window().open_workspace(opened.folder() / "w.dendrokv");
  testing::settle(opened.window());
  EXPECT_EQ(deck.places(), left);
  EXPECT_EQ(deck.sizes(), sizes);
  EXPECT_EQ(opened.view("contributions").window()->geometry(), QRect(30, 40, 500, 300));
}

TEST(Panels, OfAnotherVersionKeepTheOthersInOrder) {
  OpenedWindow opened;
  ViewDeck& deck = opened.window().deck();
  deck.set_places({{"text", Side::Left},
                   {"crystal ball", Side::Left},
                   {"retention", Side::Centre},
                   {"text", Side::Right}});
  EXPECT_EQ(column(opened, Side::Left), (Names{"text", "mosaic", "density"}));
  EXPECT_EQ(column(opened, Side::Centre),
            (Names{"retention", "overview", "contributions", "variability"}));
  const auto refusal = [&opened](const char* panels) {
    const QByteArray saved =
        workspace_text(opened.window().saved(), opened.folder() / "w.dendrokv");
    QJsonObject object = QJsonDocument::fromJson(saved).object();
    QJsonObject look = object[QStringLiteral("look")].toObject();
    look[QStringLiteral("panels")] = QJsonDocument::fromJson(panels).array();
    object[QStringLiteral("look")] = look;
    const QByteArray text = QJsonDocument(object).toJson();
    try {
      parse_workspace(opened.folder() / "w.dendrokv", text);
    } catch (const Error& error) {
      return std::string(error.what());
    }
    return std::string();
  };
  EXPECT_EQ(refusal(R"([{"view":"text","side":"left"}])"), "");
  EXPECT_NE(refusal(R"([{"view":"text","side":"top"}])").find("left, centre or right"),
            std::string::npos);
  EXPECT_NE(refusal(R"([{"view":"text","side":"left","window":[1,2]}])").find("window of a panel"),
            std::string::npos);
  EXPECT_NE(refusal(R"([{"view":"text","side":"left","window":[1,2,0,-5]}])"), "");
}

TEST(Panels, NoneIsLostWhateverIsDone) {
  OpenedWindow opened;
  ViewDeck& deck = opened.window().deck();
  std::mt19937 random(7);
  const std::span<const ViewRow> views = view_table();
  for (int turn = 0; turn < 150; ++turn) {
    const std::string_view name = views[random() % views.size()].name,
                           other = views[random() % views.size()].name;
    switch (random() % 6) {
      case 0:
        deck.move_panel(name, random() % 2 ? 1 : -1);
        break;
      case 1:
        deck.move_panel_across(name, random() % 2 ? 1 : -1);
        break;
      case 2:
        deck.float_panel(name);
        break;
      case 3:
        deck.dock_panel(name);
        break;
      case 4:
        deck.place_panel(name, other, random() % 2 ? PanelEdge::Above : PanelEdge::Below);
        break;
      default:
        deck.set_visibility(name, random() % 2 ? Visibility::Shown : Visibility::Hidden);
    }
    std::set<std::string> seen;
    for (const PanelPlace& place : deck.places()) {
      EXPECT_TRUE(seen.insert(place.view).second);
      EXPECT_EQ(deck.view(place.view)->isVisible(), deck.shows(place.view))
          << place.view << " " << turn;
    }
    EXPECT_EQ(seen.size(), views.size());
    const std::vector<PanelPlace> places = deck.places();
    if (turn % 10 == 0) {
      deck.set_places(places);
      EXPECT_EQ(deck.places(), places);
    }
  }
}

}  // namespace
}  // namespace dendrokv
