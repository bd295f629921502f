#include "gui/heat_painter.h"

#include <algorithm>
#include <cmath>

#include "gui/paint.h"

namespace dendrokv {
namespace {

constexpr size_t kScaleSamples = 10000;

QVector<QRgb> heat_colours(const Style& style) {
  QVector<QRgb> table(256, 0);
  table[HeatCodes::kFuture] = to_qt(style.colours().panel).rgb();
  table[HeatCodes::kAbsent] =
      to_qt(mix(style.colours().absent, style.colours().recent, 0.35)).rgb();
  const ColourMap& map = sequential_map(style.theme);
  for (int code = HeatCodes::kFirstValue; code < 256; ++code)
    table[code] =
        to_qt(map.at((code - HeatCodes::kFirstValue) / (255.0 - HeatCodes::kFirstValue))).rgb();
  return table;
}

}  // namespace

std::vector<float> scale_samples(std::span<const std::shared_ptr<const HeatTile>> tiles,
                                 size_t sinks) {
  size_t cells = 0;
  for (const auto& tile : tiles) cells += tile->values.rows() * tile->values.cols();
  const size_t every = std::max<size_t>(1, cells / kScaleSamples);
  std::vector<float> values;
  size_t next = 0;  // cell of the tile
  for (const auto& tile : tiles) {
    const size_t first = tile->key.positions().first, columns = tile->values.cols();
    const size_t all = tile->values.rows() * columns;
    for (; next < all; next += every) {
      const float value = tile->values(next / columns, next % columns);
      if (first + (next % columns << tile->key.position_shift) >= sinks && !std::isnan(value))
        values.push_back(value);
    }
    next -= all;
  }
  return values;
}

void HeatPainter::set_colours(const Style& style) {
  QVector<QRgb> table = heat_colours(style);
  if (table == table_) return;
  table_ = std::move(table);
  pictures_.clear();
}

void HeatPainter::set_scale(const ValueScale& scale) {
  scale_ = scale;
  codes_ = HeatCodes(scale);
  pictures_.clear();
}

const QImage& HeatPainter::picture_of(const HeatTile& tile, std::span<const Step> steps) {
  const auto known = pictures_.find(tile.key);
  if (known != pictures_.end()) return known->second;
  if (pictures_.size() >= kMostPictures) pictures_.clear();
  const size_t rows = tile.values.rows(), columns = tile.values.cols();
  QImage picture(static_cast<int>(columns), static_cast<int>(rows), QImage::Format_RGB32);
  const IndexRange tile_steps = tile.key.steps();
  const size_t first_position = tile.key.positions().first;
  for (size_t r = 0; r < rows; ++r) {
    auto* const line = reinterpret_cast<QRgb*>(picture.scanLine(static_cast<int>(r)));
    const size_t last =
        std::min(tile_steps.first + ((r + 1) << tile.key.step_shift), steps.size()) - 1;
    const std::span<const float> values = tile.values.row(r);
    for (size_t c = 0; c < columns; ++c) {
      if (!std::isnan(values[c])) {
        line[c] = table_[codes_.code(values[c])];
        continue;
      }
      const bool future = first_position + (c << tile.key.position_shift) > steps[last].index();
      line[c] = table_[future ? HeatCodes::kFuture : HeatCodes::kAbsent];
    }
  }
  return pictures_[tile.key] = std::move(picture);
}

void HeatPainter::paint(QPainter& painter, const HeatTile& tile, const Place& place,
                        std::span<const Step> steps) {
  const auto edge = [](size_t first, size_t cells, uint8_t shift) {
    return static_cast<double>(first + (cells << shift));
  };
  const size_t first_step = tile.key.steps().first, first_position = tile.key.positions().first;
  const QRectF exact(
      QPointF(place.across.pixel(static_cast<double>(first_position)),
              place.down.pixel(static_cast<double>(first_step))),
      QPointF(place.across.pixel(edge(first_position, tile.values.cols(), tile.key.position_shift)),
              place.down.pixel(edge(first_step, tile.values.rows(), tile.key.step_shift))));
  const QRectF& rect = place.plot;
  if (!exact.intersects(rect)) return;
  // Only the cells in sight: a target far larger than the panel would be cut by the painter,
  // slowly.
  const double x_scale = exact.width() / static_cast<double>(tile.values.cols());
  const double y_scale = exact.height() / static_cast<double>(tile.values.rows());
  const auto cells = [](double from, double to, double origin, double scale, size_t most) {
    const double first = std::floor(std::max(0.0, (from - origin) / scale));
    const double last = std::ceil(std::min(static_cast<double>(most), (to - origin) / scale));
    return std::pair(first, std::max(first + 1, last));
  };
  const auto [left, right] =
      cells(rect.left(), rect.right(), exact.left(), x_scale, tile.values.cols());
  const auto [top, bottom] =
      cells(rect.top(), rect.bottom(), exact.top(), y_scale, tile.values.rows());
  const QRectF target(QPointF(exact.left() + left * x_scale, exact.top() + top * y_scale),
                      QPointF(exact.left() + right * x_scale, exact.top() + bottom * y_scale));
  painter.drawImage(on_whole_pixels(painter, target), picture_of(tile, steps),
                    QRectF(left, top, right - left, bottom - top));
}

}  // namespace dendrokv
