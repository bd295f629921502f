#include "gui/text_view.h"

#include <QWheelEvent>
#include <algorithm>
#include <cmath>

#include "gui/inspector.h"
#include "gui/paint.h"

namespace dendrokv {
namespace {

constexpr double kLineHeight = 28;
constexpr double kGroundTop = 2, kGroundHeight = 17;  // within a line
constexpr double kMarkHeight = 8;
constexpr int kScrollWidth = 10;

QFont text_font() {
  return sized_font(13);
}
QFont mark_font() {
  return sized_font(8);
}

/// Blanks and line-end signs, which never need a ground of their own at the start of a token.
int leading_blanks(const QString& text, int from, int to) {
  int blanks = 0;
  while (from + blanks < to && text[from + blanks].isSpace()) ++blanks;
  return blanks == to - from ? 0 : blanks;
}

}  // namespace

TextView::TextView(Workspace& workspace, const QString& title, QWidget* parent)
    : View(workspace, title, parent), scroll_(new QScrollBar(Qt::Vertical, this)) {
  connect(scroll_, &QScrollBar::valueChanged, this, [this] { refresh(); });
  connect(scroll_, &QScrollBar::actionTriggered, this, [this] { scrolled_ = true; });
}

void TextView::document_opened() {
  scrolled_ = false;
  lay_out();
  show_start();
}

/// The chosen token in the upper part, so that what was read after it follows below.
void TextView::show_start() {
  if (!content() || lines_.empty()) return;
  const Position wanted = selection().position.value_or(Position(selection().step.value));
  scroll_->setValue(static_cast<int>(line_of(lines_, wanted)) - lines_per_page() / 3);
}

size_t TextView::top_line() const {
  return std::min(static_cast<size_t>(scroll_->value()), lines_.size() - 1);
}

int TextView::lines_per_page() const {
  return std::max(1, static_cast<int>(area().height() / kLineHeight));
}

void TextView::resizeEvent(QResizeEvent* event) {
  const QRectF rect = area();
  scroll_->setGeometry(static_cast<int>(rect.right()) - kScrollWidth + kPadding / 2,
                       static_cast<int>(rect.top()), kScrollWidth, static_cast<int>(rect.height()));
  const std::optional<Position> top =
      scrolled_ && !lines_.empty() ? std::optional(lines_[top_line()].first) : std::nullopt;
  lay_out();
  if (top)
    scroll_->setValue(static_cast<int>(line_of(lines_, *top)));
  else
    show_start();
  View::resizeEvent(event);
}

void TextView::lay_out() {
  if (!content()) return;
  pointed_.reset();
  const QFontMetricsF metrics(text_font());
  lines_ = flow_text(content()->tokens, area().width() - kScrollWidth - 8,
                     [&metrics](const QString& text) { return metrics.horizontalAdvance(text); });
  const int page = lines_per_page();
  const int count = static_cast<int>(lines_.size());
  scroll_->setRange(0, std::max(0, count - page));
  scroll_->setPageStep(page);
  scroll_->setVisible(count > page);
}

void TextView::scroll_to(Position position) {
  if (lines_.empty()) return;
  scrolled_ = true;
  const int line = static_cast<int>(line_of(lines_, position));
  const int page = lines_per_page();
  const int margin = std::min(2, page / 4);
  if (line - margin < scroll_->value())
    scroll_->setValue(line - margin);
  else if (line + margin >= scroll_->value() + page)
    scroll_->setValue(line + margin + 1 - page);
}

bool TextView::in_sight(size_t index) const {
  const size_t first = static_cast<size_t>(scroll_->value());
  return index >= first && index < first + static_cast<size_t>(lines_per_page());
}

double TextView::line_top(size_t index) const {
  return area().top() + (static_cast<double>(index) - scroll_->value()) * kLineHeight;
}

QString TextView::caption() const {
  const Selection& now = selection();
  const Run& run = content()->runs[now.run];
  const QString step = grouped(now.step.value);
  if (now.scope == LaneScope::One)
    return QStringLiteral(
               "kept by layer %1 · %2 after step %3, ground and mark = tree level; no ground = "
               "evicted")
        .arg(now.layer.value)
        .arg(to_qt(lane_name(run, now.lane)), step);
  const QString lanes = now.scope == LaneScope::AllMean
                            ? QStringLiteral("of all lanes")
                            : QStringLiteral("of the lanes of layer %1").arg(now.layer.value);
  return QStringLiteral("fraction ") + lanes +
         QStringLiteral(" that keep a token after step %1: darker = more, mark = tenths, + = all")
             .arg(step);
}

QString TextView::describe(QPointF point) const {
  const std::optional<Position> position = position_at(point);
  if (!position) return {};
  return QStringLiteral("position %1 · id %2")
      .arg(grouped(position->value))
      .arg(content()->tokens.id[position->index()]);
}

bool TextView::needs_refresh(const Selection& now, const Selection& before) const {
  return now.run != before.run || now.step != before.step || now.scope != before.scope ||
         now.layer != before.layer || now.lane != before.lane;
}

void TextView::selection_changed(const Selection& now, const Selection& before) {
  if (!content() || lines_.empty()) return;
  if (now.step != before.step && !now.position) scroll_to(Position(now.step.value));
  // A token that was chosen in another view comes into sight; one chosen here is in sight already.
  if (now.position && now.position != before.position && !underMouse()) scroll_to(*now.position);
}

TextView::Look TextView::look_of(TokenState state) const {
  if (state.place == Place::NotYet) return {{}, workspace().style.future_ink(), ' '};
  if (state.place == Place::Evicted) return {{}, colours().evicted_ink, ' '};
  const Rgb ground = state_colour(colours(), state);
  return {ground, ink_on(ground), place_mark(state)};
}

TextView::Look TextView::look_of(float fraction) const {
  if (std::isnan(fraction)) return {{}, workspace().style.future_ink(), ' '};
  if (fraction == 0) return {{}, colours().evicted_ink, ' '};
  const Rgb ground = fraction_colour(colours(), double{fraction});
  const char mark = fraction >= 1 ? '+' : static_cast<char>('0' + static_cast<int>(fraction * 10));
  return {ground, ink_on(ground), mark};
}

std::vector<TextView::Look> TextView::looks() const {
  const Selection& now = selection();
  const Run& run = content()->runs[now.run];
  std::vector<Look> looks;
  if (now.scope == LaneScope::One) {
    for (const TokenState& state : token_states(run, now.layer, now.lane, now.step))
      looks.push_back(look_of(state));
  } else {
    const std::vector<LaneId> lanes =
        now.scope == LaneScope::AllMean ? all_lanes(run) : lanes_of_layer(run, now.layer);
    for (const float fraction : kept_fraction(run, lanes, now.step))
      looks.push_back(look_of(fraction));
  }
  return looks;
}

std::unique_ptr<QTextLayout> TextView::shaped(size_t index,
                                              const QVector<QTextLayout::FormatRange>& inks) const {
  auto layout = std::make_unique<QTextLayout>(lines_[index].text, text_font());
  QTextOption option;
  option.setWrapMode(QTextOption::NoWrap);
  // Text of the other direction keeps token order, so that positions run from left to right.
  option.setTextDirection(Qt::LeftToRight);
  layout->setTextOption(option);
  layout->setFormats(inks);
  layout->beginLayout();
  QTextLine line = layout->createLine();
  line.setLineWidth(1e6);
  line.setPosition({0, 0});
  layout->endLayout();
  return layout;
}

QRectF TextView::token_box(const TextLine& line, const QTextLine& shape, size_t token,
                           double top) const {
  const int from = line.start[token], to = line.start[token + 1];
  const double left = shape.cursorToX(from + leading_blanks(line.text, from, to));
  const double right = shape.cursorToX(to);
  return {area().left() + left, top + kGroundTop, right - left, kGroundHeight};
}

QVector<QTextLayout::FormatRange> TextView::inks_of(const TextLine& line,
                                                    const std::vector<Look>& looks) const {
  QVector<QTextLayout::FormatRange> inks;
  for (size_t t = 0; t < line.tokens(); ++t) {
    QTextCharFormat format;
    format.setForeground(to_qt(looks[line.first.index() + t].ink));
    inks.push_back({line.start[t], line.start[t + 1] - line.start[t], format});
  }
  return inks;
}

void TextView::paint_mark(QPainter& painter, const QRectF& box, char mark) const {
  if (workspace().level_marks == LevelMarks::Hide || mark == ' ') return;
  painter.setFont(mark_font());
  painter.setPen(to_qt(colours().secondary));
  painter.drawText(QRectF(box.center().x() - 10, box.bottom() + 0.5, 20, kMarkHeight),
                   Qt::AlignCenter, QString(QLatin1Char(mark)));
}

void TextView::paint_line(QPainter& painter, size_t index, const std::vector<Look>& looks) const {
  const TextLine& line = lines_[index];
  const std::unique_ptr<QTextLayout> layout = shaped(index, inks_of(line, looks));
  const QTextLine shape = layout->lineAt(0);
  const double top = line_top(index);
  const Look* before = nullptr;
  QRectF box_before;
  for (size_t t = 0; t < line.tokens(); ++t) {
    const Look& look = looks[line.first.index() + t];
    const QRectF box = token_box(line, shape, t, top).adjusted(-1.5, 0, 1.5, 0);
    if (look.ground) {
      painter.setPen(Qt::NoPen);
      painter.setBrush(to_qt(*look.ground));
      // Neighbours of one level lie on one ground; others stay apart by a hair.
      if (before && *before == look)
        painter.drawRect(QRectF(QPointF(box_before.center().x(), box.top()),
                                QPointF(box.center().x(), box.bottom())));
      painter.drawRoundedRect(box, 3, 3);
      // One mark for neighbours of one level.
      if (!before || *before != look) paint_mark(painter, box, look.mark);
    }
    before = look.ground ? &look : nullptr;
    box_before = box;
  }
  const double text_top = top + kGroundTop + (kGroundHeight - shape.height()) / 2;
  layout->draw(&painter, QPointF(area().left(), text_top));
}

void TextView::paint_back(QPainter& painter) {
  const QRectF rect = area();
  const std::vector<Look> all = looks();
  painter.save();
  painter.setClipRect(rect.adjusted(-4, 0, 4, 0));
  for (size_t index = 0; index < lines_.size(); ++index)
    if (in_sight(index)) paint_line(painter, index, all);
  painter.restore();
}

std::optional<QRectF> TextView::box_of(Position position) const {
  if (lines_.empty() || position.value >= content()->info.tokens) return std::nullopt;
  const size_t index = line_of(lines_, position);
  if (!in_sight(index)) return std::nullopt;
  const std::unique_ptr<QTextLayout> layout = shaped(index);
  return token_box(lines_[index], layout->lineAt(0), position.index() - lines_[index].first.index(),
                   line_top(index));
}

void TextView::paint_front(QPainter& painter) {
  painter.save();
  painter.setClipRect(area().adjusted(-4, 0, 4, 0));
  painter.setBrush(Qt::NoBrush);
  const auto outline = [&](Position position, double width) {
    if (const std::optional<QRectF> box = box_of(position)) {
      painter.setPen(QPen(to_qt(colours().accent), width));
      painter.drawRoundedRect(box->adjusted(-3, -1.5, 3, 1.5), 4, 4);
    }
  };
  if (selection().position) outline(*selection().position, 2);
  if (selection().hover && selection().hover != selection().position)
    outline(*selection().hover, 1);
  if (const std::optional<QRectF> box = box_of(Position(selection().step.value))) {
    // The caret after the token whose query the step belongs to.
    painter.setPen(QPen(to_qt(colours().accent), 1.5));
    painter.drawLine(QPointF(box->right() + 2, box->top() - 1),
                     QPointF(box->right() + 2, box->bottom() + 1));
  }
  painter.restore();
}

const QTextLayout* TextView::pointed_line(size_t index) const {
  if (!pointed_ || pointed_index_ != index) pointed_ = shaped(index);
  pointed_index_ = index;
  return pointed_.get();
}

std::optional<Position> TextView::position_at(QPointF point) const {
  if (!content() || lines_.empty() || !area().contains(point)) return std::nullopt;
  const double row = (point.y() - area().top()) / kLineHeight + scroll_->value();
  if (row < 0 || row >= static_cast<double>(lines_.size())) return std::nullopt;
  const size_t index = static_cast<size_t>(row);
  if (!in_sight(index)) return std::nullopt;
  const QTextLayout* const layout = pointed_line(index);
  const double x = point.x() - area().left();
  if (x > layout->lineAt(0).naturalTextWidth() + 4) return std::nullopt;
  const TextLine& line = lines_[index];
  for (size_t t = 0; t < line.tokens(); ++t)
    if (x < layout->lineAt(0).cursorToX(line.start[t + 1])) return Position(line.first.index() + t);
  return std::nullopt;
}

void TextView::wheelEvent(QWheelEvent* event) {
  scrolled_ = true;
  scroll_->setValue(scroll_->value() - event->angleDelta().y() / 40);
  event->accept();
}

}  // namespace dendrokv
