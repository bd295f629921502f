#include "gui/text_view.h"

#include <QAction>
#include <QWheelEvent>
#include <algorithm>
#include <cmath>

#include "gui/inspector.h"

namespace dendrokv {
namespace {

constexpr size_t kUsualSize = 2;
constexpr int kScrollWidth = 10;
constexpr int kChoiceWidth = 134;

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
  const size_t end =
      as_text() ? (shown_.empty() ? first : shown_.back().end().index()) : first + cells().tokens();
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
  if (as_text()) return flow_.lines(Position(tokens - 1), lines_per_page() - 1, 1).front().first;
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
  if (lines < 0) return show_from(flow_.lines(top_, static_cast<size_t>(-lines), 1).front().first);
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
