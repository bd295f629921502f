#pragma once
// Layers down, query heads across, one number each: how much more the finest band varies at the end of the text than at its start, how
// many positions the row's attention is spread over, or how much of it the first position takes. Click a tile to look at its lane.

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
  void resizeEvent(QResizeEvent* event) override;

 private:
  Metric metric() const;
  /// [layer index, head index], in the unit of the bar; null without a map.
  Grid<float> numbers() const;
  QString unit() const;
  ValueScale scale_of_numbers(const Grid<float>& all) const;
  struct Tile {
    size_t layer_index, head_index;
  };
  QString what_is_lacking() const;
  QRectF grid() const;
  QRectF tile_rect(Tile tile) const;
  std::optional<Tile> tile_at(QPointF point) const;
  /// The recorded heads of the chosen lane, as tiles.
  bool selected(Tile tile) const;
  void paint_labels(QPainter& painter) const;
  void paint_scale(QPainter& painter, const ValueScale& scale) const;

  ChoiceBox* metric_;
};

}  // namespace dendrokv
