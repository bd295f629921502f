#include "gui/heat_cells.h"

#include <algorithm>

namespace dendrokv {

std::optional<HeatCell> HeatCells::at(size_t step_index, Position position) {
  const size_t row = step_index >> key_.step_shift,
               column = position.index() >> key_.position_shift;
  TileKey key = key_;
  key.row = static_cast<uint32_t>(row / kHeatTile);
  key.column = static_cast<uint32_t>(column / kHeatTile);
  if (!known_ || key != key_) tile_ = document_.tile(key);
  key_ = key;
  known_ = true;
  if (!tile_) return std::nullopt;
  const size_t tile_row = row % kHeatTile, tile_column = column % kHeatTile;
  if (tile_row >= tile_->values.rows() || tile_column >= tile_->values.cols()) return std::nullopt;
  const size_t step_size = std::max(size_t{1} << key.step_shift,
                                    tile_->sampling == Sampling::Preview ? 1 : tile_->step_grain);
  const size_t position_size = std::max(size_t{1} << key.position_shift, tile_->position_grain);
  return HeatCell{tile_->values(tile_row, tile_column),
                  {step_index / step_size * step_size, step_size},
                  {position.index() / position_size * position_size, position_size},
                  tile_->sampling,
                  tile_->step_grain};
}

}  // namespace dendrokv
