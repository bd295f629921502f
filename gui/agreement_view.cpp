#include "gui/agreement_view.h"

#include <QMouseEvent>
#include <algorithm>
#include <cmath>

#include "gui/labels.h"
#include "gui/lane_sets.h"
#include "gui/paint.h"

namespace dendrokv {
namespace {

constexpr double kLabels = 24, kTop = 18, kScale = 40;

}  // namespace

const Run* AgreementView::other() const {
  if (!selection().others.empty()) return &content()->runs[selection().others.front()];
  if (!workspace().beside) return nullptr;
  const Content& beside = *workspace().beside->content;
  return &beside.runs[most_telling_run(beside)];
}

const Alignment& AgreementView::alignment() const {
  if (selection().others.empty()) return workspace().beside->alignment;
  if (!identity_ || identity_->first_tokens() != content()->info.tokens)
    identity_ = Alignment::identity(content()->info.tokens);
  return *identity_;
}

QString AgreementView::caption() const {
  return other() ? QStringLiteral("Jaccard") : QString();
}

QRectF AgreementView::grid() const {
  return area().adjusted(kLabels, kTop, 0, -kScale);
}

QRectF AgreementView::tile_rect(LaneId lane) const {
  const QRectF rect = grid();
  const double wide = rect.width() / static_cast<double>(values_.cols());
  const double high = rect.height() / static_cast<double>(values_.rows());
  return {rect.left() + lane.lane.value * wide + 1, rect.top() + lane.layer.value * high + 1,
          std::max(1.0, wide - 2), std::max(1.0, high - 2)};
}

std::optional<LaneId> AgreementView::lane_at(QPointF point) const {
  const QRectF rect = grid();
  if (!content() || !other() || values_.rows() == 0 || !rect.contains(point)) return std::nullopt;
  const auto column = static_cast<size_t>((point.x() - rect.left()) / rect.width() *
                                          static_cast<double>(values_.cols()));
  const auto row = static_cast<size_t>((point.y() - rect.top()) / rect.height() *
                                       static_cast<double>(values_.rows()));
  return LaneId{Layer(std::min(row, values_.rows() - 1)),
                Lane(std::min(column, values_.cols() - 1))};
}

QString AgreementView::describe(QPointF point) const {
  const std::optional<LaneId> lane = lane_at(point);
  if (!lane) return {};
  return QStringLiteral("%1.%2: %3")
      .arg(lane->layer.value)
      .arg(lane->lane.value)
      .arg(double{values_(lane->layer.index(), lane->lane.index())}, 0, 'f', 2);
}

bool AgreementView::needs_refresh(const Selection& now, const Selection& before) const {
  return now.run != before.run || now.step != before.step || now.others != before.others;
}

void AgreementView::paint_labels(QPainter& painter) const {
  painter.setFont(tiny_font());
  painter.setPen(to_qt(colours().secondary));
  double free_from = -1;
  for (uint32_t layer = 0; layer < values_.rows(); ++layer) {
    const QRectF tile = tile_rect({Layer(layer), Lane(0)});
    if (tile.center().y() - 7 < free_from) continue;
    free_from = tile.center().y() + scaled(14) - 5;
    draw_label(painter, QRectF(area().left() - 4, tile.center().y() - 7, kLabels - 3, 14),
               kRightLabel, QString::number(layer));
  }
  for (uint32_t lane = 0; lane < values_.cols(); ++lane) {
    const QRectF tile = tile_rect({Layer(0), Lane(lane)});
    if (tile.width() > 12)
      draw_label(painter, QRectF(tile.center().x() - 10, area().top() - 1, 20, 14), kCentreLabel,
                 QString::number(lane));
  }
}

void AgreementView::paint_back(QPainter& painter) {
  const Run* const second = other();
  if (!second) return paint_message(painter, QStringLiteral("Choose what to compare with: C."));
  values_ =
      jaccard_of_lanes({content()->runs[selection().run], *second, alignment()}, selection().step);
  const ColourMap& map = colour_map("cividis");
  for (const LaneId& lane : all_lanes(content()->runs[selection().run])) {
    const float value = values_(lane.layer.index(), lane.lane.index());
    const QRectF tile = tile_rect(lane);
    painter.setPen(Qt::NoPen);
    painter.setBrush(to_qt(std::isnan(value) ? colours().absent : map.at(double{value})));
    painter.drawRoundedRect(tile, 2, 2);
  }
  paint_labels(painter);
  const QRectF bar(grid().left(), grid().bottom() + 12, grid().width(), 8);
  paint_colour_bar(painter, bar, map, ValueScale{ScaleShape::Linear, 0, 1, 1, 0, 0}, colours(), {});
}

void AgreementView::paint_front(QPainter& painter) {
  const Selection& now = selection();
  if (!other() || values_.rows() == 0 || now.scope == LaneScope::AllMean) return;
  painter.setPen(QPen(to_qt(colours().accent), 2));
  painter.setBrush(Qt::NoBrush);
  for (const LaneId& lane : chosen_lanes(content()->runs[now.run], now))
    painter.drawRoundedRect(tile_rect(lane), 2, 2);
}

void AgreementView::mousePressEvent(QMouseEvent* event) {
  const std::optional<LaneId> lane = lane_at(event->localPos());
  if (event->button() != Qt::LeftButton || !lane) return;
  workspace().selection.change([&](Selection& wanted) {
    if (event->modifiers() & Qt::ControlModifier)
      toggle_lane(content()->runs[wanted.run], wanted, *lane);
    else
      choose_lanes(wanted, {*lane});
  });
}

}  // namespace dendrokv
