#include "cache/slot_table.h"

#include <algorithm>

#include "data/error.h"

namespace dendrokv {

void SlotTable::reserve(size_t rows) {
  position_.reserve(rows);
  row_.reserve(rows);
  steps_.reserve(rows);
  weight_sum_.reserve(rows);
  last_weight_.reserve(rows);
}

uint32_t SlotTable::append(Position position) {
  DENDROKV_ASSERT(position_.empty() || position_.back() < position);
  position_.push_back(position);
  row_.push_back(rows_end_);
  steps_.push_back(0);
  weight_sum_.push_back(0);
  last_weight_.push_back(0);
  return rows_end_++;
}

void SlotTable::add_weights(std::span<const float> weights) {
  DENDROKV_ASSERT(weights.size() <= position_.size());
  for (size_t slot = 0; slot < weights.size(); ++slot)
    weight_sum_[slot] += static_cast<double>(weights[slot]);
  for (size_t slot = 0; slot < weights.size(); ++slot) steps_[slot] += 1;
  std::ranges::copy(weights, last_weight_.begin());
}

void SlotTable::evict(std::span<const Slot> slots) {
  DENDROKV_ASSERT(slots.empty() || slots.back().index() < position_.size());
  take_out(position_, slots);
  take_out(row_, slots);
  take_out(steps_, slots);
  take_out(weight_sum_, slots);
  take_out(last_weight_, slots);
}

LaneView SlotTable::view(Layer layer, Lane lane, Step step, size_t rows) const {
  return {layer,
          lane,
          step,
          positions().first(rows),
          std::span(weight_sum_).first(rows),
          std::span(steps_).first(rows),
          std::span(last_weight_).first(rows)};
}

}  // namespace dendrokv
