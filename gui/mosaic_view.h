#pragma once
// Layers down, query heads across: how much more the finest band varies at the end of the text than at its
// start. Click a tile to look at its lane.

#include "gui/view.h"

namespace dendrokv {

class MosaicView : public View {
  Q_OBJECT
 public:
  using View::View;
  QString describe(QPointF point) const override;

 protected:
  void paint_back(QPainter& painter) override;
  void paint_front(QPainter& painter) override;
  bool needs_refresh(const Selection& now, const Selection& before) const override;
  void snapshot_arrived(Topic topic) override;
  void mousePressEvent(QMouseEvent* event) override;

 private:
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
};

}  // namespace dendrokv
