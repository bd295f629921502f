#pragma once
// What the views over the axis of positions have in common.

#include "gui/view.h"
#include "plot/axis.h"

namespace dendrokv {

/// A view over the shared axis of positions: same margins, ticks, crosshair, wheel and drag in
/// each.
class PositionView : public View {
  Q_OBJECT
 public:
  using View::View;
  std::optional<Position> position_at(QPointF point) const override;
  /// The data rectangle: between the margins, above the ticks.
  virtual QRectF plot() const;
  /// A position covers [p, p + 1) of the data.
  Axis position_axis() const;

  static constexpr double kRightMargin = 8;
  /// Room for the labels of the value axis, and for those of the positions.
  static double left_margin() { return scaled(44); }
  static double tick_band() { return scaled(22); }

 protected:
  void paint_position_ticks(QPainter& painter) const;
  /// Below which the ticks hang: the lower edge of the plot, or of what is drawn under it.
  virtual double tick_line() const { return plot().bottom(); }
  void paint_front(QPainter& painter) override;
  void wheelEvent(QWheelEvent* event) override;
  void mousePressEvent(QMouseEvent* event) override;
  void mouseMoveEvent(QMouseEvent* event) override;

 private:
  void zoom(double factor, double anchor_pixel);
  void pan(double positions);
  double drag_from_ = 0;
  Position drag_first_;
};

}  // namespace dendrokv
