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

void SlotTable::evict(Slot slot) {
  DENDROKV_ASSERT(slot.index() < position_.size());
  const auto at = static_cast<std::ptrdiff_t>(slot.index());
  position_.erase(position_.begin() + at);
  row_.erase(row_.begin() + at);
  steps_.erase(steps_.begin() + at);
  weight_sum_.erase(weight_sum_.begin() + at);
  last_weight_.erase(last_weight_.begin() + at);
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
