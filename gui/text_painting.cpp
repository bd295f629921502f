// The text as it is drawn: its lines or cells, and the grounds of its tokens.

#include <algorithm>
#include <cmath>

#include "gui/labels.h"
#include "gui/paint.h"
#include "gui/run_index.h"
#include "gui/text_view.h"

namespace dendrokv {
namespace {

constexpr int kSmallestMarked = 11;
constexpr double kMarkHeight = 8;
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
    paint_line(
        painter, index,
        std::span(all).subspan(shown_[index].first.index() - sight.first, shown_[index].tokens()));
}

// One pixel of the picture is one device pixel, so that cells of a pixel stay sharp; larger cells
// leave a hair between them.
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
    const QRgb colour = all[i].ground              ? to_qt(*all[i].ground).rgb()
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
    value_scale_ =
        metric() == Metric::Loss ? linear_scale(std::move(some)) : asinh_scale(std::move(some));
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

}  // namespace dendrokv
