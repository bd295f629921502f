#pragma once
// A grid of colour codes painted through tiles. No words of the field, no widgets: a code is a row
// of a table of 256 colours, so that a new colour map recolours without touching the codes.

#include <QImage>
#include <QPainter>
#include <QVector>
#include <memory>
#include <vector>

#include "data/grid.h"

namespace dendrokv {

using CodeGrid = Grid<uint8_t>;

class TileImage {
 public:
  /// Codes [row, column]; colours by code. Tiles of kTile x kTile codes are made when they are
  /// first painted.
  TileImage(std::shared_ptr<const CodeGrid> codes, QVector<QRgb> colours);
  TileImage() = default;

  bool empty() const { return !codes_ || codes_->rows() == 0 || codes_->cols() == 0; }
  size_t rows() const { return codes_ ? codes_->rows() : 0; }
  size_t columns() const { return codes_ ? codes_->cols() : 0; }
  void recolour(QVector<QRgb> colours);

  /// Paints the part `source` (in codes) into `target`; cells are blocks of one colour, edges
  /// sharp.
  void paint(QPainter& painter, const QRectF& target, const QRectF& source) const;

  size_t tiles_made() const;
  static constexpr int kTile = 256;

 private:
  const QImage& tile(size_t row, size_t column) const;

  std::shared_ptr<const CodeGrid> codes_;
  QVector<QRgb> colours_;
  size_t tile_columns_ = 0;
  mutable std::vector<QImage> tiles_;
};

}  // namespace dendrokv
