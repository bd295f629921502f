#pragma once
// The kept share of the text against the distance from the step, both axes logarithmic. A tree that
// halves the past keeps one token in 2^k at its level k: the dot of a level stands at 2^-k and at
// the middle distance of its tokens, so the curve of a rule that keeps the law runs through the
// dots.

#include "gui/density.h"
#include "gui/view.h"
#include "plot/axis.h"

namespace dendrokv {

class DensityView : public View {
  Q_OBJECT
 public:
  using View::View;
  QString caption() const override;
  QString describe(QPointF point) const override;

 protected:
  void paint_back(QPainter& painter) override;
  bool needs_refresh(const Selection& now, const Selection& before) const override;

 private:
  QRectF plot() const;
  Axis distance_axis() const;
  Axis share_axis(const Density& density) const;
  void paint_axes(QPainter& painter, const Axis& x, const Axis& y) const;
  void paint_curve(QPainter& painter, const Density& density, const Axis& x, const Axis& y,
                   QColor colour, double width) const;
  void paint_levels(QPainter& painter, const Density& density, const Axis& x, const Axis& y) const;

  Density drawn_;
};

}  // namespace dendrokv
