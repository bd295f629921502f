#pragma once
// The text itself, token by token, at any size: as text down to 9 px, then as a cell for each
// token, then as a pixel for several. Its ground is the tree level (or what else is chosen): what
// the chosen lane dropped has none. A mark under each kept token repeats the level for eyes that do
// not see the ramp.

#include <QScrollBar>
#include <QTextLayout>
#include <memory>
#include <vector>

#include "gui/choice_box.h"
#include "gui/lane_state.h"
#include "gui/text_flow.h"
#include "gui/text_sizes.h"
#include "gui/token_looks.h"
#include "gui/value_scale.h"
#include "gui/view.h"

namespace dendrokv {

class TextView : public View {
  Q_OBJECT
 public:
  /// What the ground of a token says.
  enum class Metric {
    Kept,       // its tree level in the lane, or the fraction of the lanes that keep it
    MeanLevel,  // the mean tree level over the lanes that keep it
    Weight,     // the attention that the chosen step pays to it
    Loss,       // -ln p of the token itself, nat
  };

  TextView(Workspace& workspace, const QString& title, QWidget* parent);

  std::optional<Position> position_at(QPointF point) const override;
  QString caption() const override;
  QString describe(QPointF point) const override;

  void show_metric(Metric metric);
  /// 0 = the largest text; the last one shows the whole text.
  void set_size(size_t size);
  size_t size_index() const { return size_; }
  static size_t size_count();
  /// Tokens that are shown now.
  IndexRange in_sight() const;

 protected:
  void paint_back(QPainter& painter) override;
  void paint_front(QPainter& painter) override;
  bool needs_refresh(const Selection& now, const Selection& before) const override;
  void selection_changed(const Selection& now, const Selection& before) override;
  void document_opened() override;
  void snapshot_arrived(Topic topic) override;
  void resizeEvent(QResizeEvent* event) override;
  void wheelEvent(QWheelEvent* event) override;
  int header_reserve() const override;

 private:
  static constexpr double kGroundTop = 2;  // from the top of a line to that of the grounds

  bool as_text() const;
  bool ready() const;
  TokenCells cells() const;
  Metric metric() const;
  void add_menu();
  void lay_out();
  void show_from(Position top);
  void scroll_to(Position position);
  void scroll_lines(int lines);
  void show_start();
  Position last_top();

  /// Of each `merged` tokens from `range.first` on.
  std::vector<TokenLook> looks(IndexRange range, size_t merged) const;
  std::span<const float> metric_values() const;
  QString what_is_coloured() const;

  std::unique_ptr<QTextLayout> shaped(const TextLine& line,
                                      const QVector<QTextLayout::FormatRange>& inks = {}) const;
  /// The same of a line in sight, kept until other lines are.
  const QTextLayout& shape_of(size_t index) const;
  double line_height() const;
  double ground_height() const;
  double line_top(size_t index) const {
    return area().top() + static_cast<double>(index) * line_height();
  }
  size_t lines_per_page() const;
  std::optional<size_t> shown_line(Position position) const;
  QRectF token_box(const TextLine& line, const QTextLine& shape, size_t token, double top) const;
  std::optional<QRectF> box_of(Position position) const;
  QVector<QTextLayout::FormatRange> inks_of(const TextLine& line,
                                            std::span<const TokenLook> looks) const;
  void paint_line(QPainter& painter, size_t index, std::span<const TokenLook> looks) const;
  void paint_mark(QPainter& painter, const QRectF& box, char mark) const;
  void paint_text(QPainter& painter) const;
  void paint_cells(QPainter& painter) const;
  void underline(QPainter& painter, std::span<const Position> kin, Rgb colour) const;
  void outline(QPainter& painter, Position position, double width) const;
  /// The marked range, as a tint over its lines or rows of cells.
  void tint(QPainter& painter, PositionRange range) const;

  size_t size_;
  uint64_t edition_ = 0;  // of the document that was laid out
  std::vector<uint32_t> blocks_;
  TextFlow flow_;
  std::vector<TextLine> shown_;  // as text: from the top of the panel down
  Position top_;                 // first token in sight
  bool scrolled_ = false;        // away from where the document opened
  QScrollBar* scroll_;
  ChoiceBox* metric_;
  ValueScale value_scale_;
  // Of the lines shown; null = not asked for.
  mutable std::vector<std::unique_ptr<QTextLayout>> shapes_;
};

}  // namespace dendrokv
