// Where tokens lie in the panel, and what is drawn over them: the chosen one, its kin, a marked
// range, the step.

#include <algorithm>
#include <cmath>

#include "gui/text_view.h"

namespace dendrokv {

const QTextLayout& TextView::shape_of(size_t index) const {
  shapes_.resize(shown_.size());
  if (!shapes_[index]) shapes_[index] = shaped(shown_[index]);
  return *shapes_[index];
}

std::optional<QRectF> TextView::box_of(Position position) const {
  if (!ready() || position.value >= content()->info.tokens) return std::nullopt;
  if (as_text()) {
    const std::optional<size_t> index = shown_line(position);
    if (!index) return std::nullopt;
    return token_box(shown_[*index], shape_of(*index).lineAt(0),
                     position.index() - shown_[*index].first.index(), line_top(*index));
  }
  const IndexRange sight = in_sight();
  if (position.index() < sight.first || position.index() >= sight.first + sight.count)
    return std::nullopt;
  const TokenCells grid = cells();
  const size_t cell = (position.index() - sight.first) / grid.merged;
  return QRectF(std::round(area().left()) + static_cast<double>(cell % grid.columns) * grid.width,
                std::round(area().top()) + static_cast<double>(cell / grid.columns) * grid.height,
                grid.width, grid.height);
}

std::optional<Position> TextView::position_at(QPointF point) const {
  if (!ready() || !area().contains(point)) return std::nullopt;
  const double row = (point.y() - area().top()) / line_height();
  if (row < 0) return std::nullopt;
  if (!as_text()) {
    const TokenCells grid = cells();
    const double column = (point.x() - area().left()) / grid.width;
    if (column < 0 || column >= static_cast<double>(grid.columns)) return std::nullopt;
    const size_t cell = static_cast<size_t>(row) * grid.columns + static_cast<size_t>(column);
    const size_t place = cell * grid.merged;
    if (place >= in_sight().count) return std::nullopt;
    return Position(in_sight().first + place);
  }
  if (row >= static_cast<double>(shown_.size())) return std::nullopt;
  const auto index = static_cast<size_t>(row);
  const QTextLine shape = shape_of(index).lineAt(0);
  const double x = point.x() - area().left();
  if (x > shape.naturalTextWidth() + 4) return std::nullopt;
  const TextLine& line = shown_[index];
  for (size_t t = 0; t < line.tokens(); ++t)
    if (x < shape.cursorToX(line.start[t + 1])) return Position(line.first.index() + t);
  return std::nullopt;
}

void TextView::underline(QPainter& painter, std::span<const Position> kin, Rgb colour) const {
  const IndexRange sight = in_sight();
  painter.setPen(QPen(to_qt(colour), 2));
  for (const Position position : kin) {
    if (position.index() < sight.first || position.index() >= sight.first + sight.count) continue;
    if (const std::optional<QRectF> box = box_of(position))
      painter.drawLine(box->bottomLeft() + QPointF(0, 1), box->bottomRight() + QPointF(0, 1));
  }
}

void TextView::outline(QPainter& painter, Position position, double width) const {
  const std::optional<QRectF> box = box_of(position);
  if (!box) return;
  painter.setPen(QPen(to_qt(colours().accent), width));
  painter.drawRoundedRect(box->adjusted(-3, -1.5, 3, 1.5), 4, 4);
}

void TextView::tint(QPainter& painter, PositionRange range) const {
  const IndexRange sight = in_sight();
  const size_t first = std::max(range.first.index(), sight.first);
  const size_t end = std::min(range.last.index() + 1, sight.first + sight.count);
  QColor colour = to_qt(colours().accent);
  colour.setAlpha(48);
  const size_t row = as_text() ? 1 : cells().columns * cells().merged;
  for (size_t at = first; at < end;) {
    // To the end of the line that it is in.
    size_t line_end = sight.first + ((at - sight.first) / row + 1) * row;
    if (as_text()) line_end = shown_[*shown_line(Position(at))].end().index();
    line_end = std::min(line_end, end);
    const std::optional<QRectF> from = box_of(Position(at)), to = box_of(Position(line_end - 1));
    if (from && to) painter.fillRect(from->united(*to), colour);
    at = line_end;
  }
}

void TextView::paint_front(QPainter& painter) {
  painter.save();
  painter.setClipRect(area().adjusted(-4, 0, 4, 0));
  painter.setBrush(Qt::NoBrush);
  if (selection().range) tint(painter, *selection().range);
  const Kin& kin = workspace().kinship.of(*content(), selection());
  underline(painter, kin.winners, colours().accent);
  underline(painter, kin.descendants, colours().band[3]);
  if (selection().position) outline(painter, *selection().position, 2);
  if (selection().hover && selection().hover != selection().position)
    outline(painter, *selection().hover, 1);
  if (const std::optional<QRectF> box = box_of(Position(selection().step.value))) {
    // The caret after the token whose query the step belongs to.
    painter.setPen(QPen(to_qt(colours().accent), 1.5));
    painter.drawLine(QPointF(box->right() + 2, box->top() - 1),
                     QPointF(box->right() + 2, box->bottom() + 1));
  }
  painter.restore();
}

}  // namespace dendrokv
