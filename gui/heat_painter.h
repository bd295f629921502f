#pragma once
// Heat map tiles in colour: a scale of what is in sight, a table of colours, and the pictures of
// the tiles drawn last.

#include <QPainter>
#include <QVector>
#include <map>
#include <memory>
#include <span>
#include <vector>

#include "gui/heat.h"
#include "gui/style.h"
#include "plot/axis.h"

namespace dendrokv {

/// Some of the values of tiles, evenly spread; those of the first `sinks` positions are left out,
/// as they would take the whole range.
std::vector<float> scale_samples(std::span<const std::shared_ptr<const HeatTile>> tiles,
                                 size_t sinks);

class HeatPainter {
 public:
  void set_colours(const Style& style);
  void set_scale(const ValueScale& scale);
  const ValueScale& scale() const { return scale_; }
  void forget_pictures() { pictures_.clear(); }

  /// Where a tile lies: positions across, indices of recorded steps down, in the rectangle that the
  /// axes cover.
  struct Place {
    Axis across, down;
    QRectF plot;
  };
  /// Only the cells in the plot, on whole pixels of the device. `steps` are those of the trace, by
  /// index.
  void paint(QPainter& painter, const HeatTile& tile, const Place& place,
             std::span<const Step> steps);

  static constexpr size_t kMostPictures = 96;

 private:
  const QImage& picture_of(const HeatTile& tile, std::span<const Step> steps);

  ValueScale scale_;
  HeatCodes codes_;
  QVector<QRgb> table_;
  std::map<TileKey, QImage> pictures_;
};

}  // namespace dendrokv
