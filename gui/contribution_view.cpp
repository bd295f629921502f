#include "gui/contribution_view.h"

#include <QMouseEvent>
#include <algorithm>
#include <cmath>

#include "gui/paint.h"

namespace dendrokv {
namespace {

constexpr int kBarWidth = 170;
constexpr int kComboWidth = 150;
constexpr int kNarrow = 560;

const ColourMap& heat_map(Theme theme) {
  return colour_map(theme == Theme::Light ? "viridis" : "inferno");
}

QVector<QRgb> heat_colours(const Style& style) {
  QVector<QRgb> table(256, 0);
  table[kFutureCode] = to_qt(style.colours().panel).rgb();
  table[kAbsentCode] = to_qt(mix(style.colours().absent, style.colours().recent, 0.35)).rgb();
  const ColourMap& map = heat_map(style.theme);
  for (int code = kFirstValueCode; code < 256; ++code)
    table[code] = to_qt(map.at((code - kFirstValueCode) / (255.0 - kFirstValueCode))).rgb();
  return table;
}

}  // namespace

ContributionView::ContributionView(Workspace& workspace, const QString& title, QWidget* parent)
    : PositionView(workspace, title, parent), quantity_(new ChoiceBox(this)) {
  quantity_->addItem(QStringLiteral("attention weight"), static_cast<int>(Quantity::Weight));
  quantity_->addItem(QStringLiteral("weight × |value|"), static_cast<int>(Quantity::Contribution));
  quantity_->setCurrentIndex(1);
  quantity_->setAccessibleName(QStringLiteral("quantity of the map"));
  connect(quantity_, QOverload<int>::of(&QComboBox::currentIndexChanged), this, [this] {
    ask();
    refresh();
  });
}

/// A narrow panel keeps its title and the choice.
bool ContributionView::has_bar() const {
  return width() >= kNarrow;
}

int ContributionView::header_reserve() const {
  return kComboWidth + 20 + (has_bar() ? kBarWidth + 20 : 0);
}

void ContributionView::resizeEvent(QResizeEvent* event) {
  quantity_->setGeometry(width() - kPadding - kComboWidth, 5, kComboWidth, 26);
  ask();
  PositionView::resizeEvent(event);
}

std::optional<HeatRequest> ContributionView::request() const {
  if (!content()) return std::nullopt;
  const Selection& now = selection();
  const Run& run = content()->runs[now.run];
  const std::optional<size_t> layer = layer_index(content()->info, now.layer);
  const std::vector<size_t> heads =
      now.scope == LaneScope::One ? lane_head_indices(content()->info, run.lane_kind, now.lane)
                                  : all_head_indices(content()->info);
  if (!layer || heads.empty() || content()->info.steps.empty()) return std::nullopt;
  HeatRequest wanted;
  wanted.layer_index = *layer;
  wanted.heads = heads;
  wanted.quantity = static_cast<Quantity>(quantity_->currentData().toInt());
  wanted.steps = {0, content()->info.steps.size()};
  wanted.positions = {now.first_visible.index(), now.visible};
  wanted.most_rows = static_cast<size_t>(std::max(1.0, plot().height() * devicePixelRatioF()));
  wanted.most_columns = static_cast<size_t>(std::max(1.0, plot().width() * devicePixelRatioF()));
  wanted.unscaled = std::max(1u, run.sinks);
  return wanted;
}

void ContributionView::ask() {
  if (const std::optional<HeatRequest> wanted = request()) workspace().document.want_heat(*wanted);
}

bool ContributionView::needs_refresh(const Selection& now, const Selection& before) const {
  return now.run != before.run || now.scope != before.scope || now.layer != before.layer ||
         now.lane != before.lane || now.first_visible != before.first_visible ||
         now.visible != before.visible;
}

void ContributionView::selection_changed(const Selection& now, const Selection& before) {
  if (needs_refresh(now, before)) ask();
}

void ContributionView::document_opened() {
  ask();
}

void ContributionView::snapshot_arrived(Topic topic) {
  if (topic == Topic::Heat) refresh();
}

QString ContributionView::caption() const {
  const HeatSnapshot* heat = workspace().document.heat();
  const Selection& now = selection();
  QString text = QStringLiteral("layer %1, ").arg(now.layer.value);
  const size_t heads = heat ? heat->request.heads.size() : 0;
  text += heads == 1 ? QStringLiteral("1 query head")
                     : QStringLiteral("mean of %1 query heads").arg(heads);
  if (now.scope == LaneScope::One)
    text += QStringLiteral(" of ") + to_qt(lane_name(content()->runs[now.run], now.lane));
  if (!heat) return text;
  text +=
      QStringLiteral(" · ") + to_qt(scale_shape_name(heat->scale.shape)) + QStringLiteral(" scale");
  if (heat->row_factor * heat->column_factor > 1)
    text +=
        QStringLiteral(" · max of %1 × %2 cells").arg(heat->column_factor).arg(heat->row_factor);
  const QString clipped = clipped_text(heat->scale);
  if (!clipped.isEmpty()) text += QStringLiteral(" · ") + clipped;
  return text + QStringLiteral(" · positions below %1 not scaled").arg(heat->request.unscaled);
}

Axis ContributionView::step_axis() const {
  const QRectF rect = plot();
  return {ScaleKind::Linear, 0, std::max(1.0, static_cast<double>(content()->info.steps.size())),
          rect.top(), rect.bottom()};
}

QString ContributionView::describe(QPointF point) const {
  const HeatSnapshot* heat = workspace().document.heat();
  const std::optional<Position> position = position_at(point);
  if (!heat || !position || request() != heat->request) return {};
  const auto row = static_cast<size_t>(step_axis().data(point.y()));
  const std::vector<Step>& steps = content()->info.steps;
  if (row >= steps.size()) return {};
  const size_t column = (position->index() - heat->request.positions.first) / heat->column_factor;
  const uint8_t code = (*heat->codes)(row / heat->row_factor, column);
  const QString where = QStringLiteral("step %1 · position %2: ")
                            .arg(grouped(steps[row].value), grouped(position->value));
  if (code == kFutureCode) return where + QStringLiteral("not read yet");
  if (code == kAbsentCode) return where + QStringLiteral("not in the cache");
  return where + to_qt(short_number(double{heat->values(row / heat->row_factor, column)}));
}

void ContributionView::paint_heat(QPainter& painter) const {
  const HeatSnapshot* heat = workspace().document.heat();
  const TileImage image(heat->codes, heat_colours(workspace().style));
  // An older picture stands in, at its own place, until the one that was asked for arrives.
  const Axis axis = position_axis();
  const IndexRange& range = heat->request.positions;
  const QRectF rect = plot();
  const double left = axis.pixel(static_cast<double>(range.first));
  const double right = axis.pixel(static_cast<double>(range.first + range.count));
  const QRectF source(
      0, 0, static_cast<double>(range.count) / static_cast<double>(heat->column_factor),
      static_cast<double>(heat->request.steps.count) / static_cast<double>(heat->row_factor));
  painter.save();
  painter.setClipRect(rect);
  image.paint(painter, QRectF(left, rect.top(), right - left, rect.height()), source);
  painter.restore();
}

void ContributionView::paint_step_ticks(QPainter& painter) const {
  const std::vector<Step>& steps = content()->info.steps;
  const QRectF rect = plot();
  painter.setFont(tiny_font());
  painter.setPen(to_qt(colours().secondary));
  for (const Tick& tick :
       binary_ticks(step_axis(), std::max(2, static_cast<int>(rect.height() / 34)))) {
    if (tick.value >= static_cast<double>(steps.size())) continue;
    const double y = step_axis().pixel(tick.value + 0.5);
    painter.drawText(QRectF(rect.left() - 46, y - 8, 39, 16), Qt::AlignRight | Qt::AlignVCenter,
                     grouped(steps[static_cast<size_t>(tick.value)].value));
  }
}

void ContributionView::paint_back(QPainter& painter) {
  const HeatSnapshot* heat = workspace().document.heat();
  const QString problem = workspace().document.problem(Topic::Heat);
  if (!request())
    return paint_message(
        painter, to_qt(not_recorded(content()->info, selection().layer, content()->last_step())));
  if (!problem.isEmpty()) return paint_message(painter, problem);
  if (!heat) return paint_message(painter, QStringLiteral("reading …"));
  paint_heat(painter);
  const QRectF rect = plot();
  painter.setPen(QPen(to_qt(colours().rule), 1));
  painter.setBrush(Qt::NoBrush);
  painter.drawRect(rect.adjusted(-0.5, -0.5, 0.5, 0.5));
  paint_position_ticks(painter);
  paint_step_ticks(painter);
  if (!has_bar()) return;
  const QRectF bar(width() - kPadding - kComboWidth - kBarWidth - 12, 8, kBarWidth, 8);
  paint_colour_bar(painter, bar, heat_map(workspace().style.theme), heat->scale, colours(), {});
}

void ContributionView::paint_front(QPainter& painter) {
  if (!request() || !workspace().document.heat()) return;
  PositionView::paint_front(painter);
  const std::optional<size_t> index = step_index_at(content()->info, selection().step);
  if (!index) return;
  const QRectF rect = plot();
  const double y =
      std::min(step_axis().pixel(static_cast<double>(*index) + 0.5), rect.bottom() - 0.5);
  painter.setPen(QPen(to_qt(colours().accent), 1));
  painter.drawLine(QPointF(rect.left(), y), QPointF(rect.right(), y));
}

void ContributionView::mousePressEvent(QMouseEvent* event) {
  if (event->button() == Qt::LeftButton && (event->modifiers() & Qt::ControlModifier) &&
      content() && plot().contains(event->localPos())) {
    const auto row = static_cast<size_t>(step_axis().data(event->localPos().y()));
    const std::vector<Step>& steps = content()->info.steps;
    if (row < steps.size())
      workspace().selection.change([&](Selection& wanted) { wanted.step = steps[row]; });
    return;
  }
  PositionView::mousePressEvent(event);
}

}  // namespace dendrokv
