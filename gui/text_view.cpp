#include "gui/text_view.h"

#include <QAction>
#include <QWheelEvent>
#include <algorithm>
#include <cmath>

#include "gui/inspector.h"
#include "gui/labels.h"
#include "gui/lane_sets.h"
#include "gui/paint.h"
#include "gui/run_index.h"

namespace dendrokv {
namespace {

constexpr size_t kUsualSize = 2;
constexpr int kSmallestMarked = 11;
constexpr double kGroundTop = 2;
constexpr double kMarkHeight = 8;
constexpr int kScrollWidth = 10;
constexpr int kChoiceWidth = 134;
constexpr size_t kScaleSamples = 10000;

/// Blanks and line-end signs, which never need a ground of their own at the start of a token.
int leading_blanks(const QString& text, int from, int to) {
  int blanks = 0;
  while (from + blanks < to && text[from + blanks].isSpace()) ++blanks;
  return blanks == to - from ? 0 : blanks;
}

std::vector<float> some_of(std::span<const float> values) {
  std::vector<float> some;
  const size_t every = std::max<size_t>(1, values.size() / kScaleSamples);
  // Position 0 takes what no other position wants.
  for (size_t i = 1; i < values.size(); i += every) some.push_back(values[i]);
  return some;
}

}  // namespace

TextView::TextView(Workspace& workspace, const QString& title, QWidget* parent)
    : View(workspace, title, parent),
      size_(kUsualSize),
      scroll_(new QScrollBar(Qt::Vertical, this)),
      metric_(new ChoiceBox(this)) {
  connect(scroll_, &QScrollBar::actionTriggered, this, [this] {
    scrolled_ = true;
    show_from(Position(static_cast<uint32_t>(scroll_->sliderPosition())));
  });
  metric_->addItem(QStringLiteral("kept, by level"), static_cast<int>(Metric::Kept));
  metric_->addItem(QStringLiteral("mean level"), static_cast<int>(Metric::MeanLevel));
  metric_->addItem(QStringLiteral("attention"), static_cast<int>(Metric::Weight));
  metric_->addItem(QStringLiteral("loss"), static_cast<int>(Metric::Loss));
  metric_->setAccessibleName(QStringLiteral("what the colour of a token says"));
  connect(metric_, QOverload<int>::of(&QComboBox::currentIndexChanged), this, [this] {
    if (content() && metric() == Metric::Weight)
      if (const std::optional<RowRequest> wanted = row_request(*content(), selection()))
        this->workspace().document.want_row(*wanted);
    refresh();
  });
  add_menu();
}

void TextView::add_menu() {
  const auto add = [this](const QString& text, int change) {
    auto* action = new QAction(text, this);
    connect(action, &QAction::triggered, this, [this, change] {
      const auto last = static_cast<int>(size_count()) - 1;
      set_size(static_cast<size_t>(std::clamp(static_cast<int>(size_) + change, 0, last)));
    });
    addAction(action);
  };
  add(QStringLiteral("Larger text"), -1);
  add(QStringLiteral("Smaller text"), 1);
  add(QStringLiteral("Whole text, as pixels"), static_cast<int>(size_count()));
  setContextMenuPolicy(Qt::ActionsContextMenu);
}

size_t TextView::size_count() {
  return kTextSizes.size();
}

bool TextView::as_text() const {
  return kTextSizes[size_].font > 0;
}

TextView::Metric TextView::metric() const {
  return static_cast<Metric>(metric_->currentData().toInt());
}

void TextView::show_metric(Metric metric) {
  metric_->setCurrentIndex(metric_->findData(static_cast<int>(metric)));
}

void TextView::set_size(size_t size) {
  if (size == size_) return;
  const Position middle(in_sight().first + in_sight().count / 2);
  const Position focus = selection().position.value_or(middle);
  size_ = size;
  lay_out();
  show_from(top_);
  scroll_to(focus);
  refresh();
}

TokenCells TextView::cells() const {
  return token_cells(kTextSizes[size_], area().size(), kScrollWidth + 8, 1 / devicePixelRatioF(),
                     content() ? content()->info.tokens : 0);
}

double TextView::line_height() const {
  return as_text() ? scaled(kTextSizes[size_].height) : cells().height;
}

double TextView::ground_height() const {
  return scaled(kTextSizes[size_].font + 4);
}

size_t TextView::lines_per_page() const {
  return static_cast<size_t>(std::max(1.0, area().height() / line_height()));
}

IndexRange TextView::in_sight() const {
  if (!ready()) return {};
  const size_t first = top_.index();
  const size_t end = as_text() ? (shown_.empty() ? first : shown_.back().end().index())
                               : first + cells().tokens();
  return {first, std::min<size_t>(end, content()->info.tokens) - first};
}

void TextView::document_opened() {
  edition_ = workspace().document.edition();
  scrolled_ = false;
  top_ = {};
  blocks_ = text_blocks(content()->tokens, TextFlow::kFewestTokens, TextFlow::kMostTokens);
  lay_out();
  show_start();
}

/// The chosen token in the upper part, so that what was read after it follows below.
void TextView::show_start() {
  if (!ready()) return;
  const Position wanted = selection().position.value_or(Position(selection().step.value));
  if (!as_text()) return show_from(wanted);
  const std::vector<TextLine> lines = flow_.lines(wanted, lines_per_page() / 3, 1);
  show_from(std::min(lines.front().first, last_top()));
}

/// The first token of the last page.
Position TextView::last_top() {
  const uint32_t tokens = content()->info.tokens;
  if (as_text())
    return flow_.lines(Position(tokens - 1), lines_per_page() - 1, 1).front().first;
  const TokenCells grid = cells();
  const size_t row = grid.columns * grid.merged;
  const size_t rows = (tokens + row - 1) / row;
  return Position(rows > grid.rows ? (rows - grid.rows) * row : 0);
}

void TextView::show_from(Position top) {
  if (!ready()) return;
  shapes_.clear();
  const Position last = last_top();
  top = std::min(top, last);
  if (as_text()) {
    shown_ = flow_.lines(top, 0, lines_per_page());
    top_ = shown_.front().first;
  } else {
    shown_.clear();
    const size_t row = cells().columns * cells().merged;
    top_ = Position(top.index() / row * row);
  }
  const QSignalBlocker quiet(scroll_);
  scroll_->setRange(0, static_cast<int>(last.value));
  scroll_->setPageStep(static_cast<int>(std::max<size_t>(1, in_sight().count)));
  scroll_->setSingleStep(std::max(1, scroll_->pageStep() / 10));
  scroll_->setValue(static_cast<int>(top_.value));
  scroll_->setVisible(last.value > 0);
  refresh();
}

void TextView::scroll_lines(int lines) {
  if (!ready()) return;
  if (!as_text()) {
    const auto row = static_cast<int64_t>(cells().columns * cells().merged);
    const int64_t to = std::max<int64_t>(0, int64_t{top_.value} + lines * row);
    return show_from(Position(static_cast<uint32_t>(to)));
  }
  if (lines < 0)
    return show_from(flow_.lines(top_, static_cast<size_t>(-lines), 1).front().first);
  show_from(flow_.lines(top_, 0, static_cast<size_t>(lines) + 1).back().first);
}

void TextView::resizeEvent(QResizeEvent* event) {
  const QRectF rect = area();
  scroll_->setGeometry(static_cast<int>(rect.right()) - kScrollWidth + kPadding / 2,
                       static_cast<int>(rect.top()), kScrollWidth, static_cast<int>(rect.height()));
  place_in_header(*metric_, 0, kChoiceWidth);
  lay_out();
  if (scrolled_)
    show_from(top_);
  else
    show_start();
  View::resizeEvent(event);
}

int TextView::header_reserve() const {
  return static_cast<int>(scaled(kChoiceWidth)) + 16;
}

/// What is laid out is the text of this content.
bool TextView::ready() const {
  return content() && edition_ == workspace().document.edition();
}

void TextView::lay_out() {
  if (!ready()) return;
  shapes_.clear();
  if (!as_text()) return;
  const QFontMetricsF metrics(sized_font(kTextSizes[size_].font));
  flow_ = TextFlow(content()->tokens, blocks_, area().width() - kScrollWidth - 8,
                   [metrics](const QString& text) { return metrics.horizontalAdvance(text); });
}

void TextView::scroll_to(Position position) {
  if (!ready()) return;
  scrolled_ = true;
  if (!as_text()) {
    const IndexRange sight = in_sight();
    if (position.index() < sight.first || position.index() >= sight.first + sight.count)
      show_from(Position(position.index() - std::min(position.index(), sight.count / 3)));
    return;
  }
  const size_t page = lines_per_page(), margin = std::min<size_t>(2, page / 4);
  const std::optional<size_t> line = shown_line(position);
  if (line && *line >= margin && *line + margin < page) return;
  const bool above = line ? *line < margin : position < top_;
  show_from(flow_.lines(position, above ? margin : page - 1 - margin, 1).front().first);
}

std::optional<size_t> TextView::shown_line(Position position) const {
  if (shown_.empty() || position < shown_.front().first || position >= shown_.back().end())
    return std::nullopt;
  return line_of(shown_, position);
}

QString TextView::what_is_coloured() const {
  const Selection& now = selection();
  const QString step = grouped(now.step.value);
  const QString whose = lanes_in_words(content()->runs[now.run], now);
  switch (metric()) {
    case Metric::Kept:
      if (now.scope == LaneScope::One)
        return QStringLiteral("kept by ") + whose +
               QStringLiteral(" after step %1, ground and mark = tree level; no ground = evicted")
                   .arg(step);
      return QStringLiteral("fraction of ") + whose +
             QStringLiteral(" that keep a token after step %1: darker = more, mark = tenths, + = all")
                 .arg(step);
    case Metric::MeanLevel:
      return QStringLiteral("mean tree level where kept, ") + whose +
             QStringLiteral(", after step %1").arg(step);
    case Metric::Weight:
      return QStringLiteral("attention of step %1, ").arg(step) + whose +
             QStringLiteral(": 0 to %1, asinh scale").arg(to_qt(short_number(value_scale_.high)));
    case Metric::Loss:
      return QStringLiteral("−ln p of the token: 0 to %1 nat")
          .arg(to_qt(short_number(value_scale_.high)));
  }
  return {};
}

QString TextView::caption() const {
  QString text = what_is_coloured();
  if (!as_text() && cells().merged > 1)
    text += QStringLiteral(" · a pixel shows the most notable of %1 tokens").arg(cells().merged);
  return text;
}

QString TextView::describe(QPointF point) const {
  const std::optional<Position> position = position_at(point);
  if (!position) return {};
  QString text = QStringLiteral("position %1 · id %2")
                     .arg(grouped(position->value))
                     .arg(content()->tokens.id[position->index()]);
  if (!as_text()) text += QStringLiteral(" · ") + quoted_piece(content()->tokens.piece(*position));
  return text;
}

bool TextView::needs_refresh(const Selection& now, const Selection& before) const {
  return now.step != before.step || !same_lanes(now, before);
}

void TextView::selection_changed(const Selection& now, const Selection& before) {
  if (!ready()) return;
  if (needs_refresh(now, before) && metric() == Metric::Weight)
    if (const std::optional<RowRequest> wanted = row_request(*content(), selection()))
      workspace().document.want_row(*wanted);
  if (now.step != before.step && !now.position) scroll_to(Position(now.step.value));
  // A token that was chosen in another view comes into sight; one chosen here is in sight already.
  if (now.position && now.position != before.position && !underMouse()) scroll_to(*now.position);
}

void TextView::snapshot_arrived(Topic topic) {
  if (topic == Topic::Row && metric() == Metric::Weight) refresh();
}

std::span<const float> TextView::metric_values() const {
  if (metric() == Metric::Loss) return content()->loss;
  const RowSnapshot* row = workspace().document.row();
  if (!row) return {};
  return row->weight;
}

std::vector<TokenLook> TextView::looks(IndexRange range, size_t merged) const {
  const Style& style = workspace().style;
  const Selection& now = selection();
  const RunIndex& index = content()->index(now.run);
  if (metric() == Metric::Weight || metric() == Metric::Loss)
    return value_looks(style, metric_values(), value_scale_, range, merged);
  if (metric() == Metric::Kept && now.scope == LaneScope::One)
    return lane_looks(style, index, {now.layer, now.lane}, range, merged, now.step);
  const Overlay kept = overlay(index, chosen_lanes(index.run(), now), range, merged, now.step);
  return metric() == Metric::Kept ? kept_share_looks(style, kept) : mean_level_looks(style, kept);
}

std::unique_ptr<QTextLayout> TextView::shaped(const TextLine& line,
                                              const QVector<QTextLayout::FormatRange>& inks) const {
  auto layout = std::make_unique<QTextLayout>(line.text, sized_font(kTextSizes[size_].font));
  QTextOption option;
  option.setWrapMode(QTextOption::NoWrap);
  // Text of the other direction keeps token order, so that positions run from left to right.
  option.setTextDirection(Qt::LeftToRight);
  layout->setTextOption(option);
  layout->setFormats(inks);
  layout->beginLayout();
  QTextLine shape = layout->createLine();
  shape.setLineWidth(1e6);
  shape.setPosition({0, 0});
  layout->endLayout();
  return layout;
}

QRectF TextView::token_box(const TextLine& line, const QTextLine& shape, size_t token,
                           double top) const {
  const int from = line.start[token], to = line.start[token + 1];
  const double left = shape.cursorToX(from + leading_blanks(line.text, from, to));
  const double right = shape.cursorToX(to);
  return {area().left() + left, top + kGroundTop, right - left, ground_height()};
}

QVector<QTextLayout::FormatRange> TextView::inks_of(const TextLine& line,
                                                    std::span<const TokenLook> looks) const {
  QVector<QTextLayout::FormatRange> inks;
  for (size_t t = 0; t < line.tokens(); ++t) {
    QTextCharFormat format;
    format.setForeground(to_qt(looks[t].ink));
    inks.push_back({line.start[t], line.start[t + 1] - line.start[t], format});
  }
  return inks;
}

void TextView::paint_mark(QPainter& painter, const QRectF& box, char mark) const {
  if (workspace().level_marks == LevelMarks::Hide || mark == ' ') return;
  if (kTextSizes[size_].font < kSmallestMarked) return;
  painter.setFont(sized_font(8));
  painter.setPen(to_qt(colours().secondary));
  draw_label(painter, QRectF(box.center().x() - 10, box.bottom() + 0.5, 20, kMarkHeight),
             kCentreLabel, QString(QLatin1Char(mark)));
}

void TextView::paint_line(QPainter& painter, size_t index, std::span<const TokenLook> looks) const {
  const TextLine& line = shown_[index];
  const std::unique_ptr<QTextLayout> layout = shaped(line, inks_of(line, looks));
  const QTextLine shape = layout->lineAt(0);
  const double top = line_top(index);
  const TokenLook* before = nullptr;
  QRectF box_before;
  for (size_t t = 0; t < line.tokens(); ++t) {
    const TokenLook& look = looks[t];
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
  const double text_top = top + kGroundTop + (ground_height() - shape.height()) / 2;
  layout->draw(&painter, QPointF(area().left(), text_top));
}

void TextView::paint_text(QPainter& painter) const {
  const IndexRange sight = in_sight();
  const std::vector<TokenLook> all = looks(sight, 1);
  for (size_t index = 0; index < shown_.size(); ++index)
    paint_line(painter, index,
               std::span(all).subspan(shown_[index].first.index() - sight.first,
                                      shown_[index].tokens()));
}

// One pixel of the picture is one device pixel, so that cells of a pixel stay sharp; larger cells leave a hair between them.
void TextView::paint_cells(QPainter& painter) const {
  const TokenCells grid = cells();
  const IndexRange sight = in_sight();
  const std::vector<TokenLook> all = looks(sight, grid.merged);
  const double ratio = devicePixelRatioF();
  const int width = static_cast<int>(std::lround(grid.width * ratio));
  const int height = static_cast<int>(std::lround(grid.height * ratio));
  const int gap = width > 2 ? 1 : 0;
  const size_t rows = (all.size() + grid.columns - 1) / grid.columns;
  QImage image(static_cast<int>(grid.columns) * width, static_cast<int>(rows) * height,
               QImage::Format_RGB32);
  if (image.isNull()) return;
  image.fill(to_qt(colours().panel));
  const QRgb none = to_qt(mix(colours().panel, colours().recent, 0.3)).rgb();
  const QRgb future = to_qt(mix(colours().panel, colours().absent, 0.8)).rgb();
  const Rgb future_ink = workspace().style.future_ink();
  for (size_t i = 0; i < all.size(); ++i) {
    const QRgb colour = all[i].ground                ? to_qt(*all[i].ground).rgb()
                        : all[i].ink == future_ink ? future
                                                     : none;
    const int left = static_cast<int>(i % grid.columns) * width;
    const int top = static_cast<int>(i / grid.columns) * height;
    for (int y = top; y < top + height - gap; ++y) {
      auto* const line = reinterpret_cast<QRgb*>(image.scanLine(y));
      std::fill(line + left, line + left + width - gap, colour);
    }
  }
  // Paragraphs begin at a tick above their first cell.
  if (height >= 6)
    for (const uint32_t start : blocks_) {
      if (start < sight.first || start >= sight.first + sight.count) continue;
      const size_t i = (start - sight.first) / grid.merged;
      auto* const line = reinterpret_cast<QRgb*>(
          image.scanLine(static_cast<int>(i / grid.columns) * height + height - 1));
      const int left = static_cast<int>(i % grid.columns) * width;
      std::fill(line + left, line + left + width, to_qt(colours().secondary).rgb());
    }
  image.setDevicePixelRatio(ratio);
  painter.drawImage(QPointF(std::round(area().left()), std::round(area().top())), image);
}

void TextView::paint_back(QPainter& painter) {
  if (metric() == Metric::Weight || metric() == Metric::Loss) {
    std::vector<float> some = some_of(metric_values());
    value_scale_ = metric() == Metric::Loss ? linear_scale(std::move(some))
                                            : asinh_scale(std::move(some));
    if (metric() == Metric::Weight && metric_values().empty()) {
      const QString problem = workspace().document.problem(Topic::Row);
      return paint_message(painter, problem.isEmpty() ? QStringLiteral("reading …") : problem);
    }
  }
  painter.save();
  painter.setClipRect(area().adjusted(-4, 0, 4, 0));
  if (as_text())
    paint_text(painter);
  else
    paint_cells(painter);
  painter.restore();
}

std::optional<QRectF> TextView::box_of(Position position) const {
  if (!ready() || position.value >= content()->info.tokens) return std::nullopt;
  if (as_text()) {
    const std::optional<size_t> index = shown_line(position);
    if (!index) return std::nullopt;
    return token_box(shown_[*index], shape_of(*index).lineAt(0),
                     position.index() - shown_[*index].first.index(), line_top(*index));
  }
  const IndexRange sight = in_sight();
  if (position.index() < sight.first || position.index() >= sight.first + sight.count)
    return std::nullopt;
  const TokenCells grid = cells();
  const size_t cell = (position.index() - sight.first) / grid.merged;
  return QRectF(std::round(area().left()) + static_cast<double>(cell % grid.columns) * grid.width,
                std::round(area().top()) + static_cast<double>(cell / grid.columns) * grid.height,
                grid.width, grid.height);
}

void TextView::underline(QPainter& painter, std::span<const Position> kin, Rgb colour) const {
  const IndexRange sight = in_sight();
  painter.setPen(QPen(to_qt(colour), 2));
  for (const Position position : kin) {
    if (position.index() < sight.first || position.index() >= sight.first + sight.count) continue;
    if (const std::optional<QRectF> box = box_of(position))
      painter.drawLine(box->bottomLeft() + QPointF(0, 1), box->bottomRight() + QPointF(0, 1));
  }
}

void TextView::outline(QPainter& painter, Position position, double width) const {
  const std::optional<QRectF> box = box_of(position);
  if (!box) return;
  painter.setPen(QPen(to_qt(colours().accent), width));
  painter.drawRoundedRect(box->adjusted(-3, -1.5, 3, 1.5), 4, 4);
}

void TextView::tint(QPainter& painter, PositionRange range) const {
  const IndexRange sight = in_sight();
  const size_t first = std::max(range.first.index(), sight.first);
  const size_t end = std::min(range.last.index() + 1, sight.first + sight.count);
  QColor colour = to_qt(colours().accent);
  colour.setAlpha(48);
  const size_t row = as_text() ? 1 : cells().columns * cells().merged;
  for (size_t at = first; at < end;) {
    // To the end of the line that it is in.
    size_t line_end = sight.first + ((at - sight.first) / row + 1) * row;
    if (as_text()) line_end = shown_[*shown_line(Position(at))].end().index();
    line_end = std::min(line_end, end);
    const std::optional<QRectF> from = box_of(Position(at)), to = box_of(Position(line_end - 1));
    if (from && to) painter.fillRect(from->united(*to), colour);
    at = line_end;
  }
}

void TextView::paint_front(QPainter& painter) {
  painter.save();
  painter.setClipRect(area().adjusted(-4, 0, 4, 0));
  painter.setBrush(Qt::NoBrush);
  if (selection().range) tint(painter, *selection().range);
  const Kin& kin = workspace().kinship.of(*content(), selection());
  underline(painter, kin.winners, colours().accent);
  underline(painter, kin.descendants, colours().band[3]);
  if (selection().position) outline(painter, *selection().position, 2);
  if (selection().hover && selection().hover != selection().position)
    outline(painter, *selection().hover, 1);
  if (const std::optional<QRectF> box = box_of(Position(selection().step.value))) {
    // The caret after the token whose query the step belongs to.
    painter.setPen(QPen(to_qt(colours().accent), 1.5));
    painter.drawLine(QPointF(box->right() + 2, box->top() - 1),
                     QPointF(box->right() + 2, box->bottom() + 1));
  }
  painter.restore();
}

const QTextLayout& TextView::shape_of(size_t index) const {
  shapes_.resize(shown_.size());
  if (!shapes_[index]) shapes_[index] = shaped(shown_[index]);
  return *shapes_[index];
}

std::optional<Position> TextView::position_at(QPointF point) const {
  if (!ready() || !area().contains(point)) return std::nullopt;
  const double row = (point.y() - area().top()) / line_height();
  if (row < 0) return std::nullopt;
  if (!as_text()) {
    const TokenCells grid = cells();
    const double column = (point.x() - area().left()) / grid.width;
    if (column < 0 || column >= static_cast<double>(grid.columns)) return std::nullopt;
    const size_t cell = static_cast<size_t>(row) * grid.columns + static_cast<size_t>(column);
    const size_t place = cell * grid.merged;
    if (place >= in_sight().count) return std::nullopt;
    return Position(in_sight().first + place);
  }
  if (row >= static_cast<double>(shown_.size())) return std::nullopt;
  const auto index = static_cast<size_t>(row);
  const QTextLine shape = shape_of(index).lineAt(0);
  const double x = point.x() - area().left();
  if (x > shape.naturalTextWidth() + 4) return std::nullopt;
  const TextLine& line = shown_[index];
  for (size_t t = 0; t < line.tokens(); ++t)
    if (x < shape.cursorToX(line.start[t + 1])) return Position(line.first.index() + t);
  return std::nullopt;
}

void TextView::wheelEvent(QWheelEvent* event) {
  event->accept();
  const int turns = std::clamp(event->angleDelta().y() / 40, -24, 24);
  if (event->modifiers() & Qt::ControlModifier) {
    const int size = static_cast<int>(size_) - (turns > 0) + (turns < 0);
    const int last = static_cast<int>(size_count()) - 1;
    return set_size(static_cast<size_t>(std::clamp(size, 0, last)));
  }
  scrolled_ = true;
  scroll_lines(-turns);
}

}  // namespace dendrokv
