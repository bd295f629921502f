// Panels on the move: among those of their side, to another side, into windows of their own and
// back.

#include <QCloseEvent>
#include <QTimer>
#include <QVBoxLayout>
#include <algorithm>

#include "gui/view_deck.h"

namespace dendrokv {
namespace {

/// A tool window of the main one, so that the keys work in it; closing it docks the panel.
class PanelWindow : public QWidget {
 public:
  PanelWindow(ViewDeck& deck, std::string_view name)
      : QWidget(deck.window(), Qt::Tool), deck_(deck), name_(name) {
    setWindowTitle(to_qt(view_row(name).title));
    setObjectName(QStringLiteral("body"));
    setAttribute(Qt::WA_StyledBackground);
    auto* layout = new QVBoxLayout(this);
    layout->setContentsMargins(0, 0, 0, 0);
    layout->addWidget(deck.view(name));
  }

 protected:
  void closeEvent(QCloseEvent* event) override {
    event->ignore();  // the deck deletes it once the panel is out
    QTimer::singleShot(0, &deck_, [&deck = deck_, name = name_] { deck.dock_panel(name); });
  }

 private:
  ViewDeck& deck_;
  std::string_view name_;
};

/// A widget that gets another parent loses the focus to some neighbour, which would be the current
/// panel then.
class FocusKept {
 public:
  FocusKept(ViewDeck& deck, std::string_view& current)
      : deck_(deck), current_(current), before_(current) {
    const View* const view = deck.view(before_);
    focus_ = view && view->hasFocus();
  }
  ~FocusKept() {
    current_ = before_;
    if (focus_) deck_.view(before_)->setFocus(Qt::ShortcutFocusReason);
  }
  FocusKept(const FocusKept&) = delete;
  FocusKept& operator=(const FocusKept&) = delete;

