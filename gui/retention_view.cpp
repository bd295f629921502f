#include "gui/retention_view.h"

#include <QMouseEvent>
#include <algorithm>
#include <cmath>

#include "gui/inspector.h"
#include "gui/lane_state.h"
#include "gui/paint.h"

namespace dendrokv {
namespace {

// In order of notability: the largest code of a column wins.
constexpr uint8_t kUnread = 0, kEvicted = 1, kRecent = 2, kLevel0 = 3, kSink = 12;

uint8_t code_of(TokenState state) {
  switch (state.place) {
    case Place::NotYet:
      return kUnread;
    case Place::Evicted:
      return kEvicted;
    case Place::Recent:
      return kRecent;
    case Place::Tree:
      return static_cast<uint8_t>(kLevel0 + std::min<unsigned>(state.level, 8));
    case Place::Sink:
      return kSink;
  }
  return kUnread;
}

}  // namespace

CodeGrid retention_codes(const Run& run, Step step, IndexRange positions, size_t factor) {
  const std::vector<LaneId> lanes = all_lanes(run);
  CodeGrid codes(lanes.size(), (positions.count + factor - 1) / factor, kUnread);
  for (size_t row = 0; row < lanes.size(); ++row) {
    const std::vector<TokenState> states =
        token_states(run, lanes[row].layer, lanes[row].lane, step);
    for (size_t p = 0; p < positions.count; ++p) {
      uint8_t& code = codes(row, p / factor);
      code = std::max(code, code_of(states[positions.first + p]));
    }
  }
  return codes;
}

QVector<QRgb> retention_colours(const Palette& colours) {
  QVector<QRgb> table(256, to_qt(colours.panel).rgb());
  table[kUnread] = to_qt(colours.absent).rgb();
  table[kRecent] = to_qt(colours.recent).rgb();
  for (int level = 0; level < 9; ++level)
    table[kLevel0 + level] = to_qt(colours.level_colour(static_cast<unsigned>(level))).rgb();
  table[kSink] = to_qt(colours.sink).rgb();
  return table;
}

uint32_t RetentionView::lane_rows() const {
  const Retention& retention = content()->runs[selection().run].retention;
  return retention.layers() * retention.lanes();
}

size_t RetentionView::column_factor() const {
  const double pixels = std::max(1.0, plot().width() * devicePixelRatioF());
  return static_cast<size_t>(std::max(1.0, std::ceil(selection().visible / pixels)));
}

double RetentionView::row_height() const {
  const double height = PositionView::plot().height() / lane_rows();
  // Whole pixels a row, so that all rows look alike, unless that would leave much of the panel empty.
  return std::floor(height) >= 0.85 * height ? std::floor(height) : height;
}

QRectF RetentionView::plot() const {
  QRectF rect = PositionView::plot();
  if (content()) rect.setHeight(row_height() * lane_rows());
  return rect;
}

std::optional<uint32_t> RetentionView::row_at(QPointF point) const {
  if (!content() || !plot().contains(point)) return std::nullopt;
  const double row = (point.y() - plot().top()) / row_height();
  return std::min(static_cast<uint32_t>(row), lane_rows() - 1);
}

QString RetentionView::caption() const {
  const Run& run = content()->runs[selection().run];
  QString text = QStringLiteral("%1 lanes after step %2, colour = tree level")
                     .arg(lane_rows())
                     .arg(grouped(selection().step.value));
  const QString regions = to_qt(run_regions(run));
  if (!regions.isEmpty()) text += QStringLiteral(" · ") + regions;
  if (column_factor() > 1)
    text += QStringLiteral(" · a column shows the highest of %1 positions").arg(column_factor());
  return text;
}

QString RetentionView::describe(QPointF point) const {
  const std::optional<Position> position = position_at(point);
  const std::optional<uint32_t> row = row_at(point);
  if (!position || !row) return {};
  const Run& run = content()->runs[selection().run];
  const Layer layer(*row / run.retention.lanes());
  const Lane lane(*row % run.retention.lanes());
  const TokenState state = token_states(run, layer, lane, selection().step)[position->index()];
  return QStringLiteral("layer %1 · %2 · position %3: ")
             .arg(layer.value)
             .arg(to_qt(lane_name(run, lane)), grouped(position->value)) +
         place_name(state);
}

bool RetentionView::needs_refresh(const Selection& now, const Selection& before) const {
  return now.run != before.run || now.step != before.step ||
         now.first_visible != before.first_visible || now.visible != before.visible;
}

void RetentionView::paint_layer_ticks(QPainter& painter) const {
  const uint32_t lanes = content()->runs[selection().run].retention.lanes();
  const uint32_t layers = lane_rows() / lanes;
  const QRectF rect = plot();
  const Axis axis{ScaleKind::Linear, 0, static_cast<double>(layers), rect.top(), rect.bottom()};
  painter.setFont(tiny_font());
  painter.setPen(to_qt(colours().secondary));
  for (const Tick& tick : binary_ticks(axis, std::max(2, static_cast<int>(rect.height() / 26)))) {
    if (tick.value >= layers) continue;
    const double middle = axis.pixel(tick.value + 0.5);
    painter.drawText(QRectF(rect.left() - 40, middle - 8, 33, 16),
                     Qt::AlignRight | Qt::AlignVCenter, to_qt(tick.label));
  }
  painter.save();
  painter.translate(rect.left() - 32, rect.center().y());
  painter.rotate(-90);
  painter.drawText(QRectF(-40, -8, 80, 14), Qt::AlignCenter, QStringLiteral("layer"));
  painter.restore();
}

void RetentionView::paint_back(QPainter& painter) {
  const QRectF rect = plot();
  const Selection& now = selection();
  const size_t factor = column_factor();
  const IndexRange positions{now.first_visible.index(), now.visible};
  const TileImage image(std::make_shared<CodeGrid>(
                            retention_codes(content()->runs[now.run], now.step, positions, factor)),
                        retention_colours(colours()));
  const QRectF source(0, 0, static_cast<double>(now.visible) / static_cast<double>(factor),
                      lane_rows());
  image.paint(painter, rect, source);
  painter.setPen(QPen(to_qt(colours().rule), 1));
  painter.setBrush(Qt::NoBrush);
  painter.drawRect(rect.adjusted(-0.5, -0.5, 0.5, 0.5));
  paint_layer_ticks(painter);
  paint_position_ticks(painter);
}

void RetentionView::paint_front(QPainter& painter) {
  PositionView::paint_front(painter);
  const Selection& now = selection();
  if (now.scope == LaneScope::AllMean) return;
  const uint32_t lanes = content()->runs[now.run].retention.lanes();
  const uint32_t first =
      now.layer.value * lanes + (now.scope == LaneScope::One ? now.lane.value : 0);
  const double count = now.scope == LaneScope::One ? 1 : lanes;
  const QRectF rect = plot();
  const QRectF row(rect.left(), rect.top() + first * row_height(), rect.width(),
                   count * row_height());
  painter.setPen(QPen(to_qt(colours().accent), 1.2));
  painter.setBrush(Qt::NoBrush);
  painter.drawRoundedRect(row.adjusted(-3, -2, 3, 2), 2, 2);
}

void RetentionView::mousePressEvent(QMouseEvent* event) {
  const std::optional<uint32_t> row = row_at(event->localPos());
  if (event->button() != Qt::LeftButton || !row) {
    PositionView::mousePressEvent(event);
    return;
  }
  const uint32_t lanes = content()->runs[selection().run].retention.lanes();
  const std::optional<Position> position = position_at(event->localPos());
  workspace().selection.change([&](Selection& wanted) {
    wanted.scope = LaneScope::One;
    wanted.layer = Layer(*row / lanes);
    wanted.lane = Lane(*row % lanes);
    wanted.position = position;
  });
}

}  // namespace dendrokv
