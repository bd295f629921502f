#pragma once
// The text itself, token by token: what the chosen lane keeps at the chosen step lies on the colour of its
// tree level, what it dropped has no ground. A mark under each kept token repeats the level for eyes that
// do not see the ramp.

#include <QScrollBar>
#include <QTextLayout>
#include <memory>
#include <vector>

#include "gui/lane_state.h"
#include "gui/text_layout.h"
#include "gui/view.h"

namespace dendrokv {

class TextView : public View {
  Q_OBJECT
 public:
  TextView(Workspace& workspace, const QString& title, QWidget* parent);

  std::optional<Position> position_at(QPointF point) const override;
  QString caption() const override;
  QString describe(QPointF point) const override;

 protected:
  void paint_back(QPainter& painter) override;
  void paint_front(QPainter& painter) override;
  bool needs_refresh(const Selection& now, const Selection& before) const override;
  void selection_changed(const Selection& now, const Selection& before) override;
  void document_opened() override;
  void resizeEvent(QResizeEvent* event) override;
  void wheelEvent(QWheelEvent* event) override;

 private:
  /// Ground and ink of one token.
  struct Look {
    std::optional<Rgb> ground;
    Rgb ink;
    char mark = ' ';
    bool operator==(const Look&) const = default;
  };
  void lay_out();
  void scroll_to(Position position);
  std::vector<Look> looks() const;
  Look look_of(TokenState state) const;
  Look look_of(float fraction) const;
  /// Shaped line `index`, ready to draw; inks by range of its text.
  std::unique_ptr<QTextLayout> shaped(size_t index,
                                      const QVector<QTextLayout::FormatRange>& inks = {}) const;
  /// The same for the line under the pointer, kept while the pointer stays on it.
  const QTextLayout* pointed_line(size_t index) const;
  double line_top(size_t index) const;
  int lines_per_page() const;
  size_t top_line() const;
  bool in_sight(size_t index) const;
  /// Where the token's text lies, without the blanks before it.
  QRectF token_box(const TextLine& line, const QTextLine& shape, size_t token, double top) const;
  std::optional<QRectF> box_of(Position position) const;
  QVector<QTextLayout::FormatRange> inks_of(const TextLine& line,
                                            const std::vector<Look>& looks) const;
  void paint_line(QPainter& painter, size_t index, const std::vector<Look>& looks) const;
  void paint_mark(QPainter& painter, const QRectF& box, char mark) const;
  void show_start();

  std::vector<TextLine> lines_;
  bool scrolled_ = false;  // away from where the document opened
  QScrollBar* scroll_;
  mutable std::unique_ptr<QTextLayout> pointed_;
  mutable size_t pointed_index_ = 0;
};

}  // namespace dendrokv
