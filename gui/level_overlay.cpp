#include "gui/level_overlay.h"

#include <algorithm>
#include <cmath>

#include "gui/labels.h"
#include "gui/paint.h"
#include "gui/retention_codes.h"

namespace dendrokv {
namespace {

constexpr int kTint = 118, kVeil = 168;  // of 255
// At 100 %.
constexpr double kSwatch = 15, kLegendHeight = 21;

QRgb tinted(QRgb colour, int alpha) {
  return qPremultiply(qRgba(qRed(colour), qGreen(colour), qBlue(colour), alpha));
}

/// By code of gui/retention_codes.h.
QVector<QRgb> overlay_colours(const Palette& colours) {
  QVector<QRgb> table = retention_colours(colours);
  for (QRgb& colour : table) colour = tinted(colour, kTint);
  table[kUnreadCode] = 0;
  table[kEvictedCode] = tinted(to_qt(colours.panel).rgb(), kVeil);
  return table;
}

/// The veil lifts with the share of the lanes that keep a position.
QRgb share_colour(const Palette& colours, float share) {
  if (std::isnan(share)) return 0;
  if (share == 0) return tinted(to_qt(colours.panel).rgb(), kVeil);
  return tinted(to_qt(fraction_colour(colours, double{share})).rgb(), kTint);
}

void paint_key(QPainter& painter, const QRectF& box, QRgb colour, const QString& mark,
               const Palette& colours) {
  painter.setPen(QPen(to_qt(colours.rule), 1));
  painter.setBrush(QColor::fromRgb(colour));
  painter.drawRoundedRect(box.adjusted(0.5, 0.5, -0.5, -0.5), 3, 3);
  painter.setFont(sized_font(9));
  const QColor ground = QColor::fromRgb(colour);
  const auto byte = [](int channel) { return static_cast<uint8_t>(channel); };
  painter.setPen(to_qt(ink_on({byte(ground.red()), byte(ground.green()), byte(ground.blue())})));
  draw_label(painter, box, kCentreLabel, mark);
}

struct Key {
  QRgb colour;
  QString mark;
};

std::vector<Key> keys_of(const Run& run, const Selection& selection, const Palette& colours) {
  std::vector<Key> keys;
  if (selection.scope != LaneScope::One) {
    for (const int percent : {25, 50, 75, 100})
      keys.push_back(
          {to_qt(fraction_colour(colours, percent / 100.0)).rgb(), QString::number(percent)});
    return keys;
  }
  const QVector<QRgb> table = retention_colours(colours);
  if (run.sinks > 0) keys.push_back({table[kSinkCode], QStringLiteral("s")});
  for (int level = 0; level < 9; ++level)
    keys.push_back(
        {table[kLevelCode + level], level == 8 ? QStringLiteral("8+") : QString::number(level)});
  if (run.recent > 0) keys.push_back({table[kRecentCode], QStringLiteral("r")});
  return keys;
}

}  // namespace

size_t overlay_rows(const Content& content, const Selection& selection, size_t pixels) {
  const size_t lanes = chosen_lanes(content.runs[selection.run], selection).size();
  return std::clamp<size_t>(kMostOverlayRows / std::max<size_t>(1, lanes), 1,
                            std::max<size_t>(1, pixels));
}

QImage level_overlay(const Content& content, const Selection& selection, const Palette& colours,
                     std::span<const Step> steps, IndexRange positions, size_t factor) {
  const RunIndex& index = content.index(selection.run);
  const std::vector<LaneId> lanes = chosen_lanes(index.run(), selection);
  const size_t columns = (positions.count + factor - 1) / factor;
  QImage image(static_cast<int>(columns), static_cast<int>(steps.size()),
               QImage::Format_ARGB32_Premultiplied);
  const QVector<QRgb> table = overlay_colours(colours);
  std::vector<uint8_t> codes(columns);
  for (size_t row = 0; row < steps.size(); ++row) {
    auto* const line = reinterpret_cast<QRgb*>(image.scanLine(static_cast<int>(row)));
    if (selection.scope == LaneScope::One) {
      retention_row(index, lanes.front(), steps[row], positions, factor, codes);
      for (size_t c = 0; c < columns; ++c) line[c] = table[codes[c]];
    } else {
      const Overlay kept = overlay(index, lanes, positions, factor, steps[row]);
      for (size_t c = 0; c < columns; ++c) line[c] = share_colour(colours, kept.kept_fraction[c]);
    }
  }
  return image;
}

void paint_overlay_legend(QPainter& painter, QPointF corner, const Content& content,
                          const Selection& selection, const Palette& colours) {
  const bool lane = selection.scope == LaneScope::One;
  const std::vector<Key> keys = keys_of(content.runs[selection.run], selection, colours);
  const QString words = lane ? QStringLiteral("tree level, veiled = evicted")
                             : QStringLiteral("% of the lanes keep it, veiled = none");
  const double swatch = scaled(lane ? kSwatch : kSwatch + 10), height = scaled(kLegendHeight);
  const double keys_width = static_cast<double>(keys.size()) * (swatch + 2);
  const double width = keys_width + label_width(tiny_font(), words) + 22;
  const QRectF box(corner - QPointF(width, 0), QSizeF(width, height));
  QColor ground = to_qt(colours.panel);
  ground.setAlpha(235);
  painter.setPen(QPen(to_qt(colours.rule), 1));
  painter.setBrush(ground);
  painter.drawRoundedRect(box.adjusted(0.5, 0.5, -0.5, -0.5), 4, 4);
  QRectF place(box.left() + 6, box.center().y() - scaled(kSwatch) / 2, swatch, scaled(kSwatch));
  for (const Key& key : keys) {
    paint_key(painter, place, key.colour, key.mark, colours);
    place.translate(swatch + 2, 0);
  }
  painter.setFont(tiny_font());
  painter.setPen(to_qt(colours.secondary));
  draw_label(painter, QRectF(place.left() + 6, box.top(), box.right() - place.left() - 6, height),
             Qt::AlignLeft | Qt::AlignVCenter, words);
}

}  // namespace dendrokv
