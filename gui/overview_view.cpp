#include "gui/overview_view.h"

#include <QMouseEvent>
#include <algorithm>
#include <cmath>

#include "gui/labels.h"
#include "gui/marks.h"
#include "gui/paint.h"
#include "gui/position_view.h"
#include "gui/run_index.h"

namespace dendrokv {
namespace {

constexpr double kTickRoom = 16;

}  // namespace

QRectF OverviewView::strip() const {
  return area().adjusted(PositionView::left_margin() - kPadding / 2.0, 0,
                         -PositionView::kRightMargin, -scaled(kTickRoom));
}

Axis OverviewView::axis() const {
  return {ScaleKind::Linear, 0, static_cast<double>(content()->info.tokens), strip().left(),
          strip().right()};
}

size_t OverviewView::factor() const {
  const double pixels = std::max(1.0, strip().width() * devicePixelRatioF());
  return static_cast<size_t>(std::max(1.0, std::ceil(content()->info.tokens / pixels)));
}

std::optional<Position> OverviewView::position_at(QPointF point) const {
  if (!content() || !strip().contains(point)) return std::nullopt;
  const double last = static_cast<double>(content()->info.tokens) - 1;
  return Position(static_cast<uint32_t>(std::clamp(std::floor(axis().data(point.x())), 0.0, last)));
}

QString OverviewView::caption() const {
  QString text = QStringLiteral(
                     "share of all lanes that keep a token after step %1, height and "
                     "colour = mean level there")
                     .arg(grouped(selection().step.value));
  if (!content()->missing.empty()) {
    // What is not there is said before what is.
    QString lacking = QString::fromStdString(content()->missing.front());
    if (content()->missing.size() > 1)
      lacking += QStringLiteral(" (and %1 more)").arg(content()->missing.size() - 1);
    return QStringLiteral("INCOMPLETE: ") + lacking;
  }
  if (factor() > 1) text += QStringLiteral(" · a column is %1 tokens").arg(factor());
  return text;
}

QString OverviewView::describe(QPointF point) const {
  const std::optional<Position> position = position_at(point);
  if (!position) return {};
  const RunIndex& index = content()->index(selection().run);
  const Overlay kept =
      overlay(index, all_lanes(index.run()), {position->index(), 1}, 1, selection().step);
  const float fraction = kept.kept_fraction[0];
  return QStringLiteral("position %1: ").arg(grouped(position->value)) +
         (std::isnan(fraction)
              ? QStringLiteral("not read yet")
              : QStringLiteral("kept by %1 % of the lanes").arg(100 * double{fraction}, 0, 'f', 0));
}

bool OverviewView::needs_refresh(const Selection& now, const Selection& before) const {
  return now.run != before.run || now.step != before.step;
}

void OverviewView::paint_back(QPainter& painter) {
  const QRectF rect = strip();
  const RunIndex& index = content()->index(selection().run);
  const size_t columns = factor();
  const Overlay kept = overlay(index, all_lanes(index.run()), {0, content()->info.tokens}, columns,
                               selection().step);
  painter.fillRect(rect, to_qt(colours().absent));
  const Axis x = axis();
  painter.save();
  painter.setClipRect(rect);
  painter.setRenderHint(QPainter::Antialiasing, false);
  for (size_t c = 0; c < kept.kept_fraction.size(); ++c) {
    const float fraction = kept.kept_fraction[c];
    if (std::isnan(fraction)) continue;
    const double left = x.pixel(static_cast<double>(c * columns));
    const double right = x.pixel(static_cast<double>((c + 1) * columns));
    painter.fillRect(QRectF(left, rect.top(), right - left, rect.height()), to_qt(colours().panel));
    if (fraction == 0) continue;
    // The root of the share: a few lanes of ninety still show.
    const double height = std::max(2.0, std::sqrt(double{fraction}) * rect.height());
    const auto level = static_cast<unsigned>(std::lround(kept.mean_level[c]));
    const Position first(c * columns);
    const Place place = index.place(first, selection().step);
    const Rgb colour =
        place == Place::Tree ? colours().level_colour(level) : state_colour(colours(), {place, 0});
    painter.fillRect(QRectF(left, rect.bottom() - height, right - left, height), to_qt(colour));
  }
  painter.restore();
  painter.setPen(QPen(to_qt(colours().rule), 1));
  painter.setBrush(Qt::NoBrush);
  painter.drawRect(rect.adjusted(-0.5, -0.5, 0.5, 0.5));
  painter.setFont(tiny_font());
  painter.setPen(to_qt(colours().secondary));
  for (const Tick& tick : binary_ticks(x, std::max(2, static_cast<int>(rect.width() / 160)))) {
    const double at = std::clamp(x.pixel(tick.value), rect.left() + 8, rect.right() - 24);
    draw_label(painter, QRectF(at - 50, rect.bottom() + 2, 100, 14), kBelowLabel,
               grouped(static_cast<uint64_t>(tick.value)));
  }
}

void OverviewView::paint_front(QPainter& painter) {
  const QRectF rect = strip();
  const Axis x = axis();
  const Selection& now = selection();
  const double left = x.pixel(now.first_visible.value);
  const double right = x.pixel(static_cast<double>(now.first_visible.value) + now.visible);
  QColor shade = to_qt(colours().ground);
  shade.setAlpha(150);
  painter.fillRect(QRectF(QPointF(rect.left(), rect.top()), QPointF(left, rect.bottom())), shade);
  painter.fillRect(QRectF(QPointF(right, rect.top()), QPointF(rect.right(), rect.bottom())), shade);
  paint_marks(painter, rect, x, workspace().marks, now, colours());
  painter.setBrush(Qt::NoBrush);
  painter.setPen(QPen(to_qt(colours().accent), 1.4));
  const double width = std::max(3.0, right - left);
  painter.drawRoundedRect(QRectF(left, rect.top() - 1.5, width, rect.height() + 3), 2, 2);
  const auto mark = [&](Position position, double pen) {
    painter.setPen(QPen(to_qt(colours().accent), pen));
    const double at = x.pixel(position.value + 0.5);
    painter.drawLine(QPointF(at, rect.top()), QPointF(at, rect.bottom()));
  };
  if (now.position) mark(*now.position, 1.4);
  if (now.hover && now.hover != now.position) mark(*now.hover, 0.7);
}

void OverviewView::centre_on(double position) {
  workspace().selection.change([&](Selection& wanted) {
    const double first = std::max(0.0, position - wanted.visible / 2.0);
    wanted.first_visible = Position(static_cast<uint32_t>(std::lround(first)));
  });
}

void OverviewView::mousePressEvent(QMouseEvent* event) {
  if (!content() || event->button() != Qt::LeftButton || !strip().contains(event->localPos()))
    return;
  centre_on(axis().data(event->localPos().x()));
}

void OverviewView::mouseMoveEvent(QMouseEvent* event) {
  if (content() && (event->buttons() & Qt::LeftButton))
    centre_on(axis().data(event->localPos().x()));
  View::mouseMoveEvent(event);
}

}  // namespace dendrokv
