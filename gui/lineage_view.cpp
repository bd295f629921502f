#include "gui/lineage_view.h"

#include <algorithm>
#include <cmath>

#include "data/lineage.h"
#include "gui/labels.h"
#include "gui/paint.h"
#include "gui/text_layout.h"
#include "gui/value_scale.h"

namespace dendrokv {
namespace {

/// Lines of one pixel that can still be told apart; below it a column of pixels shows one token of
/// several.
constexpr double kFewestPixels = 1.5;

}  // namespace

QString LineageView::caption() const {
  if (selection().scope != LaneScope::One) return QStringLiteral("of one lane: choose one");
  QString text = QStringLiteral("who took whose place up to step %1 · time runs down")
                     .arg(grouped(selection().step.value));
  if (plot().width() / selection().visible < kFewestPixels)
    text += QStringLiteral(" · a column shows its longest-lived token: zoom in for all");
  return text;
}

Axis LineageView::step_axis() const {
  const QRectF rect = plot();
  return {ScaleKind::Linear, 0, std::max(1.0, selection().step.value + 1.0), rect.top(),
          rect.bottom()};
}

double LineageView::x_of(Position position) const {
  return position_axis().pixel(position.value + 0.5);
}

double LineageView::y_of(Step step) const {
  return step_axis().pixel(step.value + 0.5);
}

std::optional<LineageView::Join> LineageView::join_of(Position position) const {
  const Selection& now = selection();
  const Retention& retention = content()->runs[now.run].retention;
  const int32_t left = retention.evict_step(now.layer, now.lane)[position.index()];
  const int32_t rival = retention.rival(now.layer, now.lane)[position.index()];
  if (left < 0 || rival < 0 || static_cast<uint32_t>(left) > now.step.value) return std::nullopt;
  return Join{position, Position(rival), Step(left)};
}

Step LineageView::end_of(Position position) const {
  const Selection& now = selection();
  const int32_t left =
      content()->runs[now.run].retention.evict_step(now.layer, now.lane)[position.index()];
  return left < 0 ? now.step : std::min(now.step, Step(left));
}

bool LineageView::drawn(Position position) const {
  const Selection& now = selection();
  return position.value >= now.first_visible.value &&
         position.value < now.first_visible.value + now.visible && position.value <= now.step.value;
}

void LineageView::paint_life(QPainter& painter, Position position) const {
  const double x = x_of(position);
  painter.drawLine(QPointF(x, y_of(Step(position.value))), QPointF(x, y_of(end_of(position))));
}

void LineageView::paint_join(QPainter& painter, const Join& join) const {
  const double y = y_of(join.step);
  painter.drawLine(QPointF(x_of(join.loser), y), QPointF(x_of(join.winner), y));
}

QPen LineageView::life_pen(Position position) const {
  const Selection& now = selection();
  const TokenState state =
      content()->index(now.run).state({now.layer, now.lane}, position, now.step);
  if (!state.kept()) return QPen(to_qt(mix(colours().rule, colours().secondary, 0.35)), 1);
  const Rgb colour = state.place == Place::Tree
                         ? colours().level_colour(std::max<unsigned>(state.level, 2))
                         : state_colour(colours(), state);
  return QPen(to_qt(colour), 1.6);
}

/// One line for each column of pixels where tokens are closer than lines can be.
void LineageView::paint_all(QPainter& painter) const {
  const Selection& now = selection();
  const uint32_t end = std::min(now.first_visible.value + now.visible, now.step.value + 1);
  const double pixels = plot().width() / now.visible;
  const uint32_t merged =
      pixels >= kFewestPixels ? 1 : static_cast<uint32_t>(std::ceil(kFewestPixels / pixels));
  for (uint32_t p = now.first_visible.value; p < end; p += merged) {
    Position longest(p);
    for (uint32_t other = p; other < std::min(end, p + merged); ++other)
      if (end_of(Position(other)).value - other > end_of(longest).value - longest.value)
        longest = Position(other);
    painter.setPen(life_pen(longest));
    paint_life(painter, longest);
    if (merged > 1) continue;
    if (const std::optional<Join> join = join_of(longest)) paint_join(painter, *join);
  }
}

void LineageView::paint_step_ticks(QPainter& painter) const {
  const QRectF rect = plot();
  painter.setFont(tiny_font());
  painter.setPen(to_qt(colours().secondary));
  for (const Tick& tick :
       binary_ticks(step_axis(), std::max(2, static_cast<int>(rect.height() / 40))))
    draw_label(painter, QRectF(rect.left() - 46, y_of(Step(tick.value)) - 8, 40, 16), kRightLabel,
               to_qt(tick.label));
}

void LineageView::paint_back(QPainter& painter) {
  if (selection().scope != LaneScope::One)
    return paint_message(painter, QStringLiteral("A tree belongs to one lane. Choose one above."));
  painter.save();
  painter.setClipRect(plot());
  paint_all(painter);
  painter.restore();
  paint_step_ticks(painter);
  paint_position_ticks(painter);
}

void LineageView::paint_kin(QPainter& painter, const std::vector<Position>& kin,
                            const QPen& pen) const {
  painter.setPen(pen);
  double free_from = -1e9;
  for (const Position position : kin) {
    // Several lines on one pixel are one.
    if (const double x = x_of(position); x < free_from && pen.widthF() < 2) continue;
    free_from = std::floor(x_of(position)) + 1;
    if (drawn(position)) paint_life(painter, position);
    if (const std::optional<Join> join = join_of(position)) paint_join(painter, *join);
  }
}

/// Beside each duel of the chain: who won, and by how much.
void LineageView::paint_names(QPainter& painter, const std::vector<Position>& chain) const {
  const Selection& now = selection();
  painter.setFont(tiny_font());
  const QFontMetricsF metrics(tiny_font());
  double free_above = 1e9;
  for (auto link = chain.rbegin(); link != chain.rend(); ++link) {
    const auto left = duel(content()->runs[now.run], now.layer, now.lane, *link);
    if (!left || !left->rival || left->step > now.step) continue;
    QString text = quoted_piece(content()->tokens.piece(*left->rival), 12);
    if (!std::isnan(left->margin)) text += QStringLiteral(" +") + to_qt(short_number(left->margin));
    const double width = metrics.horizontalAdvance(text) + 8, y = y_of(left->step);
    if (y + 8 > free_above) continue;
    free_above = y - 8;
    const double left_edge = std::clamp(x_of(*left->rival) + 5, plot().left(),
                                        std::max(plot().left(), plot().right() - width));
    const QRectF box(left_edge, y - 8, width, 16);
    painter.setPen(Qt::NoPen);
    painter.setBrush(to_qt(colours().panel));
    painter.drawRoundedRect(box, 3, 3);
    painter.setPen(to_qt(colours().ink));
    draw_label(painter, box, Qt::AlignCenter, text);
  }
}

void LineageView::paint_front(QPainter& painter) {
  if (selection().scope == LaneScope::One && selection().position) {
    const Position focus = *selection().position;
    const Kin& kin = workspace().kinship.of(*content(), selection());
    std::vector<Position> chain = {focus};
    chain.insert(chain.end(), kin.winners.begin(), kin.winners.end());
    painter.save();
    painter.setClipRect(plot().adjusted(-1, -1, 1, 1));
    paint_kin(painter, kin.descendants, QPen(to_qt(colours().band[3]), 1.4));
    paint_kin(painter, chain, QPen(to_qt(colours().accent), 2.2));
    paint_names(painter, chain);
    painter.restore();
  }
  PositionView::paint_front(painter);
}

QString LineageView::describe(QPointF point) const {
  const std::optional<Position> position = position_at(point);
  if (!position || selection().scope != LaneScope::One) return {};
  QString text = quoted_piece(content()->tokens.piece(*position), 16) +
                 QStringLiteral(" at %1").arg(grouped(position->value));
  if (position->value > selection().step.value) return text + QStringLiteral(": not read yet");
  if (const std::optional<Join> join = join_of(*position))
    return text + QStringLiteral(": lost to ") +
           quoted_piece(content()->tokens.piece(join->winner), 16) +
           QStringLiteral(" at step %1").arg(grouped(join->step.value));
  const Selection& now = selection();
  const LaneIndex& lane = content()->index(now.run).lane({now.layer, now.lane});
  return text + QStringLiteral(": outlived %1").arg(lane.level(*position, now.step));
}

}  // namespace dendrokv
