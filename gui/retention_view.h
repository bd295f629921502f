#pragma once
// Which positions each lane holds at the chosen step: lanes down, positions across, colour = tree level.

#include "gui/tiles.h"
#include "gui/view.h"

namespace dendrokv {

class RetentionView : public PositionView {
  Q_OBJECT
 public:
  using PositionView::PositionView;
  QString caption() const override;
  QString describe(QPointF point) const override;
  QRectF plot() const override;

 protected:
  void paint_back(QPainter& painter) override;
  void paint_front(QPainter& painter) override;
  bool needs_refresh(const Selection& now, const Selection& before) const override;
  void mousePressEvent(QMouseEvent* event) override;

 private:
  uint32_t lane_rows() const;
  size_t column_factor() const;
  double row_height() const;
  std::optional<uint32_t> row_at(QPointF point) const;
  void paint_layer_ticks(QPainter& painter) const;
};

/// Codes [lane of all layers, column] over `positions`, `factor` positions a column: the most notable state
/// of a column (sink, then high level, low level, recent, evicted, unread). Colours by retention_colours().
CodeGrid retention_codes(const Run& run, Step step, IndexRange positions, size_t factor);
QVector<QRgb> retention_colours(const Palette& colours);

}  // namespace dendrokv
