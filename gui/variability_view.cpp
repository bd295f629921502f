#include "gui/variability_view.h"

#include <QPainterPath>
#include <algorithm>
#include <cmath>

#include "gui/inspector.h"
#include "gui/labels.h"
#include "gui/lane_sets.h"
#include "gui/paint.h"
#include "gui/reduced_rows.h"

namespace dendrokv {
namespace {

constexpr int kLegendWidth = 400;

/// A log axis for many numbers: its ends are taken to logarithms once.
class Heights {
 public:
  explicit Heights(const Axis& axis)
      : axis_(axis),
        low_(std::log10(axis.data_first)),
        pixels_((axis.pixel_last - axis.pixel_first) / (std::log10(axis.data_last) - low_)) {}
  /// Never far outside of the plot.
  double of(float number) const {
    const double shown = std::max(double{number}, axis_.data_first * 0.5);
    return std::clamp(axis_.pixel_first + (std::log10(shown) - low_) * pixels_,
                      axis_.pixel_last - 4, axis_.pixel_first + 4);
  }

 private:
  Axis axis_;
  double low_, pixels_;
};

/// Line widths by level: with the order of the legend they tell the curves apart without colour.
double width_of(size_t level) {
  return 1.0 + 0.25 * static_cast<double>(level);
}

}  // namespace

int VariabilityView::header_reserve() const {
  return width() > scaled(860) ? static_cast<int>(scaled(kLegendWidth)) : 0;
}

void VariabilityView::ask() {
  if (!content()) return;
  if (const std::optional<RowRequest> wanted = row_request(*content(), selection()))
    workspace().document.want_row(*wanted);
  if (const std::optional<size_t> step = step_index_at(content()->info, selection().step))
    workspace().document.want_map(*step);
}

void VariabilityView::document_opened() {
  extent_.reset();
  ask();
}
void VariabilityView::selection_changed(const Selection& now, const Selection& before) {
  if (!same_lanes(now, before)) extent_.reset();
  if (needs_refresh(now, before)) ask();
}
void VariabilityView::snapshot_arrived(Topic topic) {
  if (topic != Topic::Row && topic != Topic::Map) return;
  extent_.reset();
  refresh();
}

std::optional<VariabilityView::Curves> VariabilityView::curves() const {
  if (selection().scope == LaneScope::AllMean) {
    const MapSnapshot* map = workspace().document.map();
    if (!map) return std::nullopt;
    return Curves{map->bands, map->window};
  }
  const RowSnapshot* row = workspace().document.row();
  if (!row) return std::nullopt;
  return Curves{row->bands, row->window};
}

QString VariabilityView::caption() const {
  const Selection& now = selection();
  const std::optional<size_t> index = step_index_at(content()->info, now.step);
  if (!index) return QStringLiteral("no step recorded up to this one");
  const QString what = lanes_in_words(content()->runs[now.run], now);
  return QStringLiteral("mean |Rec D| of weight × value, ") + what +
         QStringLiteral(", step %1").arg(grouped(content()->info.steps[*index].value));
}

QString VariabilityView::describe(QPointF point) const {
  const std::optional<Position> position = position_at(point);
  const std::optional<Curves> drawn = curves();
  if (!position || !drawn || drawn->bands.empty() || position->index() >= drawn->bands[0].size())
    return {};
  QString text = QStringLiteral("position %1:").arg(grouped(position->value));
  for (size_t level = 0; level < drawn->bands.size(); ++level)
    text += QStringLiteral("  D%1 ").arg(level + 1) +
            to_qt(short_number(double{drawn->bands[level].at(position->index())}));
  return text;
}

Axis VariabilityView::value_axis(const Curves& curves) const {
  if (!extent_) extent_ = extent_of(curves);
  return {ScaleKind::Log10, extent_->low, extent_->high, plot().bottom(), plot().top()};
}

VariabilityView::Extent VariabilityView::extent_of(const Curves& curves) const {
  const IndexRange inner = inner_range(curves.window);
  const IndexRange range = inner.count > 0 ? inner : curves.window;
  double high = 0;
  std::vector<float> some;
  const size_t every = std::max<size_t>(1, range.count / 4096);
  for (size_t level = 0; level < curves.bands.size(); ++level) {
    const Envelope& band = curves.bands[level];
    const Envelope::Cell cell = band.over(range.first, range.first + range.count);
    if (cell.largest > high) high = double{cell.largest};
    for (size_t p = range.first; p < range.first + range.count; p += every)
      if (band.at(p) > 0) some.push_back(band.at(p));
  }
  if (!(high > 0) || some.empty()) return {1e-4, 1};
  // The lowest 2 % would stretch the axis by decades for a few zeros.
  const auto place = some.begin() + static_cast<ptrdiff_t>(some.size() / 50);
  std::nth_element(some.begin(), place, some.end());
  const double low = std::min(double{*place}, high / 10);
  return {low, high * 1.25};
}

void VariabilityView::paint_steps(QPainter& painter, size_t level,
                                  const std::vector<Envelope::Cell>& cells,
                                  const Axis& value) const {
  const QRectF rect = plot();
  const double width = rect.width() / static_cast<double>(cells.size());
  const Heights heights(value);
  QPainterPath path;
  bool down = false;
  for (size_t c = 0; c < cells.size();) {
    // A band of level k has the same value 2^k times: one stroke for all of them.
    size_t end = c + 1;
    while (end < cells.size() && cells[end] == cells[c]) ++end;
    const double left = rect.left() + width * static_cast<double>(c);
    const double right = rect.left() + width * static_cast<double>(end);
    const Envelope::Cell& cell = cells[c];
    c = end;
    if (std::isnan(cell.largest)) {
      down = false;
      continue;
    }
    const double first = heights.of(cell.least), last = heights.of(cell.largest);
    if (down)
      path.lineTo(left, first);
    else
      path.moveTo(left, first);
    if (std::abs(last - first) > 0.25) path.lineTo(left, last);
    path.lineTo(right, last);
    down = true;
  }
  painter.setPen(QPen(to_qt(colours().band[level]), width_of(level), Qt::SolidLine, Qt::FlatCap,
                      Qt::MiterJoin));
  painter.setBrush(Qt::NoBrush);
  painter.drawPath(path);
}

// The same curve without a stroker: that one takes longer than all of the rest for a line that goes
// up and down at every pixel.
void VariabilityView::paint_bars(QPainter& painter, size_t level,
                                 const std::vector<Envelope::Cell>& cells,
                                 const Axis& value) const {
  const QRectF rect = plot();
  const double width = rect.width() / static_cast<double>(cells.size());
  const double half = width_of(level) / 2;
  const Heights heights(value);
  QVector<QRectF> bars;
  bars.reserve(static_cast<int>(cells.size()));
  std::optional<std::pair<double, double>> before;  // upper and lower end
  for (size_t c = 0; c < cells.size(); ++c) {
    if (std::isnan(cells[c].largest)) {
      before.reset();
      continue;
    }
    const double upper = heights.of(cells[c].largest), lower = heights.of(cells[c].least);
    // A bar reaches to its neighbour's, as a line would.
    const double top = before ? std::min(upper, before->second) : upper;
    const double bottom = before ? std::max(lower, before->first) : lower;
    bars.push_back(
        {rect.left() + width * static_cast<double>(c), top - half, width, bottom - top + 2 * half});
    before = {upper, lower};
  }
  painter.setRenderHint(QPainter::Antialiasing, false);
  painter.setPen(Qt::NoPen);
  painter.setBrush(to_qt(colours().band[level]));
  painter.drawRects(bars);
  painter.setRenderHint(QPainter::Antialiasing, true);
}

void VariabilityView::paint_curve(QPainter& painter, const Curves& curves, size_t level,
                                  const Axis& value) const {
  const Selection& now = selection();
  const auto pixels =
      static_cast<size_t>(std::max(1.0, plot().width() * painter.device()->devicePixelRatioF()));
  // Steps of a band that are wider than a pixel keep their corners; else a pixel gets the least and
  // the largest.
  const std::vector<Envelope::Cell> cells =
      envelope_columns(curves.bands[level], now.first_visible.value,
                       static_cast<double>(now.first_visible.value) + now.visible,
                       std::min<size_t>(pixels, now.visible));
  if (now.visible > pixels)
    paint_bars(painter, level, cells, value);
  else
    paint_steps(painter, level, cells, value);
}

void VariabilityView::paint_value_ticks(QPainter& painter, const Axis& value) const {
  const QRectF rect = plot();
  painter.setFont(tiny_font());
  double free_below = rect.bottom() + 8;
  for (const Tick& tick : ticks(value, std::max(2, static_cast<int>(rect.height() / 40)))) {
    const double y = std::round(value.pixel(tick.value)) + 0.5;
    painter.setPen(QPen(to_qt(colours().rule), 1));
    painter.drawLine(QPointF(rect.left(), y), QPointF(rect.right(), y));
    if (y > free_below) continue;
    free_below = y - scaled(13);
    painter.setPen(to_qt(colours().secondary));
    draw_label(painter, QRectF(rect.left() - 50, y - 8, 44, 16), kRightLabel, to_qt(tick.label));
  }
}

void VariabilityView::paint_invalid(QPainter& painter, const Curves& curves) const {
  const Axis x = position_axis();
  const QRectF rect = plot();
  const IndexRange inner = inner_range(curves.window);
  const auto hatched = [&](double from, double to) {
    const double left = std::max(rect.left(), x.pixel(from)),
                 right = std::min(rect.right(), x.pixel(to));
    if (right > left)
      hatch(painter, QRectF(left, rect.top(), right - left, rect.height()),
            to_qt(mix(colours().rule, colours().secondary, 0.12)));
  };
  hatched(0, static_cast<double>(inner.first));
  hatched(static_cast<double>(inner.first + inner.count),
          static_cast<double>(content()->info.tokens));
}

void VariabilityView::paint_legend(QPainter& painter) const {
  if (header_reserve() == 0) return;
  double left = width() - kPadding - scaled(kLegendWidth - 24);
  painter.setFont(tiny_font());
  for (size_t level = 0; level < kBandLevels; ++level) {
    painter.setPen(QPen(to_qt(colours().band[level]), width_of(level) + 0.7));
    const double middle = std::round(header() / 2) + 0.5;
    painter.drawLine(QPointF(left, middle), QPointF(left + 14, middle));
    painter.setPen(to_qt(colours().secondary));
    const QString name = QStringLiteral("D%1").arg(level + 1);
    draw_label(painter, QPointF(left + 19, middle + scaled(4)),
               level == 0 ? name + QStringLiteral(" · 2 tokens")
                          : name + QStringLiteral(" · %1").arg(2u << level));
    left += scaled(level == 0 ? 98 : 68);
  }
}

void VariabilityView::paint_back(QPainter& painter) {
  const std::optional<Curves> drawn = curves();
  const bool mean = selection().scope == LaneScope::AllMean;
  const QString problem = workspace().document.problem(mean ? Topic::Map : Topic::Row);
  const bool recorded = mean ? step_index_at(content()->info, selection().step).has_value()
                             : row_request(*content(), selection()).has_value();
  if (!recorded)
    return paint_message(painter,
                         to_qt(not_recorded(content()->info, selection().layer, selection().step)));
  const QString reduced = needs_full_rows(content()->info.capture);
  if (!reduced.isEmpty()) return paint_message(painter, reduced);
  if (!problem.isEmpty()) return paint_message(painter, problem);
  if (!drawn) return paint_message(painter, QStringLiteral("reading …"));
  if (drawn->window.count == 0)
    return paint_message(painter,
                         QStringLiteral("Five levels need 32 positions; step %1 has fewer.")
                             .arg(selection().step.value));
  paint_invalid(painter, *drawn);
  const Axis value = value_axis(*drawn);
  paint_value_ticks(painter, value);
  painter.save();
  painter.setClipRect(plot());
  for (size_t level = 0; level < drawn->bands.size(); ++level)
    paint_curve(painter, *drawn, level, value);
  painter.restore();
  paint_position_ticks(painter);
  paint_legend(painter);
}

}  // namespace dendrokv
