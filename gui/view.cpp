#include "gui/view.h"

#include <QAccessible>
#include <QFocusEvent>
#include <QMouseEvent>
#include <QWheelEvent>
#include <algorithm>
#include <cmath>

#include "gui/inspector.h"
#include "gui/labels.h"

namespace dendrokv {
namespace {

constexpr double kFewestHeight = 80;  // at 100 %

}  // namespace

View::View(Workspace& workspace, const QString& title, QWidget* parent)
    : QWidget(parent), workspace_(workspace), title_(title) {
  setMouseTracking(true);
  setFocusPolicy(Qt::StrongFocus);
  setAccessibleName(title);
  setMinimumSize(80, static_cast<int>(scaled(kFewestHeight)));
  connect(&workspace.selection, &SelectionModel::changed, this,
          [this](const Selection& now, const Selection& before) {
            if (needs_refresh(now, before)) refresh();
            selection_changed(now, before);
            if (QAccessible::isActive() && now.focus() != before.focus()) {
              QAccessibleValueChangeEvent said(this, spoken().value);
              QAccessible::updateAccessibility(&said);
            }
            update();
          });
  connect(&workspace.document, &Document::opened, this, [this] {
    document_opened();
    refresh();
  });
  connect(&workspace.document, &Document::grew, this, [this] {
    document_opened();
    refresh();
  });
  connect(&workspace.document, &Document::arrived, this,
          [this](Topic topic) { snapshot_arrived(topic); });
}

std::optional<Position> View::position_at(QPointF) const {
  return std::nullopt;
}
QString View::describe(QPointF) const {
  return {};
}
QString View::caption() const {
  return {};
}
void View::paint_front(QPainter&) {}
void View::selection_changed(const Selection&, const Selection&) {}
void View::document_opened() {}
void View::snapshot_arrived(Topic) {}
int View::header_reserve() const {
  return 0;
}

bool View::needs_refresh(const Selection& now, const Selection& before) const {
  Selection same = now;
  same.position = before.position;
  same.hover = before.hover;
  same.range = before.range;
  same.others = before.others;
  return same != before;
}

View::Spoken View::spoken() const {
  if (!content() || !selection().focus()) return {};
  return {spoken_name(*content(), selection()), spoken_value(*content(), selection())};
}

void View::catch_up() {
  if (content()) document_opened();
  refresh();
}

void View::refresh() {
  stale_ = true;
  update();
}

double View::header() {
  return std::round(scaled(kHeader));
}

void View::place_in_header(QWidget& control, double right, double from_width) const {
  const double wide = scaled(from_width), high = scaled(26);
  control.setGeometry(
      QRectF(width() - kPadding - scaled(right) - wide, (header() - high) / 2, wide, high)
          .toRect());
}

QRectF View::area() const {
  return QRectF(rect()).adjusted(kPadding, header(), -kPadding, -kPadding / 2.0 - 2);
}

void View::paintEvent(QPaintEvent*) {
  QPainter painter(this);
  painter.setRenderHints(QPainter::Antialiasing | QPainter::TextAntialiasing);
  if (workspace_.paint_mode == PaintMode::Direct) {
    paint_panel(painter);
    if (content()) paint_back(painter);
  } else {
    if (stale_) paint_picture();
    painter.drawImage(QPointF(0, 0), picture_);
  }
  paint_header(painter);
  if (content()) paint_front(painter);
  if (!ringed_) return;
  painter.setPen(QPen(to_qt(colours().accent), 2));
  painter.setBrush(Qt::NoBrush);
  painter.drawRoundedRect(QRectF(rect()).adjusted(1, 1, -1, -1), kRadius, kRadius);
}

// The picture covers what is behind the view, corners included: opaque pixels are copied, others
// would have to be blended.
void View::paint_picture() {
  stale_ = false;  // first: what is painted may ask for another picture
  const QSize pixels = size() * devicePixelRatioF();
  if (picture_.size() != pixels) picture_ = QImage(pixels, QImage::Format_RGB32);
  picture_.setDevicePixelRatio(devicePixelRatioF());
  picture_.fill(to_qt(colours().ground));
  QPainter back(&picture_);
  back.setRenderHints(QPainter::Antialiasing | QPainter::TextAntialiasing);
  paint_panel(back);
  if (content()) paint_back(back);
}

void View::paint_panel(QPainter& painter) {
  painter.setPen(QPen(to_qt(colours().rule), 1));
  painter.setBrush(to_qt(colours().panel));
  painter.drawRoundedRect(QRectF(rect()).adjusted(0.5, 0.5, -0.5, -0.5), kRadius, kRadius);
}

void View::paint_header(QPainter& painter) {
  const double baseline = scaled(23);
  painter.setFont(title_font());
  painter.setPen(to_qt(colours().ink));
  const double room = width() - 2 * kPadding - header_reserve();
  const QString title = elided(title_font(), content() ? heading() : title_, room);
  draw_label(painter, QPointF(kPadding, baseline), title);
  if (!content()) return;
  double left = kPadding + label_width(title_font(), title) + 16;
  double right = width() - kPadding - header_reserve();
  painter.setFont(small_font());
  const QString read_out = pointer_ ? describe(*pointer_) : QString();
  if (!read_out.isEmpty()) {
    painter.setPen(to_qt(colours().ink));
    const QString shown = elided(small_font(), read_out, right - left);
    right -= label_width(small_font(), shown) + 16;
    draw_label(painter, QPointF(right + 16, baseline), shown);
  }
  painter.setPen(to_qt(colours().secondary));
  if (right > left + 40)
    draw_label(painter, QPointF(left, baseline), elided(small_font(), caption(), right - left));
}

void View::paint_message(QPainter& painter, const QString& message) const {
  painter.setFont(body_font());
  painter.setPen(to_qt(colours().secondary));
  painter.drawText(area(), static_cast<int>(Qt::AlignCenter) | Qt::TextWordWrap, message);
}

void View::resizeEvent(QResizeEvent*) {
  setMinimumHeight(static_cast<int>(scaled(kFewestHeight)));  // fonts may have grown
  refresh();
}

void View::set_hover(std::optional<Position> position) {
  if (content()) workspace_.selection.change([&](Selection& wanted) { wanted.hover = position; });
}

void View::mouseMoveEvent(QMouseEvent* event) {
  pointer_ = event->localPos();
  set_hover(position_at(*pointer_));
  update();
}

void View::mousePressEvent(QMouseEvent* event) {
  if (event->button() != Qt::LeftButton || !content()) return;
  const std::optional<Position> position = position_at(event->localPos());
  if (!position) return;
  workspace_.selection.change([&](Selection& wanted) {
    if (wanted.position == position)
      wanted.position.reset();
    else
      wanted.position = position;
  });
}

void View::leaveEvent(QEvent*) {
  pointer_.reset();
  set_hover(std::nullopt);
  update();
}

/// Who works by keys sees where they are; who clicks knows.
void View::focusInEvent(QFocusEvent* event) {
  ringed_ = event->reason() == Qt::TabFocusReason || event->reason() == Qt::BacktabFocusReason ||
            event->reason() == Qt::ShortcutFocusReason;
  update();
}

void View::focusOutEvent(QFocusEvent*) {
  ringed_ = false;
  update();
}

QRectF PositionView::plot() const {
  return area().adjusted(left_margin() - kPadding / 2.0, 2, -kRightMargin, -tick_band());
}

Axis PositionView::position_axis() const {
  const QRectF rect = plot();
  const double first = selection().first_visible.value;
  return {ScaleKind::Linear, first, first + selection().visible, rect.left(), rect.right()};
}

std::optional<Position> PositionView::position_at(QPointF point) const {
  const QRectF rect = plot();
  if (!content() || !rect.contains(point)) return std::nullopt;
  const double position = std::floor(position_axis().data(point.x()));
  const double last = static_cast<double>(content()->info.tokens) - 1;
  return Position(static_cast<uint32_t>(std::clamp(position, 0.0, last)));
}

void PositionView::paint_position_ticks(QPainter& painter) const {
  const QRectF rect = plot();
  const Axis axis = position_axis();
  const double line = tick_line();
  painter.setFont(tiny_font());
  const int wanted = std::max(2, static_cast<int>(rect.width() / scaled(110)));
  for (const Tick& tick : binary_ticks(axis, wanted)) {
    const double x = std::round(axis.pixel(tick.value)) + 0.5;
    painter.setPen(QPen(to_qt(mix(colours().rule, colours().secondary, 0.4)), 1));
    painter.drawLine(QPointF(x, line + 1), QPointF(x, line + 5));
    painter.setPen(to_qt(colours().secondary));
    const QString label = grouped(static_cast<uint64_t>(tick.value));
    // A label at an end stays inside of the panel.
    const double half = label_width(tiny_font(), label) / 2;
    const double middle = std::clamp(x, kPadding + half, width() - kPadding / 2.0 - half);
    draw_label(painter, QRectF(middle - 60, line + 6, 120, 14), kBelowLabel, label);
  }
}

void PositionView::paint_front(QPainter& painter) {
  const Axis axis = position_axis();
  const QRectF rect = plot();
  paint_marks(painter, rect, axis, workspace().marks, selection(), colours());
  const auto line = [&](Position position, Qt::PenStyle pen_style) {
    const double x = axis.pixel(position.value + 0.5);
    if (x < rect.left() || x > rect.right()) return;
    painter.setPen(QPen(to_qt(colours().accent), 1, pen_style));
    painter.drawLine(QPointF(x, rect.top()), QPointF(x, rect.bottom()));
  };
  if (selection().position) line(*selection().position, Qt::SolidLine);
  if (selection().hover && selection().hover != selection().position)
    line(*selection().hover, Qt::DashLine);
}

void PositionView::zoom(double factor, double anchor_pixel) {
  const Axis axis = position_axis();
  const double anchor = axis.data(anchor_pixel);
  workspace().selection.change(
      [&](Selection& wanted) {
        const double visible = std::clamp(wanted.visible * factor, 8.0, double{1e9});
        const double before = anchor - wanted.first_visible.value;
        const double first = anchor - before * visible / wanted.visible;
        wanted.visible =
            static_cast<uint32_t>(std::lround(std::min<double>(visible, content()->info.tokens)));
        wanted.first_visible = Position(static_cast<uint32_t>(std::lround(std::max(0.0, first))));
      },
      History::Merge);
}

void PositionView::pan(double positions) {
  workspace().selection.change(
      [&](Selection& wanted) {
        const double first = std::max(0.0, wanted.first_visible.value + positions);
        wanted.first_visible = Position(static_cast<uint32_t>(std::lround(first)));
      },
      History::Merge);
}

void PositionView::wheelEvent(QWheelEvent* event) {
  if (!content()) return;
  const double turns = std::clamp(event->angleDelta().y() / 120.0, -4.0, 4.0);
  if (event->modifiers() & Qt::ShiftModifier)
    pan(-turns * selection().visible / 10.0);
  else
    zoom(std::pow(0.8, turns), event->position().x());
  event->accept();
}

void PositionView::mousePressEvent(QMouseEvent* event) {
  if (event->button() == Qt::MiddleButton) {
    drag_from_ = event->localPos().x();
    drag_first_ = selection().first_visible;
  }
  View::mousePressEvent(event);
}

void PositionView::mouseMoveEvent(QMouseEvent* event) {
  if ((event->buttons() & Qt::MiddleButton) && content()) {
    const double moved =
        (drag_from_ - event->localPos().x()) / plot().width() * selection().visible;
    const double first = std::max(0.0, drag_first_.value + moved);
    workspace().selection.change(
        [&](Selection& wanted) {
          wanted.first_visible = Position(static_cast<uint32_t>(std::lround(first)));
        },
        History::Merge);
  }
  View::mouseMoveEvent(event);
}

}  // namespace dendrokv
