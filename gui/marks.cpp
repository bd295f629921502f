#include "gui/marks.h"

#include <algorithm>
#include <cmath>

namespace dendrokv {
namespace {

constexpr double kTick = 6, kFlag = 5;

/// The part of a range that is in sight, in pixels; empty when none of it is.
QRectF box_of(const QRectF& plot, const Axis& positions, PositionRange range) {
  const double left = std::max(positions.pixel(range.first.value), plot.left());
  const double right = std::min(positions.pixel(range.last.value + 1.0), plot.right());
  return left < right ? QRectF(left, plot.top(), right - left, plot.height()) : QRectF();
}

void paint_range(QPainter& painter, const QRectF& box, const Palette& colours) {
  if (box.isEmpty()) return;
  QColor tint = to_qt(colours.accent);
  tint.setAlpha(38);
  painter.fillRect(box, tint);
}

/// At most one tick a pixel, however many hits there are.
void paint_hits(QPainter& painter, const QRectF& plot, const Axis& positions,
                const std::vector<PositionRange>& hits, const Palette& colours) {
  const auto first = std::lower_bound(
      hits.begin(), hits.end(), Position(static_cast<uint32_t>(positions.data_first)),
      [](const PositionRange& hit, Position wanted) { return hit.last < wanted; });
  double free_from = plot.left() - 1;
  for (auto hit = first; hit != hits.end() && hit->first.value < positions.data_last; ++hit) {
    const QRectF box = box_of(plot, positions, *hit);
    if (box.isEmpty() || box.right() < free_from) continue;
    painter.fillRect(QRectF(box.left(), plot.top(), std::max(1.5, box.width()), kTick),
                     to_qt(colours.accent));
    free_from = std::floor(box.right()) + 1;
  }
}

void paint_note(QPainter& painter, const QRectF& box, const Palette& colours) {
  painter.setPen(QPen(to_qt(colours.secondary), 1));
  painter.drawLine(box.topLeft(), QPointF(box.left(), box.bottom()));
  if (box.width() > 2) painter.drawLine(box.topLeft(), box.topRight());
  painter.setPen(Qt::NoPen);
  painter.setBrush(to_qt(colours.secondary));
  painter.drawPolygon(QPolygonF({box.topLeft(), box.topLeft() + QPointF(kFlag * 1.6, kFlag / 2),
                                 box.topLeft() + QPointF(0, kFlag)}));
}

}  // namespace

void paint_marks(QPainter& painter, const QRectF& plot, const Axis& positions, const Marks& marks,
                 const Selection& selection, const Palette& colours) {
  painter.save();
  painter.setRenderHint(QPainter::Antialiasing, false);
  if (selection.range) paint_range(painter, box_of(plot, positions, *selection.range), colours);
  paint_hits(painter, plot, positions, marks.hits, colours);
  painter.setRenderHint(QPainter::Antialiasing);
  for (const Note& note : marks.notes) {
    const QRectF box = box_of(plot, positions, note.range);
    if (!box.isEmpty()) paint_note(painter, box, colours);
  }
  painter.restore();
}

}  // namespace dendrokv
