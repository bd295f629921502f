#include "gui/density_view.h"

#include <QPainterPath>
#include <algorithm>
#include <cmath>

#include "gui/labels.h"
#include "gui/paint.h"

namespace dendrokv {
namespace {

constexpr double kLeft = 48, kBottom = 34;  // at 100 %

}  // namespace

QRectF DensityView::plot() const {
  return area().adjusted(scaled(kLeft) - 8, 4, -6, -scaled(kBottom));
}

QString DensityView::caption() const {
  if (width() < 300) return {};
  return QStringLiteral("after step %1; ● = level k at 2⁻ᵏ").arg(grouped(selection().step.value));
}

Axis DensityView::distance_axis() const {
  const QRectF rect = plot();
  return {ScaleKind::Log2, 1, std::max(2.0, static_cast<double>(content()->info.tokens)),
          rect.left(), rect.right()};
}

Axis DensityView::share_axis(const Density& density) const {
  double least = 0.5;
  for (const DensityBin& bin : density.bins)
    if (bin.density > 0) least = std::min(least, bin.density);
  for (const DensityLevel& level : density.levels)
    least = std::min(least, std::exp2(-std::min<int>(level.level, 12)));
  const QRectF rect = plot();
  // Room below for half of the lowest mark.
  const double room = 9 * 12 / std::max(80.0, rect.height());
  return {ScaleKind::Log2, std::exp2(std::floor(std::log2(least)) - room), 1.15, rect.bottom(),
          rect.top()};
}

QString DensityView::describe(QPointF point) const {
  if (!content() || !plot().contains(point)) return {};
  const double distance = distance_axis().data(point.x());
  for (const DensityBin& bin : drawn_.bins)
    if (distance >= static_cast<double>(bin.first) && distance < static_cast<double>(bin.end))
      return QStringLiteral("distance %1 to %2: %3 % kept")
          .arg(grouped(bin.first), grouped(bin.end - 1))
          .arg(100 * bin.density, 0, 'g', 3);
  return {};
}

bool DensityView::needs_refresh(const Selection& now, const Selection& before) const {
  return now.step != before.step || !same_lanes(now, before);
}

void DensityView::paint_axes(QPainter& painter, const Axis& x, const Axis& y) const {
  const QRectF rect = plot();
  painter.setFont(tiny_font());
  for (const Tick& tick : ticks(y, std::max(2, static_cast<int>(rect.height() / scaled(26))))) {
    const double at = std::round(y.pixel(tick.value)) + 0.5;
    painter.setPen(QPen(to_qt(colours().rule), 1));
    painter.drawLine(QPointF(rect.left(), at), QPointF(rect.right(), at));
    const int power = static_cast<int>(std::lround(-std::log2(tick.value)));
    painter.setPen(to_qt(colours().secondary));
    draw_label(painter, QRectF(rect.left() - 50, at - 8, 45, 16), kRightLabel,
               power == 0 ? QStringLiteral("all")
                          : QStringLiteral("1/%1").arg(compact(uint64_t{1} << power)));
  }
  for (const Tick& tick : ticks(x, std::max(2, static_cast<int>(rect.width() / scaled(44))))) {
    const double at = std::round(x.pixel(tick.value)) + 0.5;
    painter.setPen(QPen(to_qt(mix(colours().rule, colours().secondary, 0.4)), 1));
    painter.drawLine(QPointF(at, rect.bottom() + 1), QPointF(at, rect.bottom() + 4));
    painter.setPen(to_qt(colours().secondary));
    draw_label(painter, QRectF(at - 30, rect.bottom() + 4, 60, 14), kBelowLabel,
               compact(static_cast<uint64_t>(std::lround(tick.value))));
  }
  draw_label(painter, QRectF(rect.left(), rect.bottom() + scaled(18), rect.width(), scaled(14)),
             kCentreLabel, QStringLiteral("tokens back from the step"));
  painter.setPen(QPen(to_qt(colours().rule), 1));
  painter.drawLine(rect.bottomLeft(), rect.bottomRight());
}

void DensityView::paint_curve(QPainter& painter, const Density& density, const Axis& x,
                              const Axis& y, QColor colour, double width) const {
  QPainterPath path;
  for (const DensityBin& bin : density.bins) {
    const double left = x.pixel(static_cast<double>(bin.first));
    const double right = x.pixel(static_cast<double>(bin.end));
    const double at =
        bin.density > 0 ? y.pixel(std::max(bin.density, y.data_first)) : plot().bottom();
    if (path.isEmpty())
      path.moveTo(left, at);
    else
      path.lineTo(left, at);
    path.lineTo(right, at);
  }
  painter.setPen(QPen(colour, width));
  painter.setBrush(Qt::NoBrush);
  painter.drawPath(path);
}

void DensityView::paint_levels(QPainter& painter, const Density& density, const Axis& x,
                               const Axis& y) const {
  painter.setFont(sized_font(8));
  std::optional<QPointF> before;
  for (const DensityLevel& level : density.levels) {
    const double share = std::exp2(-static_cast<double>(level.level));
    if (share < y.data_first) continue;
    const QPointF centre(x.pixel(level.median_distance), y.pixel(share));
    // One that would hide the last one is left out.
    if (before && QLineF(*before, centre).length() < 13) continue;
    before = centre;
    const Rgb colour = colours().level_colour(level.level);
    painter.setPen(QPen(to_qt(colours().secondary), 1));
    painter.setBrush(to_qt(colour));
    painter.drawEllipse(centre, 7, 7);
    painter.setPen(to_qt(ink_on(colour)));
    draw_label(painter, QRectF(centre.x() - 8, centre.y() - 8, 16, 16), Qt::AlignCenter,
               QString::number(level.level));
  }
}

void DensityView::paint_back(QPainter& painter) {
  const RunIndex& index = content()->index(selection().run);
  drawn_ = retained_density(index, chosen_lanes(index.run(), selection()), selection().step);
  const bool some = selection().scope != LaneScope::AllMean;
  const Density all =
      some ? retained_density(index, all_lanes(index.run()), selection().step) : drawn_;
  const Axis x = distance_axis(), y = share_axis(all);
  paint_axes(painter, x, y);
  painter.save();
  painter.setClipRect(plot().adjusted(-8, -8, 14, 1));
  // The many lanes carry the law; the chosen one is what the other views show.
  if (some) paint_curve(painter, drawn_, x, y, to_qt(colours().accent), 1.2);
  paint_curve(painter, all, x, y, to_qt(colours().level[6]), 1.8);
  paint_levels(painter, all, x, y);
  painter.restore();
  painter.setFont(tiny_font());
  painter.setPen(to_qt(colours().level[6]));
  const QRectF words(plot().left() + 8, plot().bottom() - scaled(32), plot().width(), scaled(14));
  draw_label(painter, words, Qt::AlignLeft, QStringLiteral("all lanes"));
  if (!some) return;
  painter.setPen(to_qt(colours().accent));
  draw_label(painter, words.translated(0, scaled(14)), Qt::AlignLeft,
             selection().scope == LaneScope::One         ? QStringLiteral("this lane")
             : selection().scope == LaneScope::LayerMean ? QStringLiteral("this layer")
                                                         : QStringLiteral("these lanes"));
}

}  // namespace dendrokv
