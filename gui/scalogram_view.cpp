#include "gui/scalogram_view.h"

#include <algorithm>
#include <cmath>

#include "gui/inspector.h"
#include "gui/labels.h"
#include "gui/lane_sets.h"
#include "gui/paint.h"
#include "gui/reduced_rows.h"
#include "gui/run_index.h"
#include "gui/value_scale.h"

namespace dendrokv {
namespace {

constexpr int kBarWidth = 150;
constexpr int kNarrow = 560;
constexpr size_t kScaleSamples = 4096;

ValueScale scale_for(const Scalogram& scalogram) {
  std::vector<float> values;
  for (const Scalogram::Level& level : scalogram.levels) {
    const size_t first = level.valid.first / level.unit;
    const size_t end = (level.valid.first + level.valid.count) / level.unit;
    const size_t every = std::max<size_t>(1, (end - first) / kScaleSamples);
    for (size_t i = first; i < end; i += every) values.push_back(level.magnitude.at(i));
  }
  return log_scale(std::move(values));
}

}  // namespace

int ScalogramView::header_reserve() const {
  return width() >= kNarrow ? kBarWidth + 30 : 0;
}

void ScalogramView::ask() {
  if (!content()) return;
  if (const std::optional<RowRequest> wanted = row_request(*content(), selection()))
    workspace().document.want_row(*wanted);
}

void ScalogramView::document_opened() {
  ask();
}

void ScalogramView::selection_changed(const Selection& now, const Selection& before) {
  if (needs_refresh(now, before)) ask();
}

void ScalogramView::snapshot_arrived(Topic topic) {
  if (topic == Topic::Row) refresh();
}

const Scalogram* ScalogramView::scalogram() const {
  const RowSnapshot* row = workspace().document.row();
  return row ? &row->scalogram : nullptr;
}

QRectF ScalogramView::row_rect(size_t level, size_t levels) const {
  const QRectF rect = plot();
  const double height = rect.height() / static_cast<double>(levels);
  const double top = std::round(rect.top() + height * static_cast<double>(level));
  return {rect.left(), top, rect.width(),
          std::round(rect.top() + height * static_cast<double>(level + 1)) - top};
}

QString ScalogramView::caption() const {
  const Selection& now = selection();
  const std::optional<size_t> index = step_index_at(content()->info, now.step);
  if (!index) return {};
  return QStringLiteral(
             "|W| of weight × |value|, step %1, %2, undecimated LA8 · hatched: "
             "touched by an end · ● tree tokens by the spacing of their level")
      .arg(grouped(content()->info.steps[*index].value),
           lanes_in_words(content()->runs[now.run], now));
}

QString ScalogramView::describe(QPointF point) const {
  const std::optional<Position> position = position_at(point);
  const Scalogram* of = scalogram();
  if (!position || !of || of->levels.empty()) return {};
  for (size_t level = 0; level < of->levels.size(); ++level) {
    if (!row_rect(level, of->levels.size()).contains(point)) continue;
    const Scalogram::Level& row = of->levels[level];
    const size_t place = position->index() / row.unit;
    if (place >= row.magnitude.size()) return {};
    return QStringLiteral("position %1 · scale %2 tokens: ")
               .arg(grouped(position->value), grouped(uint64_t{2} << level)) +
           to_qt(short_number(double{row.magnitude.at(place)}));
  }
  return {};
}

void ScalogramView::paint_row(QPainter& painter, const Scalogram::Level& level, const QRectF& rect,
                              const ValueScale& scale) const {
  const Selection& now = selection();
  const auto columns = static_cast<size_t>(std::max(1.0, rect.width() * devicePixelRatioF()));
  const double unit = static_cast<double>(level.unit);
  const std::vector<Envelope::Cell> cells = envelope_columns(
      level.magnitude, now.first_visible.value / unit,
      (static_cast<double>(now.first_visible.value) + now.visible) / unit, columns);
  const ColourMap& map = sequential_map(workspace().style.theme);
  QImage image(static_cast<int>(columns), 1, QImage::Format_RGB32);
  auto* const line = reinterpret_cast<QRgb*>(image.scanLine(0));
  for (size_t c = 0; c < columns; ++c)
    line[c] = to_qt(std::isnan(cells[c].largest) ? colours().panel
                                                 : map.at(scale.fraction(double{cells[c].largest})))
                  .rgb();
  painter.drawImage(rect, image);
}

void ScalogramView::paint_cone(QPainter& painter, const Scalogram& of) const {
  const Axis x = position_axis();
  const QRectF rect = plot();
  QColor ink = to_qt(colours().panel);
  ink.setAlpha(150);
  for (size_t level = 0; level < of.levels.size(); ++level) {
    const IndexRange valid = of.levels[level].valid;
    const QRectF row = row_rect(level, of.levels.size());
    const auto hatched = [&](double from, double to) {
      const double left = std::max(rect.left(), x.pixel(from));
      const double right = std::min(rect.right(), x.pixel(to));
      if (right <= left) return;
      hatch(painter, QRectF(left, row.top(), right - left, row.height()), ink, 5);
    };
    const auto seen = static_cast<double>(workspace().document.row()->weight.size());
    hatched(0, static_cast<double>(valid.first));
    hatched(static_cast<double>(valid.first + valid.count), seen);
  }
}

void ScalogramView::paint_scales(QPainter& painter, size_t levels) const {
  painter.setFont(tiny_font());
  painter.setPen(to_qt(colours().secondary));
  double free_from = plot().top() - 20;
  for (size_t level = 0; level < levels; ++level) {
    const QRectF row = row_rect(level, levels);
    if (row.center().y() < free_from) continue;
    free_from = row.center().y() + scaled(13);
    draw_label(painter, QRectF(row.left() - 52, row.center().y() - 8, 46, 16), kRightLabel,
               compact(uint64_t{2} << level));
  }
}

/// Kept tokens of tree level k at the row of scale 2^k, in the colour of the level.
void ScalogramView::paint_tree_levels(QPainter& painter, size_t levels) const {
  const Selection& now = selection();
  if (now.scope != LaneScope::One) return;
  const RunIndex& index = content()->index(now.run);
  if (index.run().budget == 0) return;
  const LaneIndex& lane = index.lane({now.layer, now.lane});
  const Axis x = position_axis();
  const IndexRange sight{now.first_visible.index(), now.visible};
  painter.setBrush(Qt::NoBrush);
  lane.for_each_kept(sight, now.step, [&](Position position) {
    if (index.place(position, now.step) != Place::Tree) return;
    const size_t level =
        std::min<size_t>(std::max<size_t>(lane.level(position, now.step), 1), levels);
    const QRectF row = row_rect(level - 1, levels);
    const QPointF centre(x.pixel(position.value + 0.5), row.center().y());
    painter.setPen(QPen(to_qt(colours().panel), 1));
    painter.setBrush(to_qt(colours().level_colour(static_cast<unsigned>(level))));
    const double radius = std::clamp(row.height() / 2 - 2, 1.5, 3.2);
    painter.drawEllipse(centre, radius, radius);
  });
}

void ScalogramView::paint_back(QPainter& painter) {
  if (!row_request(*content(), selection()))
    return paint_message(painter,
                         to_qt(not_recorded(content()->info, selection().layer, selection().step)));
  const QString reduced = needs_full_rows(content()->info.capture);
  if (!reduced.isEmpty()) return paint_message(painter, reduced);
  const QString problem = workspace().document.problem(Topic::Row);
  if (!problem.isEmpty()) return paint_message(painter, problem);
  const Scalogram* of = scalogram();
  if (!of) return paint_message(painter, QStringLiteral("reading …"));
  if (of->levels.empty())
    return paint_message(painter, QStringLiteral("A scalogram needs eight positions or more."));
  const ValueScale scale = scale_for(*of);
  painter.save();
  painter.setClipRect(plot());
  painter.setRenderHint(QPainter::SmoothPixmapTransform, false);
  for (size_t level = 0; level < of->levels.size(); ++level)
    paint_row(painter, of->levels[level], row_rect(level, of->levels.size()), scale);
  paint_cone(painter, *of);
  paint_tree_levels(painter, of->levels.size());
  painter.restore();
  painter.setPen(QPen(to_qt(colours().rule), 1));
  painter.setBrush(Qt::NoBrush);
  painter.drawRect(plot().adjusted(-0.5, -0.5, 0.5, 0.5));
  paint_scales(painter, of->levels.size());
  paint_position_ticks(painter);
  if (header_reserve() == 0) return;
  paint_colour_bar(painter, QRectF(width() - kPadding - kBarWidth, 8, kBarWidth, 8),
                   sequential_map(workspace().style.theme), scale, colours(), {});
}

}  // namespace dendrokv
