#include "cache/slot_table.h"

#include <algorithm>

#include "cache/row_kernels.h"
#include "data/error.h"

namespace dendrokv {

void SlotTable::reserve(size_t rows) {
  position_.reserve(rows);
  row_.reserve(rows);
  if (has_sums_) weight_sum_.reserve(rows);
}

uint32_t SlotTable::append(Position position) {
  DENDROKV_ASSERT(position_.empty() || position_.back() < position);
  position_.push_back(position);
  row_.push_back(rows_end_);
  if (has_sums_) weight_sum_.push_back(0);
  return rows_end_++;
}

void SlotTable::add_weights(std::span<const float> weights) {
  DENDROKV_ASSERT(weights.size() <= weight_sum_.size());
  row_kernels().add_weights(weights, weight_sum_);
}

void SlotTable::evict(std::span<const Slot> slots) {
  DENDROKV_ASSERT(slots.empty() || slots.back().index() < position_.size());
  take_out(position_, slots);
  take_out(row_, slots);
  if (has_sums_) take_out(weight_sum_, slots);
}

LaneView SlotTable::view(Layer layer, Lane lane, Step step, size_t rows,
                         std::span<const float> weights) const {
  return {.layer = layer,
          .lane = lane,
          .step = step,
          .position = positions().first(rows),
          .weight_sum = std::span(weight_sum_).first(has_sums_ ? rows : 0),
          .last_weight = weights};
}

}  // namespace dendrokv
