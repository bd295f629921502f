#include "gui/compare_view.h"

#include <QPainterPath>
#include <algorithm>
#include <cmath>

#include "gui/inspector.h"
#include "gui/labels.h"
#include "gui/paint.h"
#include "plot/series_look.h"

namespace dendrokv {
namespace {

constexpr double kLabel = 17, kStrip = 13, kGap = 5, kLowestCurve = 34;
constexpr double kLegend = 290;  // width, at the right of the first label

/// Rows of strips: the run itself, then each other one with its difference.
size_t row_count(size_t others) {
  return 1 + 2 * others;
}

QString counts_text(const Overlap& overlap) {
  return QStringLiteral("both %1 · only first %2 · only second %3 · Jaccard %4")
      .arg(overlap.both)
      .arg(overlap.only_first)
      .arg(overlap.only_second)
      .arg(overlap.jaccard(), 0, 'f', 3);
}

/// A block of colour with lines of one slope over it.
void patterned(QPainter& painter, const QRectF& box, Rgb colour, Qt::BrushStyle pattern, Rgb ink) {
  if (box.isEmpty()) return;
  painter.fillRect(box, to_qt(colour));
  if (box.width() >= 3 && box.height() >= 3) painter.fillRect(box, QBrush(to_qt(ink), pattern));
}

/// Of the i-th other run: colours from that of "only the second" on, each with its own of a
/// report's dashes.
QPen curve_pen(size_t i, const Palette& colours) {
  constexpr double kWidth = 1.4;
  const LineStyle style = series_look(i, 1).line;
  QPen pen(to_qt(colours.band[(3 + i) % colours.band.size()]), kWidth, Qt::SolidLine, Qt::FlatCap);
  if (style == LineStyle::Solid) return pen;
  QVector<qreal> pattern;
  for (const double length : dashes(style)) pattern.push_back(length / kWidth);
  pen.setDashPattern(pattern);
  return pen;
}

}  // namespace

MemberShares member_shares(std::span<const Membership> members, size_t first, size_t count) {
  MemberShares shares;
  size_t read = 0;
  for (const Membership member : members.subspan(first, std::min(count, members.size() - first))) {
    read += member != Membership::NotYet;
    shares.both += member == Membership::Both;
    shares.only_first += member == Membership::OnlyFirst;
    shares.only_second += member == Membership::OnlySecond;
  }
  if (read == 0) return {};
  const auto all = static_cast<double>(read);
  return {shares.both / all, shares.only_first / all, shares.only_second / all};
}

const Alignment& CompareView::same_text() const {
  if (!identity_ || identity_->first_tokens() != content()->info.tokens)
    identity_ = Alignment::identity(content()->info.tokens);
  return *identity_;
}

std::vector<CompareView::Other> CompareView::others() const {
  std::vector<Other> all;
  for (const size_t index : selection().others) {
    const Run& run = content()->runs[index];
    all.push_back(
        {&run, content(), &same_text(), to_qt(run_title(run) + " · " + provenance_name(run))});
  }
  if (const std::optional<Beside>& beside = workspace().beside) {
    const Run& run = beside->content->runs[most_telling_run(*beside->content)];
    all.push_back({&run, beside->content.get(), &beside->alignment,
                   QString::fromStdString(beside->content->file.filename().string()) +
                       QStringLiteral(": ") +
                       to_qt(run_title(run) + " · " + provenance_name(run))});
  }
  return all;
}

Pairing CompareView::pairing(const Other& other) const {
  return {content()->runs[selection().run], *other.run, *other.alignment};
}

QString CompareView::caption() const {
  const std::vector<Other> all = others();
  if (all.empty() || selection().scope != LaneScope::One) return {};
  return QStringLiteral("after step %1 · ").arg(grouped(selection().step.value)) +
         counts_text(overlap_at(pairing(all.front()), lane(), selection().step));
}

QString CompareView::describe(QPointF point) const {
  const std::optional<Position> position = position_at(point);
  const std::vector<Other> all = others();
  if (!position || all.empty() || selection().scope != LaneScope::One) return {};
  if (curve_box().contains(point)) {
    const std::vector<Overlap> overlaps = overlap_over_steps(pairing(all.front()), lane());
    return QStringLiteral("step %1: ").arg(grouped(position->value)) +
           counts_text(overlaps[position->index()]);
  }
  static const char* const kWords[] = {"not read yet", "kept by neither", "only by the first",
                                       "only by the second", "kept by both"};
  const std::vector<Membership> members =
      memberships(pairing(all.front()), lane(), selection().step);
  return QStringLiteral("position %1: ").arg(grouped(position->value)) +
         QString::fromUtf8(kWords[static_cast<size_t>(members[position->index()])]);
}

bool CompareView::needs_refresh(const Selection& now, const Selection& before) const {
  return now.others != before.others || PositionView::needs_refresh(now, before);
}

QRectF CompareView::strip(size_t row) const {
  const QRectF rect = plot();
  const double top = rect.top() + static_cast<double>(row) * (scaled(kLabel) + kStrip + kGap);
  return {rect.left(), top + scaled(kLabel), rect.width(), kStrip};
}

QRectF CompareView::curve_box() const {
  const QRectF rect = plot();
  const size_t count = selection().others.size() + (workspace().beside ? 1 : 0);
  QRectF box(rect.left(), strip(row_count(count)).top() + 2, rect.width(), 0);
  box.setBottom(std::max(box.top(), rect.bottom()));
  return box.height() >= kLowestCurve ? box : QRectF();
}

void CompareView::paint_label(QPainter& painter, size_t row, const QString& text) const {
  const QRectF below = strip(row);
  const QRectF box(below.left(), below.top() - scaled(kLabel), below.width(), scaled(kLabel));
  const double room = box.width() - (row == 0 ? scaled(kLegend) : 0);
  painter.setFont(small_font());
  painter.setPen(to_qt(colours().secondary));
  draw_label(painter, box, Qt::AlignLeft | Qt::AlignVCenter,
             QFontMetricsF(small_font()).elidedText(text, Qt::ElideRight, room));
}

void CompareView::paint_states(QPainter& painter, size_t row,
                               const std::vector<TokenState>& states) const {
  const QRectF box = strip(row);
  const Axis axis = position_axis();
  painter.fillRect(box, to_qt(colours().absent));
  const uint32_t end = selection().first_visible.value + selection().visible;
  const double pixel = 1 / std::max(1.0, devicePixelRatioF());
  for (uint32_t p = selection().first_visible.value; p < end && p < states.size(); ++p) {
    if (!states[p].kept()) continue;
    const double left = axis.pixel(p), right = std::max(axis.pixel(p + 1.0), left + pixel);
    painter.fillRect(QRectF(left, box.top(), right - left, box.height()),
                     to_qt(state_colour(colours(), states[p])));
  }
}

void CompareView::paint_own(QPainter& painter, size_t row) const {
  const Run& run = content()->runs[selection().run];
  paint_label(painter, row, to_qt(run_title(run) + " · " + provenance_name(run)));
  paint_states(painter, row, token_states(run, lane().layer, lane().lane, selection().step));
}

/// On the axis of this text: tokens that only the other one has are left out.
void CompareView::paint_other(QPainter& painter, size_t row, const Other& other) const {
  const std::optional<LaneId> beside =
      lane_beside(content()->runs[selection().run], *other.run, lane());
  paint_label(painter, row, other.title);
  std::vector<TokenState> states(content()->info.tokens);
  if (beside) {
    const std::vector<TokenState> theirs = token_states(
        *other.run, beside->layer, beside->lane, other.alignment->second_step(selection().step));
    for (uint32_t p = 0; p < states.size(); ++p)
      if (const std::optional<Position> partner = other.alignment->second(Position(p)))
        states[p] = theirs[partner->index()];
  }
  paint_states(painter, row, states);
}

void CompareView::paint_difference(QPainter& painter, size_t row, const Other& other) const {
  const QRectF box = strip(row);
  const Axis axis = position_axis();
  const std::vector<Membership> members = memberships(pairing(other), lane(), selection().step);
  paint_label(painter, row,
              QStringLiteral("difference · ") +
                  counts_text(overlap_at(pairing(other), lane(), selection().step)));
  painter.fillRect(box, to_qt(colours().absent));
  const uint32_t per_column = std::max(
      1u, static_cast<uint32_t>(std::ceil(selection().visible / std::max(1.0, box.width()))));
  const uint32_t end =
      std::min(selection().first_visible.value + selection().visible, content()->info.tokens);
  for (uint32_t p = selection().first_visible.value; p < end; p += per_column) {
    const MemberShares shares = member_shares(members, p, per_column);
    const double left = axis.pixel(p);
    const double right = std::min(axis.pixel(p + static_cast<double>(per_column)), box.right());
    double bottom = box.bottom();
    const auto part = [&](double share, Rgb colour, Qt::BrushStyle pattern) {
      const double height = share * box.height();
      patterned(painter, {left, bottom - height, right - left, height}, colour, pattern,
                ink_on(colour));
      bottom -= height;
    };
    part(shares.both, colours().recent, Qt::NoBrush);
    part(shares.only_first, colours().band[0], Qt::BDiagPattern);
    part(shares.only_second, colours().band[3], Qt::HorPattern);
  }
}

QRectF CompareView::curves(QPainter& painter, const std::vector<Other>& all) const {
  const QRectF box = curve_box();
  if (box.isEmpty()) return box;
  painter.setPen(QPen(to_qt(colours().rule), 1));
  painter.drawLine(box.topLeft(), box.topRight());
  painter.drawLine(box.bottomLeft(), box.bottomRight());
  painter.setFont(tiny_font());
  painter.setPen(to_qt(colours().secondary));
  draw_label(painter, QRectF(box.left() - 40, box.top() - 6, 34, 14), kRightLabel,
             QStringLiteral("1"));
  draw_label(painter, QRectF(box.left() - 40, box.bottom() - 8, 34, 14), kRightLabel,
             QStringLiteral("0"));
  draw_label(painter, box.adjusted(4, 2, -4, 0), Qt::AlignLeft | Qt::AlignTop,
             QStringLiteral("Jaccard index over steps"));
  const Axis axis = position_axis();
  for (size_t i = 0; i < all.size(); ++i) {
    const std::vector<Overlap> overlaps = overlap_over_steps(pairing(all[i]), lane());
    const uint32_t first = selection().first_visible.value;
    const uint32_t end = std::min(first + selection().visible, content()->info.tokens);
    // The lowest value of a pixel column: a short disagreement stays visible at any zoom.
    const uint32_t per_column =
        std::max(1u, static_cast<uint32_t>(selection().visible / std::max(1.0, box.width())));
    QPolygonF line;
    for (uint32_t step = first; step < end; step += per_column) {
      double lowest = 1;
      for (uint32_t s = step; s < std::min(end, step + per_column); ++s)
        lowest = std::min(lowest, overlaps[s].jaccard());
      line << QPointF(axis.pixel(step + 0.5), box.bottom() - lowest * box.height());
    }
    painter.setPen(curve_pen(i, colours()));
    painter.drawPolyline(line);
  }
  return box;
}

void CompareView::paint_legend(QPainter& painter) const {
  const QRectF head(width() - kPadding - scaled(kLegend), area().top() + 1, scaled(kLegend), 14);
  struct Key {
    const char* text;
    Rgb colour;
    Qt::BrushStyle pattern;
  };
  const Key keys[] = {{"both", colours().recent, Qt::NoBrush},
                      {"only the first", colours().band[0], Qt::BDiagPattern},
                      {"only the second", colours().band[3], Qt::HorPattern}};
  painter.setFont(tiny_font());
  const QFontMetricsF metrics(tiny_font());
  double right = head.right();
  for (const Key* key = std::end(keys); key-- != std::begin(keys);) {
    const double wide = metrics.horizontalAdvance(QString::fromUtf8(key->text));
    painter.setPen(to_qt(colours().secondary));
    draw_label(painter, QRectF(right - wide, head.top(), wide + 1, head.height()),
               Qt::AlignLeft | Qt::AlignVCenter, QString::fromUtf8(key->text));
    patterned(painter, {right - wide - 20, head.top() + 1, 15, 11}, key->colour, key->pattern,
              ink_on(key->colour));
    right -= wide + 34;
  }
}

void CompareView::paint_back(QPainter& painter) {
  const std::vector<Other> all = others();
  if (selection().scope != LaneScope::One)
    return paint_message(painter,
                         QStringLiteral("Runs are compared in one lane. Choose one above."));
  if (all.empty())
    return paint_message(painter,
                         QStringLiteral("Choose what to compare with: C, or --compare A B."));
  paint_own(painter, 0);
  for (size_t i = 0; i < all.size(); ++i) {
    paint_other(painter, 1 + 2 * i, all[i]);
    paint_difference(painter, 2 + 2 * i, all[i]);
  }
  paint_legend(painter);
  curves(painter, all);
  paint_position_ticks(painter);
}

void CompareView::paint_front(QPainter& painter) {
  PositionView::paint_front(painter);
  const QRectF box = curve_box();
  const double x = position_axis().pixel(selection().step.value + 0.5);
  if (box.isEmpty() || x < box.left() || x > box.right()) return;
  painter.setPen(QPen(to_qt(colours().ink), 1, Qt::DotLine));
  painter.drawLine(QPointF(x, box.top()), QPointF(x, box.bottom()));
}

}  // namespace dendrokv
