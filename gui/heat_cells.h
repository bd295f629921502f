#pragma once
// Single cells of the heat map at one zoom, out of the tiles that are there.

#include <memory>
#include <optional>

#include "gui/document.h"
#include "gui/heat.h"

namespace dendrokv {

/// A cell has 2^step_shift recorded steps by 2^position_shift positions.
struct HeatZoom {
  uint8_t step_shift, position_shift;
  bool operator==(const HeatZoom&) const = default;
};

struct HeatCell {
  float value;  // NaN = no sample
  IndexRange steps, positions;
  Sampling sampling;
  size_t preview_stride;  // steps from one that was looked at to the next
};

/// Looks cells up one after the other: neighbours are mostly of one tile, which is looked up once.
class HeatCells {
 public:
  HeatCells(Document& document, uint32_t subject, HeatZoom zoom)
      : document_(document), key_{subject, zoom.step_shift, zoom.position_shift, 0, 0} {}

  /// Nothing while its tile is not there.
  std::optional<HeatCell> at(size_t step_index, Position position);

 private:
  Document& document_;
  TileKey key_;
  bool known_ = false;  // tile_ is what there is of key_
  std::shared_ptr<const HeatTile> tile_;
};

}  // namespace dendrokv
