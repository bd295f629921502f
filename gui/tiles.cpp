#include "gui/tiles.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "gui/paint.h"

namespace dendrokv {
namespace {

size_t tiles_for(size_t cells) {
  return (cells + TileImage::kTile - 1) / TileImage::kTile;
}

}  // namespace

TileImage::TileImage(std::shared_ptr<const CodeGrid> codes, QVector<QRgb> colours)
    : codes_(std::move(codes)), colours_(std::move(colours)) {
  tile_columns_ = tiles_for(codes_->cols());
  tiles_.resize(tiles_for(codes_->rows()) * tile_columns_);
}

void TileImage::recolour(QVector<QRgb> colours) {
  colours_ = std::move(colours);
  for (QImage& image : tiles_)
    if (!image.isNull()) image.setColorTable(colours_);
}

size_t TileImage::tiles_made() const {
  return static_cast<size_t>(std::count_if(tiles_.begin(), tiles_.end(),
                                           [](const QImage& image) { return !image.isNull(); }));
}

const QImage& TileImage::tile(size_t row, size_t column) const {
  QImage& image = tiles_[row * tile_columns_ + column];
  if (!image.isNull()) return image;
  const size_t first_row = row * kTile, first_column = column * kTile;
  const size_t height = std::min<size_t>(kTile, codes_->rows() - first_row);
  const size_t width = std::min<size_t>(kTile, codes_->cols() - first_column);
  image = QImage(static_cast<int>(width), static_cast<int>(height), QImage::Format_Indexed8);
  image.setColorTable(colours_);
  for (size_t r = 0; r < height; ++r)
    std::memcpy(image.scanLine(static_cast<int>(r)),
                codes_->row(first_row + r).data() + first_column, width);
  return image;
}

void TileImage::paint(QPainter& painter, const QRectF& target, const QRectF& source) const {
  if (empty() || source.isEmpty() || target.isEmpty()) return;
  const double x_scale = target.width() / source.width();
  const double y_scale = target.height() / source.height();
  painter.save();
  painter.setClipRect(target, Qt::IntersectClip);
  painter.setRenderHint(QPainter::SmoothPixmapTransform, false);
  const auto first_tile = [](double cell) {
    return static_cast<size_t>(std::max(0.0, std::floor(cell / kTile)));
  };
  const size_t last_row = std::min(tiles_for(codes_->rows()), first_tile(source.bottom()) + 1);
  const size_t last_column = std::min(tile_columns_, first_tile(source.right()) + 1);
  for (size_t row = first_tile(source.top()); row < last_row; ++row)
    for (size_t column = first_tile(source.left()); column < last_column; ++column) {
      const QImage& image = tile(row, column);
      const QRectF exact(
          target.left() + (static_cast<double>(column * kTile) - source.left()) * x_scale,
          target.top() + (static_cast<double>(row * kTile) - source.top()) * y_scale,
          image.width() * x_scale, image.height() * y_scale);
      painter.drawImage(on_whole_pixels(painter, exact), image);
    }
  painter.restore();
}

}  // namespace dendrokv
