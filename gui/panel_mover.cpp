#include "gui/panel_mover.h"

#include <QApplication>
#include <QMouseEvent>

#include "gui/view_deck.h"

namespace dendrokv {
namespace {

constexpr int kEdge = 4;

}  // namespace

PanelMover::PanelMover(ViewDeck& deck) : QObject(&deck), deck_(deck) {}

void PanelMover::watch(View& view, std::string_view name) {
  names_[&view] = name;
  view.installEventFilter(this);
}

bool PanelMover::eventFilter(QObject* watched, QEvent* event) {
  const QEvent::Type type = event->type();
  if (type == QEvent::FocusIn || type == QEvent::MouseButtonPress)
    deck_.set_current(names_.at(watched));
  if (type == QEvent::MouseButtonPress) {
    const auto* press = static_cast<QMouseEvent*>(event);
    auto* const view = static_cast<View*>(watched);
    if (press->button() == Qt::LeftButton && press->localPos().y() < View::header()) {
      dragged_ = view;
      from_ = press->globalPos();
    }
  }
  if (!dragged_ || watched != dragged_) return false;
  if (type == QEvent::MouseMove) {
    drag_to(static_cast<QMouseEvent*>(event)->globalPos());
    return moves_;
  }
  if (type == QEvent::MouseButtonRelease) {
    const bool moved = moves_;
    if (moved) drop_at(static_cast<QMouseEvent*>(event)->globalPos());
    end();
    return moved;
  }
  return false;
}

/// The panel under a place of the screen, and the nearer one of its edges.
std::optional<PanelMover::Target> PanelMover::target_at(QPoint global) const {
  for (const ViewRow& row : view_table()) {
    const View* const view = deck_.view(row.name);
    if (view == dragged_ || deck_.floats(row.name) || !view->isVisible()) continue;
    const QRect box(view->mapTo(&deck_, QPoint(0, 0)), view->size());
    const QPoint at = deck_.mapFromGlobal(global);
    if (!box.contains(at)) continue;
    const bool before = at.y() < box.center().y();
    const int top = before ? box.top() - kEdge - 2 : box.bottom() + 3;
    return Target{row.name, before ? PanelEdge::Above : PanelEdge::Below,
                  QRect(box.left(), top, box.width(), kEdge)};
  }
  return std::nullopt;
}

void PanelMover::drag_to(QPoint global) {
  if (!moves_ && (global - from_).manhattanLength() < QApplication::startDragDistance()) return;
  if (!moves_) QApplication::setOverrideCursor(Qt::ClosedHandCursor);
  moves_ = true;
  if (!line_) line_ = new QRubberBand(QRubberBand::Line, &deck_);
  const std::optional<Target> target = target_at(global);
  if (target) line_->setGeometry(target->line);
  line_->setVisible(target.has_value());
}

void PanelMover::drop_at(QPoint global) {
  const std::string_view name = names_.at(dragged_);
  if (const std::optional<Target> target = target_at(global)) {
    deck_.dock_panel(name);
    deck_.place_panel(name, target->name, target->edge);
  } else if (!deck_.rect().contains(deck_.mapFromGlobal(global))) {
    deck_.float_panel(name, QRect(global - QPoint(60, 12), dragged_->size()));
  }
}

void PanelMover::end() {
  if (moves_) QApplication::restoreOverrideCursor();
  if (line_) line_->hide();
  dragged_ = nullptr;
  moves_ = false;
}

}  // namespace dendrokv