 private:
  ViewDeck& deck_;
  std::string_view& current_;
  std::string_view before_;
  bool focus_ = false;
};

}  // namespace

ViewDeck::Row& ViewDeck::row_of(std::string_view name) {
  return *std::find_if(sides_.begin(), sides_.end(), [name](const Row& side) {
    return std::find(side.order.begin(), side.order.end(), name) != side.order.end();
  });
}

std::vector<std::string_view> ViewDeck::in_sight() const {
  std::vector<std::string_view> names;
  for (const Row& side : sides_)
    for (const std::string_view name : side.order)
      if (shows(name)) names.push_back(name);
  return names;
}

std::string_view ViewDeck::current() const {
  const std::vector<std::string_view> names = in_sight();
  if (std::find(names.begin(), names.end(), current_) != names.end()) return current_;
  return names.empty() ? std::string_view() : names.front();
}

void ViewDeck::set_current(std::string_view name) {
  current_ = view_row(name).name;
}

void ViewDeck::focus_panel(int by) {
  const std::vector<std::string_view> names = in_sight();
  if (names.empty()) return;
  const auto count = static_cast<int>(names.size());
  const auto at =
      static_cast<int>(std::find(names.begin(), names.end(), current()) - names.begin());
  // The first time the first one.
  const bool none = !views_[names[static_cast<size_t>(at)]]->hasFocus();
  current_ = names[static_cast<size_t>(none ? at : (at + by + count) % count)];
  View* const view = views_[current_];
  view->window()->activateWindow();
  view->setFocus(Qt::ShortcutFocusReason);
}

/// The widgets of each side as its order says; heights go with their panels.
void ViewDeck::lay_panels() {
  const FocusKept focus(*this, current_);
  std::map<const QWidget*, int> heights;
  for (const Row& side : sides_)
    for (int i = 0; i < side.splitter->count(); ++i)
      heights[side.splitter->widget(i)] = side.splitter->sizes().value(i);
  for (const Row& side : sides_) {
    QList<int> wanted;
    for (const std::string_view name : side.order) {
      if (floats(name)) continue;
      View* const view = views_[name];
      const int place = static_cast<int>(wanted.size());
      side.splitter->insertWidget(place, view);
      side.splitter->setStretchFactor(place, view_row(name).share);
      wanted << std::max(view->minimumHeight(), heights[view]);
    }
    side.splitter->setSizes(wanted);
  }
  arrange();
}

void ViewDeck::move_panel(std::string_view name, int by) {
  if (!view(name) || floats(name)) return;
  std::vector<std::string_view>& order = row_of(name).order;
  const auto at = std::find(order.begin(), order.end(), name);
  // Those that do not show are passed by.
  auto other = at;
  do {
    if (by < 0 ? other == order.begin() : other + 1 == order.end()) return;
    other += by < 0 ? -1 : 1;
  } while (!shows(*other) || floats(*other));
  place_panel(name, *other, by < 0 ? PanelEdge::Above : PanelEdge::Below);
}

void ViewDeck::move_panel_across(std::string_view name, int by) {
  if (!view(name) || floats(name)) return;
  Row& from = row_of(name);
  const auto at = static_cast<int>(&from - sides_.data()) + by;
  if (at < 0 || at >= static_cast<int>(sides_.size())) return;
  const std::string_view moved = view_row(name).name;
  std::erase(from.order, moved);
  sides_[static_cast<size_t>(at)].order.push_back(moved);
  lay_panels();
  make_room(moved);
}

void ViewDeck::place_panel(std::string_view name, std::string_view neighbour, PanelEdge edge) {
  if (name == neighbour || !view(name) || !view(neighbour)) return;
  const std::string_view moved = view_row(name).name;
  const bool new_side = &row_of(name) != &row_of(neighbour);
  std::erase(row_of(name).order, moved);
  std::vector<std::string_view>& order = row_of(neighbour).order;
  const auto at = std::find(order.begin(), order.end(), neighbour);
  order.insert(edge == PanelEdge::Below ? at + 1 : at, moved);
  lay_panels();
  if (new_side) make_room(moved);
}

void ViewDeck::float_panel(std::string_view name, std::optional<QRect> window) {
  if (!view(name) || floats(name)) return;
  const std::string_view moved = view_row(name).name;
  const FocusKept focus(*this, current_);
  View* const panel = views_[moved];
  const QRect there = window.value_or(QRect(panel->mapToGlobal(QPoint(24, 24)), panel->size()));
  auto* own = new PanelWindow(*this, moved);
  windows_[moved] = own;
  own->setGeometry(there);
  panel->show();
  arrange();
}

void ViewDeck::dock_panel(std::string_view name) {
  if (!floats(name)) return;
  const std::string_view moved = view_row(name).name;
  const FocusKept focus(*this, current_);
  QWidget* const own = windows_[moved];
  windows_.erase(moved);
  lay_panels();
  make_room(moved);
  own->deleteLater();
  own->hide();
}

std::vector<PanelPlace> ViewDeck::places() const {
  std::vector<PanelPlace> all;
  for (const Row& side : sides_)
    for (const std::string_view name : side.order) {
      PanelPlace place{std::string(name), side.side};
      if (floats(name)) place.window = windows_.at(name)->geometry();
      all.push_back(std::move(place));
    }
  return all;
}

void ViewDeck::set_places(const std::vector<PanelPlace>& places) {
  for (const ViewRow& row : view_table()) dock_panel(row.name);
  std::vector<std::string_view> named;
  for (const PanelPlace& place : places) {
    if (!view(place.view)) continue;
    const std::string_view name = view_row(place.view).name;
    if (std::find(named.begin(), named.end(), name) != named.end()) continue;
    named.push_back(name);
    std::erase(row_of(name).order, name);
    sides_[static_cast<size_t>(place.side)].order.push_back(name);
  }
  // What is not named comes last on its side.
  for (Row& side : sides_)
    std::stable_partition(side.order.begin(), side.order.end(), [&named](std::string_view name) {
      return std::find(named.begin(), named.end(), name) != named.end();
    });
  lay_panels();
  for (const PanelPlace& place : places)
    if (place.window) float_panel(place.view, place.window);
}

void ViewDeck::usual_places() {
  std::vector<PanelPlace> usual;
  for (const ViewRow& row : view_table()) usual.push_back({std::string(row.name), row.side});
  set_places(usual);
  share_heights();
}

}  // namespace dendrokv
