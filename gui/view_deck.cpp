#include "gui/view_deck.h"

#include <QVBoxLayout>
#include <algorithm>

#include "gui/panel_mover.h"

namespace dendrokv {
namespace {

constexpr int kLeftWidth = 208, kCentreWidth = 1200, kRightWidth = 304;

Visibility standard(const ViewRow& row) {
  return row.at_start == AtStart::Shown ? Visibility::Shown : Visibility::Hidden;
}

}  // namespace

ViewDeck::ViewDeck(Workspace& workspace, QWidget* parent)
    : QWidget(parent),
      workspace_(workspace),
      across_(new QSplitter(Qt::Horizontal, this)),
      mover_(new PanelMover(*this)) {
  auto* layout = new QVBoxLayout(this);
  layout->setContentsMargins(kGutter, kGutter, kGutter, kGutter);
  layout->addWidget(across_);
  across_->setHandleWidth(kGutter);
  across_->setChildrenCollapsible(false);
  for (const Side side : {Side::Left, Side::Centre, Side::Right}) build_side(side);
  across_->setStretchFactor(0, 0);
  across_->setStretchFactor(1, 1);
  across_->setStretchFactor(2, 0);
  across_->setSizes(
      {static_cast<int>(scaled(kLeftWidth)), kCentreWidth, static_cast<int>(scaled(kRightWidth))});
  show_standard();
  share_heights();
}

void ViewDeck::build_side(Side side) {
  auto* splitter = new QSplitter(Qt::Vertical, across_);
  splitter->setHandleWidth(kGutter);
  splitter->setChildrenCollapsible(false);
  sides_.push_back({side, splitter, {}});
  int index = 0;
  for (const ViewRow& row : view_table()) {
    if (row.side != side) continue;
    View* view = row.make(workspace_, to_qt(row.title), splitter);
    views_[row.name] = view;
    sides_.back().order.push_back(row.name);
    splitter->addWidget(view);
    splitter->setStretchFactor(index++, row.share);
    mover_->watch(*view, row.name);
  }
  across_->addWidget(splitter);
}

void ViewDeck::share_heights() {
  for (const Row& side : sides_) {
    QList<int> heights;
    for (const std::string_view name : side.order)
      if (!floats(name)) heights << view_row(name).share * 10;
    side.splitter->setSizes(heights);
  }
}

View* ViewDeck::view(std::string_view name) const {
  const auto found = views_.find(name);
  return found == views_.end() ? nullptr : found->second;
}

void ViewDeck::set_visibility(std::string_view name, Visibility visibility) {
  const ViewRow& row = view_row(name);
  if (visibility_[row.name] == visibility && alone_.empty()) return;
  visibility_[row.name] = visibility;
  alone_.clear();
  arrange();
  if (visibility == Visibility::Shown) make_room(row.name);
}

/// A view that comes in between others gets its share of their heights.
void ViewDeck::make_room(std::string_view name) {
  if (floats(name)) return;
  const Row& side = row_of(name);
  QList<int> heights = side.splitter->sizes();
  int all = 0, shares = 0;
  for (const int height : heights) all += height;
  for (const std::string_view other : side.order)
    if (shows(other) && !floats(other)) shares += view_row(other).share;
  const int place = side.splitter->indexOf(views_[name]);
  const int wanted = all * view_row(name).share / std::max(1, shares);
  for (int& height : heights) height = height * (all - wanted) / std::max(1, all);
  heights[place] = wanted;
  side.splitter->setSizes(heights);
}

bool ViewDeck::shows(std::string_view name) const {
  if (!alone_.empty()) return alone_ == name;
  const auto found = visibility_.find(name);
  return found != visibility_.end() && found->second == Visibility::Shown;
}

void ViewDeck::show_only(std::string_view name) {
  alone_ = alone_ == name ? std::string() : std::string(name);
  arrange();
}

void ViewDeck::show_standard() {
  for (const ViewRow& row : view_table()) visibility_[row.name] = standard(row);
  alone_.clear();
  arrange();
}

std::vector<std::string> ViewDeck::shown() const {
  std::vector<std::string> names;
  for (const ViewRow& row : view_table())
    if (visibility_.at(row.name) == Visibility::Shown) names.emplace_back(row.name);
  return names;
}

void ViewDeck::set_shown(const std::vector<std::string>& names) {
  for (const ViewRow& row : view_table())
    visibility_[row.name] = std::find(names.begin(), names.end(), row.name) != names.end()
                                ? Visibility::Shown
                                : Visibility::Hidden;
  alone_.clear();
  arrange();
}

std::vector<int> ViewDeck::sizes() const {
  std::vector<int> all;
  for (const Row& side : sides_)
    for (const int size : side.splitter->sizes()) all.push_back(size);
  for (int i = 0; i < static_cast<int>(sides_.size()); ++i)
    all.push_back(across_->sizes().value(i));
  return all;
}

void ViewDeck::set_sizes(const std::vector<int>& wanted) {
  if (wanted.size() != sizes().size()) return;
  auto next = wanted.begin();
  const auto take = [&next](int count) {
    QList<int> some;
    for (int i = 0; i < count; ++i) some << *next++;
    return some;
  };
  for (const Row& side : sides_) side.splitter->setSizes(take(side.splitter->count()));
  across_->setSizes(take(static_cast<int>(sides_.size())));
}

void ViewDeck::add_pane(QWidget* pane) {
  const int place = across_->count() - 1;
  QList<int> widths = across_->sizes();
  across_->insertWidget(place, pane);
  across_->setStretchFactor(place, 1);
  // The pane gets its share of what centre and panes have together.
  const int panes = place;
  const int together = widths.value(1) + (panes > 1 ? widths.value(2) * (panes - 1) : 0);
  QList<int> shared = {widths.value(0)};
  for (int i = 0; i < panes; ++i) shared << together / panes;
  shared << widths.value(widths.size() - 1);
  across_->setSizes(shared);
}

void ViewDeck::arrange() {
  for (const Row& side : sides_) {
    bool any = false;
    for (const std::string_view name : side.order) {
      if (floats(name)) {
        windows_[name]->setVisible(shows(name));
        continue;
      }
      views_[name]->setVisible(shows(name));
      any = any || shows(name);
    }
    side.splitter->setVisible(any);
  }
  Q_EMIT visibility_changed();
}

void ViewDeck::refresh() {
  for (const auto& [name, view] : views_) view->refresh();
}

}  // namespace dendrokv
