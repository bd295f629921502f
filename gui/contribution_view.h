#pragma once
// What each query gave to each position: positions across, steps down, for the heads of the chosen
// lane or layer. Drawn from tiles: what is not read yet is shown by coarser ones. Above it the row
// of the chosen step; along the right edge, while a position is pointed at or chosen, its column;
// along the lower edge what the lane keeps.

#include <QAction>
#include <QActionGroup>

#include "gui/choice_box.h"
#include "gui/heat.h"
#include "gui/heat_cells.h"
#include "gui/heat_painter.h"
#include "gui/position_view.h"

namespace dendrokv {

class ContributionView : public PositionView {
  Q_OBJECT
 public:
  ContributionView(Workspace& workspace, const QString& title, QWidget* parent);
  QString caption() const override;
  QString describe(QPointF point) const override;
  QRectF plot() const override;

  /// The cell of the tile that is drawn under a place, at the present zoom; nothing while it is not
  /// there.
  using Cell = HeatCell;
  std::optional<Cell> cell_at(size_t step_index, Position position) const;
  /// Recorded steps in sight, as indices.
  IndexRange visible_steps() const;
  /// All steps, or only those of the positions in sight.
  void set_steps_follow(bool follow) { follow_->setChecked(follow); }
  const ValueScale& scale() const { return heat_.scale(); }

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
  void wheelEvent(QWheelEvent* event) override;
  void showEvent(QShowEvent* event) override;
  void hideEvent(QHideEvent* event) override;
  double tick_line() const override;

 private:
  using Zoom = HeatZoom;
  static constexpr int kBarWidth = 170, kQuantityWidth = 142, kReductionWidth = 84;
  static constexpr double kLevelHeight = 5;
  void add_menu();
  void offer_index();
  std::optional<HeatSubject> subject() const;
  Zoom zoom() const;
  IndexRange visible_positions() const;
  void ask();
  Axis step_axis() const;
  bool has_bar() const;
  double profile_height() const;
  std::vector<TileKey> visible_tiles(Zoom zoom) const;
  void choose_scale();
  void paint_heat(QPainter& painter);
  void paint_overlay(QPainter& painter) const;
  void paint_step_ticks(QPainter& painter) const;
  void paint_row_profile(QPainter& painter) const;
  void paint_column_profile(QPainter& painter, Position position) const;
  void paint_levels(QPainter& painter) const;
  QString what_is_merged() const;

  ChoiceBox* quantity_;
  ChoiceBox* reduction_;
  QAction* follow_;
  QAction* profiles_;
  QAction* index_;
  QString index_state_;  // "building an index: 34 %", or why there is none
  QActionGroup* shapes_;
  IndexRange own_steps_;  // zoomed apart from the positions; count 0 = all
  uint32_t subject_ = 0;
  std::optional<Zoom> zoom_before_;
  int pan_ = 0;  // direction of the last move along the positions
  HeatPainter heat_;
  std::vector<TileKey> scaled_by_;
};

}  // namespace dendrokv
