#include "gui/retention_view.h"

#include <QMouseEvent>
#include <algorithm>
#include <cmath>

#include "gui/inspector.h"
#include "gui/labels.h"
#include "gui/lane_sets.h"
#include "gui/paint.h"
#include "gui/retention_codes.h"

namespace dendrokv {
namespace {

constexpr int kChoiceWidth = 168;

}  // namespace

RetentionView::RetentionView(Workspace& workspace, const QString& title, QWidget* parent)
    : PositionView(workspace, title, parent), rows_(new ChoiceBox(this)) {
  rows_->addItem(QStringLiteral("every lane, this step"), static_cast<int>(Rows::Lanes));
  rows_->addItem(QStringLiteral("this lane, every step"), static_cast<int>(Rows::Steps));
  rows_->setAccessibleName(QStringLiteral("rows of the raster"));
  connect(rows_, QOverload<int>::of(&QComboBox::currentIndexChanged), this, [this] { refresh(); });
}

void RetentionView::show_rows(Rows rows) {
  rows_->setCurrentIndex(rows_->findData(static_cast<int>(rows)));
}

RetentionView::Rows RetentionView::rows() const {
  return static_cast<Rows>(rows_->currentData().toInt());
}

int RetentionView::header_reserve() const {
  return static_cast<int>(scaled(kChoiceWidth)) + 20;
}

void RetentionView::resizeEvent(QResizeEvent* event) {
  place_in_header(*rows_, 0, kChoiceWidth);
  PositionView::resizeEvent(event);
}

uint32_t RetentionView::lane_rows() const {
  return run().retention.layers() * run().retention.lanes();
}

size_t RetentionView::column_factor() const {
  const double pixels = std::max(1.0, PositionView::plot().width() * devicePixelRatioF());
  return static_cast<size_t>(std::max(1.0, std::ceil(selection().visible / pixels)));
}

double RetentionView::row_height() const {
  const double height = PositionView::plot().height() / lane_rows();
  // Whole pixels a row, so that all rows look alike, unless that would leave much of the panel
  // empty.
  return std::floor(height) >= 0.85 * height ? std::floor(height) : height;
}

QRectF RetentionView::plot() const {
  QRectF rect = PositionView::plot();
  if (content() && rows() == Rows::Lanes) rect.setHeight(row_height() * lane_rows());
  return rect;
}

uint32_t RetentionView::steps_per_row() const {
  const double pixels = std::max(1.0, plot().height() * devicePixelRatioF());
  return static_cast<uint32_t>(std::max(1.0, std::ceil(content()->info.tokens / pixels)));
}

Axis RetentionView::step_axis() const {
  const QRectF rect = plot();
  return {ScaleKind::Linear, 0, static_cast<double>(content()->info.tokens), rect.top(),
          rect.bottom()};
}

std::optional<uint32_t> RetentionView::lane_row_at(QPointF point) const {
  if (!content() || rows() != Rows::Lanes || !plot().contains(point)) return std::nullopt;
  const double row = (point.y() - plot().top()) / row_height();
  return std::min(static_cast<uint32_t>(row), lane_rows() - 1);
}

std::optional<Step> RetentionView::step_at(QPointF point) const {
  if (!content() || rows() != Rows::Steps || !plot().contains(point)) return std::nullopt;
  return std::min(Step(static_cast<uint32_t>(step_axis().data(point.y()))), content()->last_step());
}

QString RetentionView::caption() const {
  QString text;
  if (rows() == Rows::Lanes)
    text = QStringLiteral("%1 lanes after step %2, colour = tree level")
               .arg(lane_rows())
               .arg(grouped(selection().step.value));
  else
    text = QStringLiteral("layer %1 · %2 after every step, colour = tree level")
               .arg(selection().layer.value)
               .arg(to_qt(lane_name(run(), selection().lane)));
  const LaneId lane{selection().layer, selection().lane};
  const bool of_all = rows() == Rows::Lanes;
  const QString regions =
      to_qt(of_all ? run_regions(run()) : run_regions(run(), std::span(&lane, 1)));
  if (!regions.isEmpty()) text += QStringLiteral(" · ") + regions;
  if (column_factor() > 1)
    text += QStringLiteral(" · a column shows the highest of %1 positions").arg(column_factor());
  if (rows() == Rows::Steps && steps_per_row() > 1)
    text += QStringLiteral(" · every %1th step").arg(steps_per_row());
  return text;
}

QString RetentionView::describe(QPointF point) const {
  const std::optional<Position> position = position_at(point);
  if (!position) return {};
  LaneId id{selection().layer, selection().lane};
  Step step = selection().step;
  QString where;
  if (const std::optional<uint32_t> row = lane_row_at(point)) {
    id = {Layer(*row / run().retention.lanes()), Lane(*row % run().retention.lanes())};
    where =
        QStringLiteral("layer %1 · %2").arg(id.layer.value).arg(to_qt(lane_name(run(), id.lane)));
    if (const std::string budget = mapped_rows(run(), std::span(&id, 1)); !budget.empty())
      where += QStringLiteral(" · ") + to_qt(budget);
  } else if (const std::optional<Step> at = step_at(point)) {
    step = *at;
    where = QStringLiteral("step %1").arg(grouped(step.value));
  } else {
    return {};
  }
  const TokenState state = content()->index(selection().run).state(id, *position, step);
  return where + QStringLiteral(" · position %1: ").arg(grouped(position->value)) +
         place_name(state);
}

bool RetentionView::needs_refresh(const Selection& now, const Selection& before) const {
  const bool lane = rows() == Rows::Steps && (now.layer != before.layer || now.lane != before.lane);
  return lane || now.run != before.run || now.step != before.step ||
         now.first_visible != before.first_visible || now.visible != before.visible;
}

void RetentionView::paint_axis_name(QPainter& painter, const QString& name) const {
  painter.save();
  painter.translate(plot().left() - scaled(33), plot().center().y());
  painter.rotate(-90);
  draw_label(painter, QRectF(-60, -8, 120, 14), kCentreLabel, name);
  painter.restore();
}

void RetentionView::paint_layer_ticks(QPainter& painter) const {
  const uint32_t layers = run().retention.layers();
  const QRectF rect = plot();
  const Axis axis{ScaleKind::Linear, 0, static_cast<double>(layers), rect.top(), rect.bottom()};
  painter.setFont(tiny_font());
  painter.setPen(to_qt(colours().secondary));
  double free_from = rect.top();
  for (const Tick& tick :
       binary_ticks(axis, std::max(2, static_cast<int>(rect.height() / scaled(26))))) {
    if (tick.value >= layers) continue;
    const double middle = axis.pixel(tick.value + 0.5);
    if (middle < free_from) continue;
    free_from = middle + scaled(13);
    draw_label(painter, QRectF(rect.left() - 40, middle - 8, 33, 16), kRightLabel,
               to_qt(tick.label));
  }
  paint_axis_name(painter, QStringLiteral("layer"));
}

void RetentionView::paint_step_ticks(QPainter& painter) const {
  const QRectF rect = plot();
  painter.setFont(tiny_font());
  painter.setPen(to_qt(colours().secondary));
  for (const Tick& tick :
       binary_ticks(step_axis(), std::max(2, static_cast<int>(rect.height() / scaled(34))))) {
    const double y = std::clamp(step_axis().pixel(tick.value), rect.top() + 6, rect.bottom() - 5);
    draw_label(painter, QRectF(rect.left() - 52, y - 8, 46, 16), kRightLabel,
               compact(static_cast<uint64_t>(tick.value)));
  }
}

void RetentionView::paint_codes(QPainter& painter) const {
  const Selection& now = selection();
  const RunIndex& index = content()->index(now.run);
  const size_t factor = column_factor();
  const IndexRange positions{now.first_visible.index(), now.visible};
  CodeGrid codes;
  double rows = lane_rows();
  if (rows_->currentIndex() == 0) {
    codes = retention_by_lane(index, all_lanes(run()), now.step, positions, factor);
  } else {
    const uint32_t every = steps_per_row();
    rows = static_cast<double>(content()->info.tokens) / every;
    codes = retention_by_step(index, {now.layer, now.lane}, Step(every - 1), every,
                              static_cast<size_t>(std::ceil(rows)), positions, factor);
  }
  const TileImage image(std::make_shared<CodeGrid>(std::move(codes)), retention_colours(colours()));
  image.paint(painter, plot(),
              QRectF(0, 0, static_cast<double>(now.visible) / static_cast<double>(factor), rows));
}

void RetentionView::paint_back(QPainter& painter) {
  paint_codes(painter);
  painter.setPen(QPen(to_qt(colours().rule), 1));
  painter.setBrush(Qt::NoBrush);
  painter.drawRect(plot().adjusted(-0.5, -0.5, 0.5, 0.5));
  if (rows() == Rows::Lanes)
    paint_layer_ticks(painter);
  else
    paint_step_ticks(painter);
  paint_position_ticks(painter);
}

void RetentionView::paint_lane_frame(QPainter& painter) const {
  if (selection().scope == LaneScope::AllMean) return;
  const uint32_t lanes = run().retention.lanes();
  const std::vector<LaneId> chosen = chosen_lanes(run(), selection());
  const auto row_of = [lanes](const LaneId& id) { return id.layer.value * lanes + id.lane.value; };
  const QRectF rect = plot();
  painter.setPen(QPen(to_qt(colours().accent), 1.2));
  painter.setBrush(Qt::NoBrush);
  for (size_t first = 0; first < chosen.size();) {
    // One frame for rows that follow each other.
    size_t end = first + 1;
    while (end < chosen.size() && row_of(chosen[end]) == row_of(chosen[end - 1]) + 1) ++end;
    const QRectF rows(rect.left(), rect.top() + row_of(chosen[first]) * row_height(), rect.width(),
                      static_cast<double>(end - first) * row_height());
    painter.drawRoundedRect(rows.adjusted(-3, -2, 3, 2), 2, 2);
    first = end;
  }
}

void RetentionView::paint_front(QPainter& painter) {
  PositionView::paint_front(painter);
  if (rows() == Rows::Lanes) return paint_lane_frame(painter);
  const QRectF rect = plot();
  const double y = std::min(step_axis().pixel(selection().step.value + 0.5), rect.bottom() - 0.5);
  painter.setPen(QPen(to_qt(colours().accent), 1));
  painter.drawLine(QPointF(rect.left(), y), QPointF(rect.right(), y));
}

void RetentionView::mousePressEvent(QMouseEvent* event) {
  const std::optional<uint32_t> row = lane_row_at(event->localPos());
  const std::optional<Step> step = step_at(event->localPos());
  const std::optional<Position> position = position_at(event->localPos());
  if (event->button() != Qt::LeftButton || (!row && !step)) {
    PositionView::mousePressEvent(event);
    return;
  }
  if (step) {
    if (!(event->modifiers() & Qt::ControlModifier)) return PositionView::mousePressEvent(event);
    return workspace().selection.change([&](Selection& wanted) { wanted.step = *step; });
  }
  const uint32_t lanes = run().retention.lanes();
  const LaneId lane{Layer(*row / lanes), Lane(*row % lanes)};
  workspace().selection.change([&](Selection& wanted) {
    if (event->modifiers() & Qt::ControlModifier) return toggle_lane(run(), wanted, lane);
    choose_lanes(wanted, {lane});
    wanted.position = position;
  });
}

}  // namespace dendrokv
