#include "gui/position_view.h"

#include <QMouseEvent>
#include <QWheelEvent>
#include <algorithm>
#include <cmath>

#include "gui/labels.h"

namespace dendrokv {

QRectF PositionView::plot() const {
  return area().adjusted(left_margin() - kPadding / 2.0, 2, -kRightMargin, -tick_band());
}

Axis PositionView::position_axis() const {
  const QRectF rect = plot();
  const double first = selection().first_visible.value;
  return {ScaleKind::Linear, first, first + selection().visible, rect.left(), rect.right()};
}

std::optional<Position> PositionView::position_at(QPointF point) const {
  const QRectF rect = plot();
  if (!content() || !rect.contains(point)) return std::nullopt;
  const double position = std::floor(position_axis().data(point.x()));
  const double last = static_cast<double>(content()->info.tokens) - 1;
  return Position(static_cast<uint32_t>(std::clamp(position, 0.0, last)));
}

void PositionView::paint_position_ticks(QPainter& painter) const {
  const QRectF rect = plot();
  const Axis axis = position_axis();
  const double line = tick_line();
  painter.setFont(tiny_font());
  const int wanted = std::max(2, static_cast<int>(rect.width() / scaled(110)));
  for (const Tick& tick : binary_ticks(axis, wanted)) {
    const double x = std::round(axis.pixel(tick.value)) + 0.5;
    painter.setPen(QPen(to_qt(mix(colours().rule, colours().secondary, 0.4)), 1));
    painter.drawLine(QPointF(x, line + 1), QPointF(x, line + 5));
    painter.setPen(to_qt(colours().secondary));
    const QString label = grouped(static_cast<uint64_t>(tick.value));
    // A label at an end stays inside of the panel.
    const double half = label_width(tiny_font(), label) / 2;
    const double middle = std::clamp(x, kPadding + half, width() - kPadding / 2.0 - half);
    draw_label(painter, QRectF(middle - 60, line + 6, 120, 14), kBelowLabel, label);
  }
}

void PositionView::paint_front(QPainter& painter) {
  const Axis axis = position_axis();
  const QRectF rect = plot();
  paint_marks(painter, rect, axis, workspace().marks, selection(), colours());
  const auto line = [&](Position position, Qt::PenStyle pen_style) {
    const double x = axis.pixel(position.value + 0.5);
    if (x < rect.left() || x > rect.right()) return;
    painter.setPen(QPen(to_qt(colours().accent), 1, pen_style));
    painter.drawLine(QPointF(x, rect.top()), QPointF(x, rect.bottom()));
  };
  if (selection().position) line(*selection().position, Qt::SolidLine);
  if (selection().hover && selection().hover != selection().position)
    line(*selection().hover, Qt::DashLine);
}

void PositionView::zoom(double factor, double anchor_pixel) {
  const Axis axis = position_axis();
  const double anchor = axis.data(anchor_pixel);
  workspace().selection.change(
      [&](Selection& wanted) {
        const double visible = std::clamp(wanted.visible * factor, 8.0, double{1e9});
        const double before = anchor - wanted.first_visible.value;
        const double first = anchor - before * visible / wanted.visible;
        wanted.visible =
            static_cast<uint32_t>(std::lround(std::min<double>(visible, content()->info.tokens)));
        wanted.first_visible = Position(static_cast<uint32_t>(std::lround(std::max(0.0, first))));
      },
      History::Merge);
}

void PositionView::pan(double positions) {
  workspace().selection.change(
      [&](Selection& wanted) {
        const double first = std::max(0.0, wanted.first_visible.value + positions);
        wanted.first_visible = Position(static_cast<uint32_t>(std::lround(first)));
      },
      History::Merge);
}

void PositionView::wheelEvent(QWheelEvent* event) {
  if (!content()) return;
  const double turns = std::clamp(event->angleDelta().y() / 120.0, -4.0, 4.0);
  if (event->modifiers() & Qt::ShiftModifier)
    pan(-turns * selection().visible / 10.0);
  else
    zoom(std::pow(0.8, turns), event->position().x());
  event->accept();
}

void PositionView::mousePressEvent(QMouseEvent* event) {
  if (event->button() == Qt::MiddleButton) {
    drag_from_ = event->localPos().x();
    drag_first_ = selection().first_visible;
  }
  View::mousePressEvent(event);
}

void PositionView::mouseMoveEvent(QMouseEvent* event) {
  if ((event->buttons() & Qt::MiddleButton) && content()) {
    const double moved =
        (drag_from_ - event->localPos().x()) / plot().width() * selection().visible;
    const double first = std::max(0.0, drag_first_.value + moved);
    workspace().selection.change(
        [&](Selection& wanted) {
          wanted.first_visible = Position(static_cast<uint32_t>(std::lround(first)));
        },
        History::Merge);
  }
  View::mouseMoveEvent(event);
}

}  // namespace dendrokv
