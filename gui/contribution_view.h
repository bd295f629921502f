#pragma once
// What each query gave to each position: positions across, steps down, for the heads of the chosen lane.

#include "gui/choice_box.h"
#include "gui/tiles.h"
#include "gui/view.h"

namespace dendrokv {

class ContributionView : public PositionView {
  Q_OBJECT
 public:
  ContributionView(Workspace& workspace, const QString& title, QWidget* parent);
  QString caption() const override;
  QString describe(QPointF point) const override;

 protected:
  void paint_back(QPainter& painter) override;
  void paint_front(QPainter& painter) override;
  bool needs_refresh(const Selection& now, const Selection& before) const override;
  void selection_changed(const Selection& now, const Selection& before) override;
  void document_opened() override;
  void snapshot_arrived(Topic topic) override;
  int header_reserve() const override;
  void resizeEvent(QResizeEvent* event) override;
  void mousePressEvent(QMouseEvent* event) override;

 private:
  std::optional<HeatRequest> request() const;
  void ask();
  Axis step_axis() const;
  bool has_bar() const;
  void paint_heat(QPainter& painter) const;
  void paint_step_ticks(QPainter& painter) const;

  ChoiceBox* quantity_;
};

}  // namespace dendrokv
