#include "gui/view.h"

#include <QAccessible>
#include <QFocusEvent>
#include <QMouseEvent>
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

}  // namespace dendrokv
