#pragma once
// Layers down, query heads across, one number each: how much more the finest band varies at the end
// of the text than at its start, how many positions the row's attention is spread over, or how much
// of it the first position takes. Click a tile to look at its lane; Ctrl+click adds it to those
// that are chosen, a drag takes all under it.

#include "gui/choice_box.h"
#include "gui/view.h"

namespace dendrokv {

class MosaicView : public View {
  Q_OBJECT
 public:
  enum class Metric { Growth, Entropy, Sink };
  MosaicView(Workspace& workspace, const QString& title, QWidget* parent);
  QString describe(QPointF point) const override;

 protected:
  void paint_back(QPainter& painter) override;
  void paint_front(QPainter& painter) override;
  bool needs_refresh(const Selection& now, const Selection& before) const override;
  void snapshot_arrived(Topic topic) override;
  void document_opened() override;
  void mousePressEvent(QMouseEvent* event) override;
  void mouseMoveEvent(QMouseEvent* event) override;
  void resizeEvent(QResizeEvent* event) override;

 private:
  Metric metric() const;
  /// [layer index, head index], in the unit of the bar; null without a map.
  Grid<float> numbers() const;
  QString unit() const;
  ValueScale scale_of_numbers(const Grid<float>& all) const;
  struct Tile {
    size_t layer_index, head_index;
    bool operator==(const Tile&) const = default;
  };
  QString what_is_lacking() const;
  QRectF grid() const;
  QRectF tile_rect(Tile tile) const;
  std::optional<Tile> tile_at(QPointF point) const;
  LaneId lane_of(Tile tile) const;
  /// The recorded heads of the chosen lanes; none where all are chosen.
  std::vector<Tile> selected_tiles() const;
  /// The outer edges of some tiles.
  QVector<QLineF> outline(const std::vector<Tile>& tiles) const;
  void paint_labels(QPainter& painter) const;
  void paint_scale(QPainter& painter, const ValueScale& scale) const;

  ChoiceBox* metric_;
  std::optional<Tile> drag_from_;
  bool dragged_ = false;             // to another tile since
  std::vector<LaneId> before_drag_;  // lanes that a drag with Ctrl adds to
};

}  // namespace dendrokv
