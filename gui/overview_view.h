#pragma once
// The whole text in a strip: how many lanes keep each part of it after the chosen step, and at
// which levels. The frame is what the other views show; drag it, or click to go there.

#include "gui/view.h"
#include "plot/axis.h"

namespace dendrokv {

class OverviewView : public View {
  Q_OBJECT
 public:
  using View::View;
  std::optional<Position> position_at(QPointF point) const override;
  QString caption() const override;
  QString describe(QPointF point) const override;

 protected:
  void paint_back(QPainter& painter) override;
  void paint_front(QPainter& painter) override;
  bool needs_refresh(const Selection& now, const Selection& before) const override;
  void mousePressEvent(QMouseEvent* event) override;
  void mouseMoveEvent(QMouseEvent* event) override;

 private:
  QRectF strip() const;
  Axis axis() const;
  void centre_on(double position);
  size_t factor() const;
};

}  // namespace dendrokv
