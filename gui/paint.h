#pragma once
// Small things that several views paint alike.

#include <QPainter>
#include <QVector>

#include "gui/lane_state.h"
#include "gui/selection.h"
#include "gui/style.h"
#include "gui/value_scale.h"

namespace dendrokv {

/// Ground of a token, a cell or a swatch. Evicted and unread tokens have the panel's own.
Rgb state_colour(const Palette& colours, TokenState state);
/// Ground of a token that a fraction of the lanes keeps.
Rgb fraction_colour(const Palette& colours, double fraction);

/// A swatch with the mark that the state also has under the text.
void paint_swatch(QPainter& painter, const QRectF& box, const Palette& colours, TokenState state);

/// A bar of the map from the scale's low to its high end, ticks below. `map` is named in
/// plot/colormap.h.
void paint_colour_bar(QPainter& painter, const QRectF& bar, const ColourMap& map,
                      const ValueScale& scale, const Palette& colours, const QString& unit);
/// What the chosen lanes keep of the visible positions after the chosen step, in a strip over the
/// same axis: the most notable state of each pixel's positions for one lane, the largest fraction
/// that keeps one for many.
void paint_kept_strip(QPainter& painter, const QRectF& strip, const Content& content,
                      const Selection& selection, const Palette& colours);

/// The nearest borders of device pixels: an edge between two would be blended with what lies below,
/// a seam between cells or tiles.
QRectF on_whole_pixels(const QPainter& painter, const QRectF& place);

/// 1 234 567 as "1.23M": for places that are narrow.
QString compact(uint64_t number);

/// "2.1 % above, 0.3 % below", or empty when nothing is clipped.
QString clipped_text(const ValueScale& scale);

}  // namespace dendrokv
