#pragma once
// Rows of one lane in time order with their running scores. K and V rows never move: a slot points to a physical row.

#include <cstdint>
#include <span>
#include <vector>

#include "cache/policy.h"
#include "data/ids.h"

namespace dendrokv {

class SlotTable {
 public:
  /// Appends the newest position and returns the physical row to store it in: a freed one if any, else the next new one.
  uint32_t append(Position position);
  /// Adds one step's attention weights, [slot], to the scores of all rows.
  void add_weights(std::span<const float> weights);
  /// Frees the slot's row; later slots move up by one.
  void evict(Slot slot);

  size_t size() const { return position_.size(); }
  std::span<const Position> positions() const { return position_; }
  std::span<const uint32_t> rows() const { return row_; }  // physical row of each slot
  LaneView view(Layer layer, Lane lane, Step step) const;

 private:
  std::vector<Position> position_;
  std::vector<uint32_t> row_, steps_;
  std::vector<double> weight_sum_;
  std::vector<float> last_weight_;
  std::vector<uint32_t> free_rows_;
  uint32_t rows_used_ = 0;
};

}  // namespace dendrokv
