#pragma once
// Which positions are held: positions across and, down, either every lane after the chosen step or
// every step of the chosen lane. Colour = tree level.

#include "gui/choice_box.h"
#include "gui/position_view.h"
#include "gui/tiles.h"

namespace dendrokv {

class RetentionView : public PositionView {
  Q_OBJECT
 public:
  enum class Rows { Lanes, Steps };
  RetentionView(Workspace& workspace, const QString& title, QWidget* parent);
  QString caption() const override;
  QString describe(QPointF point) const override;
  QRectF plot() const override;
  void show_rows(Rows rows);

 protected:
  void paint_back(QPainter& painter) override;
  void paint_front(QPainter& painter) override;
  bool needs_refresh(const Selection& now, const Selection& before) const override;
  void mousePressEvent(QMouseEvent* event) override;
  void resizeEvent(QResizeEvent* event) override;
  int header_reserve() const override;

 private:
  Rows rows() const;
  const Run& run() const { return content()->runs[selection().run]; }
  uint32_t lane_rows() const;
  size_t column_factor() const;
  double row_height() const;
  /// Steps that one row of pixels stands for.
  uint32_t steps_per_row() const;
  Axis step_axis() const;
  std::optional<uint32_t> lane_row_at(QPointF point) const;
  std::optional<Step> step_at(QPointF point) const;
  void paint_codes(QPainter& painter) const;
  void paint_layer_ticks(QPainter& painter) const;
  void paint_step_ticks(QPainter& painter) const;
  void paint_axis_name(QPainter& painter, const QString& name) const;
  void paint_lane_frame(QPainter& painter) const;

  ChoiceBox* rows_;
};

}  // namespace dendrokv
