#include "gui/mosaic_view.h"

#include <QMouseEvent>
#include <algorithm>
#include <cmath>

#include "gui/labels.h"
#include "gui/lane_sets.h"
#include "gui/paint.h"
#include "gui/reduced_rows.h"

namespace dendrokv {
namespace {

// At 100 %.
constexpr double kTopLabels = 40, kLeftLabels = 22, kScaleBand = 60;

}  // namespace

MosaicView::MosaicView(Workspace& workspace, const QString& title, QWidget* parent)
    : View(workspace, title, parent), metric_(new ChoiceBox(this)) {
  metric_->addItem(QStringLiteral("variability, end ÷ start"), static_cast<int>(Metric::Growth));
  metric_->addItem(QStringLiteral("positions attended to"), static_cast<int>(Metric::Entropy));
  metric_->addItem(QStringLiteral("share of position 0"), static_cast<int>(Metric::Sink));
  metric_->setAccessibleName(QStringLiteral("number of the tiles"));
  connect(metric_, QOverload<int>::of(&QComboBox::currentIndexChanged), this,
          [this] { refresh(); });
}

void MosaicView::resizeEvent(QResizeEvent* event) {
  metric_->setGeometry(QRectF(kPadding, header() - 4, width() - 2 * kPadding, scaled(24)).toRect());
  View::resizeEvent(event);
}

MosaicView::Metric MosaicView::metric() const {
  return static_cast<Metric>(metric_->currentData().toInt());
}

QString MosaicView::unit() const {
  switch (metric()) {
    case Metric::Growth:
      return QStringLiteral("×");
    case Metric::Entropy:
      return {};
    case Metric::Sink:
      return QStringLiteral(" %");
  }
  return {};
}

Grid<float> MosaicView::numbers() const {
  const MapSnapshot& map = *workspace().document.map();
  if (metric() == Metric::Growth) return map.growth;
  Grid<float> all = metric() == Metric::Entropy ? map.entropy : map.sink;
  // e^H positions of equal weight have the entropy H.
  for (float& number : all.all())
    number = metric() == Metric::Entropy ? std::exp(number) : 100 * number;
  return all;
}

ValueScale MosaicView::scale_of_numbers(const Grid<float>& all) const {
  const std::span<const float> numbers = all.all();
  std::vector<float> copy(numbers.begin(), numbers.end());
  return metric() == Metric::Sink ? linear_scale(std::move(copy)) : log_scale(std::move(copy));
}

QRectF MosaicView::grid() const {
  return area().adjusted(scaled(kLeftLabels) - 6, scaled(kTopLabels), 0, -scaled(kScaleBand));
}

QRectF MosaicView::tile_rect(Tile tile) const {
  const QRectF rect = grid();
  const double width = rect.width() / static_cast<double>(content()->info.heads.size());
  const double height = rect.height() / static_cast<double>(content()->info.layers.size());
  return {rect.left() + width * static_cast<double>(tile.head_index),
          rect.top() + height * static_cast<double>(tile.layer_index), width, height};
}

std::optional<MosaicView::Tile> MosaicView::tile_at(QPointF point) const {
  const QRectF rect = grid();
  if (!content() || !rect.contains(point)) return std::nullopt;
  const TraceInfo& info = content()->info;
  const auto place = [](double at, size_t count) {
    return std::min(static_cast<size_t>(at * static_cast<double>(count)), count - 1);
  };
  return Tile{place((point.y() - rect.top()) / rect.height(), info.layers.size()),
              place((point.x() - rect.left()) / rect.width(), info.heads.size())};
}

std::vector<MosaicView::Tile> MosaicView::selected_tiles() const {
  std::vector<Tile> tiles;
  if (selection().scope == LaneScope::AllMean) return tiles;
  for (const LayerHeads& layer : recorded_heads(*content(), selection()))
    for (const size_t head : layer.heads) tiles.push_back({layer.layer_index, head});
  return tiles;
}

QVector<QLineF> MosaicView::outline(const std::vector<Tile>& tiles) const {
  const size_t rows = content()->info.layers.size(), columns = content()->info.heads.size();
  Grid<uint8_t> inside(rows + 2, columns + 2);  // with an empty edge around
  for (const Tile& tile : tiles) inside(tile.layer_index + 1, tile.head_index + 1) = 1;
  QVector<QLineF> lines;
  for (const Tile& tile : tiles) {
    const QRectF rect = tile_rect(tile).adjusted(-0.5, -0.5, 0.5, 0.5);
    const size_t row = tile.layer_index + 1, column = tile.head_index + 1;
    if (!inside(row - 1, column)) lines << QLineF(rect.topLeft(), rect.topRight());
    if (!inside(row + 1, column)) lines << QLineF(rect.bottomLeft(), rect.bottomRight());
    if (!inside(row, column - 1)) lines << QLineF(rect.topLeft(), rect.bottomLeft());
    if (!inside(row, column + 1)) lines << QLineF(rect.topRight(), rect.bottomRight());
  }
  return lines;
}

QString MosaicView::describe(QPointF point) const {
  const std::optional<Tile> tile = tile_at(point);
  const MapSnapshot* map = workspace().document.map();
  if (!tile || !map) return {};
  return QStringLiteral("%1·%2: ")
             .arg(content()->info.layers[tile->layer_index].value)
             .arg(content()->info.heads[tile->head_index].value) +
         to_qt(short_number(double{numbers()(tile->layer_index, tile->head_index)})) + unit();
}

bool MosaicView::needs_refresh(const Selection& now, const Selection& before) const {
  if (!content()) return false;
  const TraceInfo& info = content()->info;
  return step_index_at(info, now.step).has_value() != step_index_at(info, before.step).has_value();
}

/// Of a trace without full rows, what it has.
void MosaicView::document_opened() {
  const Capture& capture = content()->info.capture;
  if (capture.rows == FullRows::Omit && metric() == Metric::Growth)
    metric_->setCurrentIndex(metric_->findData(
        static_cast<int>(capture.entropy == EntropyRows::Record ? Metric::Entropy : Metric::Sink)));
}

void MosaicView::snapshot_arrived(Topic topic) {
  if (topic == Topic::Map) refresh();
}

void MosaicView::paint_labels(QPainter& painter) const {
  const TraceInfo& info = content()->info;
  painter.setFont(tiny_font());
  painter.setPen(to_qt(colours().secondary));
  const double row = tile_rect({0, 0}).height(), column = tile_rect({0, 0}).width();
  const size_t every_row = static_cast<size_t>(std::max(1.0, std::ceil(scaled(14) / row)));
  const size_t every_column = static_cast<size_t>(std::max(1.0, std::ceil(scaled(18) / column)));
  for (size_t layer = 0; layer < info.layers.size(); layer += every_row)
    draw_label(painter,
               QRectF(area().left() - 14, tile_rect({layer, 0}).center().y() - 8,
                      scaled(kLeftLabels) + 2, 16),
               kRightLabel, QString::number(info.layers[layer].value));
  for (size_t head = 0; head < info.heads.size(); head += every_column)
    draw_label(painter, QRectF(tile_rect({0, head}).center().x() - 20, grid().top() - 16, 40, 14),
               kCentreLabel, QString::number(info.heads[head].value));
}

void MosaicView::paint_scale(QPainter& painter, const ValueScale& scale) const {
  const QRectF bar(grid().left(), grid().bottom() + 12, grid().width(), 8);
  paint_colour_bar(painter, bar, sequential_map(workspace().style.theme), scale, colours(), unit());
  painter.setPen(to_qt(colours().secondary));
  painter.setFont(tiny_font());
  const QString clipped = clipped_text(scale);
  const QString words = metric() == Metric::Growth ? QStringLiteral("band D1, × = times, log scale")
                        : metric() == Metric::Entropy
                            ? QStringLiteral("e to the entropy, log scale")
                            : QStringLiteral("of the row, linear scale");
  painter.drawText(QRectF(area().left(), bar.bottom() + scaled(18), area().width(), scaled(32)),
                   static_cast<int>(Qt::AlignLeft | Qt::AlignTop) | Qt::TextWordWrap,
                   words + QLatin1Char('\n') + clipped);
}

/// Why there are no tiles; empty when there are.
QString MosaicView::what_is_lacking() const {
  const QString problem = workspace().document.problem(Topic::Map);
  if (!problem.isEmpty()) return problem;
  const TraceInfo& info = content()->info;
  if (!step_index_at(info, selection().step))
    return to_qt(not_recorded(info, selection().layer, selection().step));
  const MapSnapshot* map = workspace().document.map();
  if (!map) return QStringLiteral("reading …");
  const QString reduced = needs_full_rows(info.capture);
  if (metric() == Metric::Growth && !reduced.isEmpty()) return reduced;
  if (metric() != Metric::Growth || map->window.count >= kShortestGrowth) return {};
  return QStringLiteral("Start and end of the text can be compared from %1 tokens on.")
      .arg(kShortestGrowth);
}

void MosaicView::paint_back(QPainter& painter) {
  const QString lacking = what_is_lacking();
  if (!lacking.isEmpty()) return paint_message(painter, lacking);
  const Grid<float> all = numbers();
  const ValueScale scale = scale_of_numbers(all);
  const ColourMap& colour = sequential_map(workspace().style.theme);
  painter.setPen(Qt::NoPen);
  for (size_t layer = 0; layer < all.rows(); ++layer)
    for (size_t head = 0; head < all.cols(); ++head) {
      const float number = all(layer, head);
      painter.setBrush(
          to_qt(std::isnan(number) ? colours().absent : colour.at(scale.fraction(double{number}))));
      painter.drawRoundedRect(tile_rect({layer, head}).adjusted(0.75, 0.75, -0.75, -0.75), 2, 2);
    }
  paint_labels(painter);
  paint_scale(painter, scale);
}

void MosaicView::paint_front(QPainter& painter) {
  if (!what_is_lacking().isEmpty()) return;
  const QVector<QLineF> lines = outline(selected_tiles());
  painter.setPen(QPen(to_qt(colours().panel), 4, Qt::SolidLine, Qt::RoundCap));
  painter.drawLines(lines);
  painter.setPen(QPen(to_qt(colours().accent), 2, Qt::SolidLine, Qt::RoundCap));
  painter.drawLines(lines);
}

LaneId MosaicView::lane_of(Tile tile) const {
  const TraceInfo& info = content()->info;
  const Head head = info.heads[tile.head_index];
  const LaneKind kind = content()->runs[selection().run].lane_kind;
  return {info.layers[tile.layer_index], kind == LaneKind::PerLayer ? Lane(0)
                                         : kind == LaneKind::PerQueryHead
                                             ? Lane(head.value)
                                             : Lane(info.kv_head_of(head).value)};
}

void MosaicView::mousePressEvent(QMouseEvent* event) {
  const std::optional<Tile> tile = tile_at(event->localPos());
  if (event->button() != Qt::LeftButton || !tile) return;
  const Run& run = content()->runs[selection().run];
  const bool adds = event->modifiers() & Qt::ControlModifier;
  drag_from_ = tile;
  dragged_ = false;
  before_drag_ = adds ? chosen_lanes(run, selection()) : std::vector<LaneId>();
  workspace().selection.change([&](Selection& wanted) {
    if (adds)
      toggle_lane(run, wanted, lane_of(*tile));
    else
      choose_lanes(wanted, {lane_of(*tile)});
  });
}

void MosaicView::mouseMoveEvent(QMouseEvent* event) {
  View::mouseMoveEvent(event);
  const std::optional<Tile> tile = tile_at(event->localPos());
  if (!(event->buttons() & Qt::LeftButton) || !drag_from_) return drag_from_.reset();
  if (!tile || (!dragged_ && *tile == *drag_from_)) return;
  dragged_ = true;
  std::vector<LaneId> lanes = before_drag_;
  const auto [top, bottom] = std::minmax(drag_from_->layer_index, tile->layer_index);
  const auto [left, right] = std::minmax(drag_from_->head_index, tile->head_index);
  for (size_t layer = top; layer <= bottom; ++layer)
    for (size_t head = left; head <= right; ++head) lanes.push_back(lane_of({layer, head}));
  lanes.push_back(lane_of(*tile));
  workspace().selection.change([&](Selection& wanted) { choose_lanes(wanted, std::move(lanes)); },
                               History::Merge);
}

}  // namespace dendrokv
