#pragma once
// Rows of one lane in time order with their running scores. K and V rows never move: a slot points
// to a physical row.

#include <cstdint>
#include <span>
#include <vector>

#include "cache/policy.h"
#include "data/ids.h"

namespace dendrokv {

class SlotTable {
 public:
  /// Room for `rows` rows at once (a budget plus the row of the step); up to that many, nothing
  /// below allocates.
  void reserve(size_t rows);
  /// Appends the newest position, its scores zero, and returns the physical row to store it in: a
  /// freed one if any, else the next new one.
  uint32_t append(Position position);
  /// Adds one step's attention weights, [slot], to the scores of the first weights.size() slots: those that the step saw.
  void add_weights(std::span<const float> weights);
  /// Frees the slot's row; later slots move up by one. The indices are shifted, O(rows); keys and
  /// values stay.
  void evict(Slot slot);

  bool empty() const { return position_.empty(); }
  size_t size() const { return position_.size(); }
  std::span<const Position> positions() const { return position_; }
  std::span<const uint32_t> rows() const { return row_; }  // physical row of each slot
  /// Of a step that saw the first `rows` slots. Valid until the table changes.
  LaneView view(Layer layer, Lane lane, Step step, size_t rows) const;
  LaneView view(Layer layer, Lane lane, Step step) const {
    return view(layer, lane, step, size());
  }

 private:
  std::vector<Position> position_;
  std::vector<uint32_t> row_, steps_;
  std::vector<double> weight_sum_;
  std::vector<float> last_weight_;
  std::vector<uint32_t> free_rows_;
  uint32_t rows_used_ = 0;
};

}  // namespace dendrokv
