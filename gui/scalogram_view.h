#pragma once
// At which scale the contributions vary where: undecimated wavelet coefficients of the chosen step,
// scales down on a log axis, the finest on top. What an end of the text touches is hatched (cone of
// influence). Scale 2^k is the spacing of the tree's level k: the levels are marked on the right,
// each where its tokens lie.

#include "gui/position_view.h"

namespace dendrokv {

class ScalogramView : public PositionView {
  Q_OBJECT
 public:
  using PositionView::PositionView;
  QString caption() const override;
  QString describe(QPointF point) const override;

 protected:
  void paint_back(QPainter& painter) override;
  void document_opened() override;
  void selection_changed(const Selection& now, const Selection& before) override;
  void snapshot_arrived(Topic topic) override;
  int header_reserve() const override;

 private:
  void ask();
  const Scalogram* scalogram() const;
  QRectF row_rect(size_t level, size_t levels) const;
  void paint_row(QPainter& painter, const Scalogram::Level& level, const QRectF& rect,
                 const ValueScale& scale) const;
  void paint_cone(QPainter& painter, const Scalogram& of) const;
  void paint_scales(QPainter& painter, size_t levels) const;
  void paint_tree_levels(QPainter& painter, size_t levels) const;
};

}  // namespace dendrokv
