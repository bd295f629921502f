#pragma once
// The tree as a tree: positions across, steps down. A token's line runs from the step that read it
// to the step at which it left; there a bar joins it to the one it lost to. Of the locked token,
// the chain of winners and the subtree that it outlived stand out.

#include "gui/position_view.h"

namespace dendrokv {

class LineageView : public PositionView {
  Q_OBJECT
 public:
  using PositionView::PositionView;
  QString caption() const override;
  QString describe(QPointF point) const override;

 protected:
  void paint_back(QPainter& painter) override;
  void paint_front(QPainter& painter) override;

 private:
  struct Join {
    Position loser, winner;
    Step step;
  };
  Axis step_axis() const;
  double x_of(Position position) const;
  double y_of(Step step) const;
  /// Nothing for a token that is still there, or left without a winner.
  std::optional<Join> join_of(Position position) const;
  Step end_of(Position position) const;
  bool drawn(Position position) const;
  QPen life_pen(Position position) const;
  void paint_life(QPainter& painter, Position position) const;
  void paint_join(QPainter& painter, const Join& join) const;
  void paint_all(QPainter& painter) const;
  void paint_kin(QPainter& painter, const std::vector<Position>& kin, const QPen& pen) const;
  void paint_names(QPainter& painter, const std::vector<Position>& chain) const;
  void paint_step_ticks(QPainter& painter) const;
};

}  // namespace dendrokv
