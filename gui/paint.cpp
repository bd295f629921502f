#include "gui/paint.h"

#include <QLinearGradient>
#include <algorithm>
#include <cmath>

#include "gui/labels.h"
#include "gui/retention_codes.h"

namespace dendrokv {

Rgb state_colour(const Palette& colours, TokenState state) {
  switch (state.place) {
    case Place::NotYet:
    case Place::Evicted:
      return colours.panel;
    case Place::Sink:
      return colours.sink;
    case Place::Recent:
      return colours.recent;
    case Place::Tree:
      return colours.level_colour(state.level);
  }
  return colours.panel;
}

Rgb fraction_colour(const Palette& colours, double fraction) {
  const double last = static_cast<double>(colours.level.size() - 1);
  const double place = std::clamp(fraction, 0.0, 1.0) * last;
  const size_t left = std::min(static_cast<size_t>(place), colours.level.size() - 2);
  return mix(colours.level[left], colours.level[left + 1], place - static_cast<double>(left));
}

void paint_swatch(QPainter& painter, const QRectF& box, const Palette& colours, TokenState state) {
  const Rgb ground = state_colour(colours, state);
  painter.setPen(state.kept() ? QPen(Qt::NoPen)
                              : QPen(to_qt(mix(colours.rule, colours.secondary, 0.5)), 1));
  painter.setBrush(to_qt(ground));
  painter.drawRoundedRect(state.kept() ? box : box.adjusted(0.5, 0.5, -0.5, -0.5), 3, 3);
  const char mark = place_mark(state);
  if (mark == ' ') return;
  painter.setFont(sized_font(static_cast<int>(std::min(box.height() - 2, 10.0))));
  painter.setPen(to_qt(ink_on(ground)));
  draw_label(painter, box, Qt::AlignCenter, QString(QLatin1Char(mark)));
}

void paint_colour_bar(QPainter& painter, const QRectF& bar, const ColourMap& map,
                      const ValueScale& scale, const Palette& colours, const QString& unit) {
  QLinearGradient gradient(bar.topLeft(), bar.topRight());
  for (int i = 0; i <= 32; ++i) gradient.setColorAt(i / 32.0, to_qt(map.at(i / 32.0)));
  painter.setPen(Qt::NoPen);
  painter.setBrush(gradient);
  painter.drawRoundedRect(bar, 2, 2);
  painter.setFont(tiny_font());
  double free_from = bar.left() - 30;
  for (const Tick& tick :
       scale_ticks(scale, std::max(2, static_cast<int>(bar.width() / scaled(44))))) {
    const double x = bar.left() + scale.fraction(tick.value) * bar.width();
    const QString label = to_qt(tick.label) + unit;
    const double half = label_width(tiny_font(), label) / 2;
    if (x - half < free_from) continue;
    free_from = x + half + 6;
    painter.setPen(QPen(to_qt(colours.secondary), 1));
    painter.drawLine(QPointF(x, bar.bottom()), QPointF(x, bar.bottom() + 3));
    draw_label(painter, QRectF(x - 40, bar.bottom() + 3, 80, 14), kBelowLabel, label);
  }
}

void paint_kept_strip(QPainter& painter, const QRectF& strip, const Content& content,
                      const Selection& selection, const Palette& colours) {
  const auto columns = static_cast<size_t>(std::max(1.0, strip.width()));
  const IndexRange positions{selection.first_visible.index(), selection.visible};
  const size_t factor = (positions.count + columns - 1) / columns;
  const size_t cells = (positions.count + factor - 1) / factor;
  const RunIndex& index = content.index(selection.run);
  QImage image(static_cast<int>(cells), 1, QImage::Format_RGB32);
  auto* const line = reinterpret_cast<QRgb*>(image.scanLine(0));
  if (selection.scope == LaneScope::One) {
    std::vector<uint8_t> codes(cells);
    retention_row(index, {selection.layer, selection.lane}, selection.step, positions, factor,
                  codes);
    const QVector<QRgb> table = retention_colours(colours);
    for (size_t c = 0; c < cells; ++c) line[c] = table[codes[c]];
  } else {
    const std::vector<LaneId> lanes = chosen_lanes(index.run(), selection);
    const Overlay kept = overlay(index, lanes, positions, factor, selection.step);
    for (size_t c = 0; c < cells; ++c) {
      const float fraction = kept.kept_fraction[c];
      line[c] = to_qt(std::isnan(fraction) ? colours.absent
                      : fraction == 0      ? colours.panel
                                           : fraction_colour(colours, double{fraction}))
                    .rgb();
    }
  }
  const double shown = static_cast<double>(cells * factor) / static_cast<double>(positions.count);
  painter.save();
  painter.setClipRect(strip);
  painter.setRenderHint(QPainter::SmoothPixmapTransform, false);
  painter.drawImage(QRectF(strip.left(), strip.top(), strip.width() * shown, strip.height()),
                    image);
  painter.restore();
}

QRectF on_whole_pixels(const QPainter& painter, const QRectF& place) {
  const QTransform& device = painter.deviceTransform();
  const QRectF pixels = device.mapRect(place);
  const QPointF first(std::round(pixels.left()), std::round(pixels.top()));
  const QPointF last(std::round(pixels.right()), std::round(pixels.bottom()));
  return device.inverted().mapRect(QRectF(first, last));
}

QString compact(uint64_t number) {
  if (number < 100'000) return grouped(number);
  const bool millions = number >= 1'000'000;
  const double shown = static_cast<double>(number) / (millions ? 1e6 : 1e3);
  return QString::number(shown, 'g', shown >= 100 ? 4 : 3) + QLatin1Char(millions ? 'M' : 'k');
}

QString clipped_text(const ValueScale& scale) {
  QStringList parts;
  const auto add = [&parts](double share, const char* side) {
    if (share >= 0.0005)
      parts << QStringLiteral("%1 % ").arg(100 * share, 0, 'f', 1) + QLatin1String(side);
  };
  add(scale.clipped_above, "above");
  add(scale.clipped_below, "below");
  return parts.join(QStringLiteral(", "));
}

}  // namespace dendrokv
