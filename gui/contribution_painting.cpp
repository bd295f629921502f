// How the panel of contributions is drawn.

#include <QPainterPath>
#include <algorithm>
#include <cmath>

#include "gui/contribution_view.h"
#include "gui/labels.h"
#include "gui/level_overlay.h"
#include "gui/paint.h"

namespace dendrokv {
namespace {

constexpr double kColumnWidth = 64;

}  // namespace

/// The scale of what is in sight, once all of it is there: it does not wander while tiles come in.
void ContributionView::choose_scale() {
  const std::vector<TileKey> sight = visible_tiles(zoom());
  if (sight == scaled_by_) return;
  std::vector<std::shared_ptr<const HeatTile>> tiles;
  for (const TileKey& key : sight)
    if (auto tile = workspace().document.tile(key)) tiles.push_back(tile);
  const bool whole = tiles.size() == sight.size();
  if (!whole && !scaled_by_.empty()) return;
  if (tiles.empty()) {
    const TileKey key = whole_tile(subject_, content()->info.steps.size(), content()->info.tokens);
    if (auto tile = workspace().document.tile(key)) tiles.push_back(tile);
  }
  if (whole) scaled_by_ = sight;
  const size_t sinks = std::max(1u, content()->runs[selection().run].sinks);
  heat_.set_scale(scale_of(static_cast<ScaleShape>(shapes_->checkedAction()->data().toInt()),
                           scale_samples(tiles, sinks)));
}

void ContributionView::paint_heat(QPainter& painter) {
  Document& document = workspace().document;
  const Zoom now = zoom();
  std::vector<TileKey> layers = {
      whole_tile(subject_, content()->info.steps.size(), content()->info.tokens)};
  const std::vector<TileKey> sight = visible_tiles(now);
  const bool lacking = std::any_of(sight.begin(), sight.end(),
                                   [&document](const TileKey& key) { return !document.tile(key); });
  // Until all is there the zoom of before stands in where it has something.
  if (lacking && zoom_before_ && *zoom_before_ != now) {
    const std::vector<TileKey> before = visible_tiles(*zoom_before_);
    if (before.size() <= HeatPainter::kMostPictures)
      layers.insert(layers.end(), before.begin(), before.end());
  }
  if (!lacking) {
    zoom_before_ = now;
    layers.clear();
  }
  layers.insert(layers.end(), sight.begin(), sight.end());
  painter.save();
  painter.setClipRect(plot());
  painter.setRenderHint(QPainter::SmoothPixmapTransform, false);
  for (const TileKey& key : layers)
    if (const auto tile = document.tile(key))
      heat_.paint(painter, *tile, {position_axis(), step_axis(), plot()}, content()->info.steps);
  painter.restore();
}

/// Rows and columns of the overlay are pixels of the device, or several of them.
void ContributionView::paint_overlay(QPainter& painter) const {
  const QRectF rect = plot();
  const double ratio = devicePixelRatioF();
  const IndexRange steps = visible_steps(), positions = visible_positions();
  const size_t rows = std::min(
      steps.count, overlay_rows(*content(), selection(),
                                static_cast<size_t>(std::max(1.0, rect.height() * ratio))));
  std::vector<Step> sampled;
  for (size_t row = 0; row < rows; ++row)
    sampled.push_back(
        content()->info.steps[steps.first + (row * steps.count + steps.count / 2) / rows]);
  const auto pixels = static_cast<size_t>(std::max(1.0, rect.width() * ratio));
  const size_t factor = (positions.count + pixels - 1) / pixels;
  const QImage image =
      level_overlay(*content(), selection(), colours(), sampled, positions, factor);
  const double shown = static_cast<double>(static_cast<size_t>(image.width()) * factor) /
                       static_cast<double>(positions.count);
  painter.save();
  painter.setClipRect(rect);
  painter.setRenderHint(QPainter::SmoothPixmapTransform, false);
  painter.drawImage(QRectF(rect.left(), rect.top(), rect.width() * shown, rect.height()), image);
  painter.restore();
}

void ContributionView::paint_step_ticks(QPainter& painter) const {
  const std::vector<Step>& steps = content()->info.steps;
  const QRectF rect = plot();
  painter.setFont(tiny_font());
  painter.setPen(to_qt(colours().secondary));
  double free_from = rect.top();
  for (const Tick& tick :
       binary_ticks(step_axis(), std::max(2, static_cast<int>(rect.height() / scaled(34))))) {
    if (tick.value >= static_cast<double>(steps.size())) continue;
    const double y =
        std::clamp(step_axis().pixel(tick.value + 0.5), rect.top() + 6, rect.bottom() - 5);
    if (y < free_from) continue;
    free_from = y + scaled(13);
    draw_label(painter, QRectF(rect.left() - 52, y - 8, 46, 16), kRightLabel,
               compact(steps[static_cast<size_t>(tick.value)].value));
  }
}

/// The values of the row of the chosen step on the map's own scale, a bar for each pixel.
void ContributionView::paint_row_profile(QPainter& painter) const {
  const std::optional<size_t> index = step_index_at(content()->info, selection().step);
  if (profile_height() == 0 || !index) return;
  const QRectF rect = plot();
  const double base = rect.top() - 3, height = profile_height() - 7;
  const Axis across = position_axis();
  HeatCells cells(workspace().document, subject_, zoom());
  QVector<QRectF> bars;
  const double first = std::round(rect.left()), bar = 1 / devicePixelRatioF();
  for (double x = first; x < rect.right(); x += bar) {
    const double place = std::floor(across.data(x + bar / 2));
    if (place < 0 || place >= content()->info.tokens) continue;
    const std::optional<Cell> cell = cells.at(*index, Position(static_cast<uint32_t>(place)));
    if (!cell || std::isnan(cell->value)) continue;
    const double size = scale().fraction(double{cell->value}) * height;
    bars.push_back({x, base - size, bar, size});
  }
  painter.setRenderHint(QPainter::Antialiasing, false);
  painter.setPen(Qt::NoPen);
  painter.setBrush(to_qt(mix(colours().panel, colours().level[5], 0.75)));
  painter.drawRects(bars);
  painter.setRenderHint(QPainter::Antialiasing, true);
  painter.setPen(QPen(to_qt(colours().rule), 1));
  painter.drawLine(QPointF(rect.left(), base + 0.5), QPointF(rect.right(), base + 0.5));
  painter.setFont(tiny_font());
  painter.setPen(to_qt(colours().secondary));
  draw_label(painter, QRectF(rect.left() - 58, base - height, 52, height), kRightLabel,
             compact(content()->info.steps[*index].value));
}

/// What the steps gave to one position, down the right edge.
void ContributionView::paint_column_profile(QPainter& painter, Position position) const {
  const QRectF rect = plot();
  if (profile_height() == 0 || rect.width() < 5 * kColumnWidth) return;
  const double x = position_axis().pixel(position.value + 0.5);
  const bool right_side = x < rect.right() - kColumnWidth - 24;
  const QRectF strip(right_side ? rect.right() - kColumnWidth : rect.left(), rect.top(),
                     kColumnWidth, rect.height());
  QColor ground = to_qt(colours().panel);
  ground.setAlpha(225);
  painter.fillRect(strip, ground);
  painter.setPen(QPen(to_qt(colours().rule), 1));
  painter.drawRect(strip.adjusted(0.5, 0.5, -0.5, -0.5));
  const Axis down = step_axis();
  HeatCells cells(workspace().document, subject_, zoom());
  QPainterPath path;
  bool drawn = false;
  for (double y = rect.top(); y < rect.bottom(); y += 1) {
    const double place = std::floor(down.data(y + 0.5));
    if (place < 0 || place >= static_cast<double>(content()->info.steps.size())) continue;
    const std::optional<Cell> cell = cells.at(static_cast<size_t>(place), position);
    if (!cell || std::isnan(cell->value)) {
      drawn = false;
      continue;
    }
    const QPointF point(
        strip.left() + 4 + scale().fraction(double{cell->value}) * (kColumnWidth - 8), y + 0.5);
    if (drawn)
      path.lineTo(point);
    else
      path.moveTo(point);
    drawn = true;
  }
  painter.setPen(QPen(to_qt(colours().accent), 1.1));
  painter.setBrush(Qt::NoBrush);
  painter.drawPath(path);
}

/// What the lane, or the lanes, keep after the chosen step, below the map: tree levels, or the
/// fraction that keeps.
void ContributionView::paint_levels(QPainter& painter) const {
  if (profile_height() == 0) return;
  const QRectF rect = plot();
  const QRectF strip(rect.left(), rect.bottom() + 2, rect.width(), kLevelHeight);
  paint_kept_strip(painter, strip, *content(), selection(), colours());
}

void ContributionView::paint_back(QPainter& painter) {
  if (!subject())
    return paint_message(
        painter, to_qt(not_recorded(content()->info, selection().layer, content()->last_step())));
  const QString problem = workspace().document.problem(Topic::Heat);
  if (!problem.isEmpty()) return paint_message(painter, problem);
  heat_.set_colours(workspace().style);
  choose_scale();
  const QRectF rect = plot();
  painter.fillRect(rect, to_qt(colours().panel));
  paint_heat(painter);
  if (workspace().level_overlay == LevelOverlay::Show) paint_overlay(painter);
  painter.setPen(QPen(to_qt(colours().rule), 1));
  painter.setBrush(Qt::NoBrush);
  painter.drawRect(rect.adjusted(-0.5, -0.5, 0.5, 0.5));
  paint_row_profile(painter);
  paint_levels(painter);
  paint_position_ticks(painter);
  paint_step_ticks(painter);
  if (!has_bar()) return;
  const double right = width() - kPadding - scaled(kQuantityWidth + kReductionWidth + 6 + 16);
  const QRectF bar(right - kBarWidth, 8, kBarWidth, 8);
  paint_colour_bar(painter, bar, sequential_map(workspace().style.theme), scale(), colours(), {});
}

void ContributionView::paint_front(QPainter& painter) {
  if (!subject()) return;
  PositionView::paint_front(painter);
  if (const std::optional<Position> focus = selection().focus())
    if (focus->index() >= visible_positions().first &&
        focus->index() < visible_positions().first + visible_positions().count)
      paint_column_profile(painter, *focus);
  if (workspace().level_overlay == LevelOverlay::Show)
    paint_overlay_legend(painter, plot().topRight() + QPointF(-8 - kColumnWidth, 8), *content(),
                         selection(), colours());
  const std::optional<size_t> index = step_index_at(content()->info, selection().step);
  const IndexRange steps = visible_steps();
  if (!index || *index < steps.first || *index >= steps.first + steps.count) return;
  const QRectF rect = plot();
  const double y =
      std::min(step_axis().pixel(static_cast<double>(*index) + 0.5), rect.bottom() - 0.5);
  painter.setPen(QPen(to_qt(colours().accent), 1));
  painter.drawLine(QPointF(rect.left(), y), QPointF(rect.right(), y));
}

}  // namespace dendrokv
