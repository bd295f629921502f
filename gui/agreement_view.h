#pragma once
// Layers down, lanes across: how alike two runs are in every lane at the chosen step. Click a tile
// to look at its lane.

#include "gui/comparison.h"
#include "gui/view.h"

namespace dendrokv {

class AgreementView : public View {
  Q_OBJECT
 public:
  using View::View;
  QString caption() const override;
  QString describe(QPointF point) const override;

 protected:
  void paint_back(QPainter& painter) override;
  void paint_front(QPainter& painter) override;
  bool needs_refresh(const Selection& now, const Selection& before) const override;
  void mousePressEvent(QMouseEvent* event) override;

 private:
  /// The run or trace that the chosen run is compared with; null when there is none.
  const Run* other() const;
  const Alignment& alignment() const;
  QRectF grid() const;
  QRectF tile_rect(LaneId lane) const;
  std::optional<LaneId> lane_at(QPointF point) const;
  void paint_labels(QPainter& painter) const;

  Grid<float> values_;
  mutable std::optional<Alignment> identity_;
};

}  // namespace dendrokv
