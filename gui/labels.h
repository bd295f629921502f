#pragma once
// Words on a panel: titles, ticks, the lines of the inspector. Most of them stay while a frame
// follows the other, so that their glyphs are laid out once and kept (QStaticText) instead of for
// each frame. Window's thread only.

#include <QPainter>
#include <QString>

namespace dendrokv {

/// One line in the painter's font and pen, in a box as QPainter::drawText puts it there. The font
/// is one of gui/style.h: its size and weight tell it apart.
void draw_label(QPainter& painter, const QRectF& box, int alignment, const QString& text);
/// The same on a baseline.
void draw_label(QPainter& painter, QPointF baseline, const QString& text);
/// Width of a line.
double label_width(const QFont& font, const QString& text);
/// The line, or as much of its beginning as there is room for, and an ellipsis.
QString elided(const QFont& font, const QString& text, double room);

}  // namespace dendrokv
