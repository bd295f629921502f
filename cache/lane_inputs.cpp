#include "cache/lane_inputs.h"

#include <algorithm>
#include <cmath>

#include "cache/slot_table.h"
#include "data/error.h"

namespace dendrokv {
namespace {

void store(Grid<float>& rows, size_t row, size_t size, std::span<const float> values) {
  DENDROKV_ASSERT(values.size() == size);
  if (row >= rows.rows()) {
    Grid<float> larger(std::max<size_t>(64, 2 * rows.rows()), size);
    std::ranges::copy(rows.all(), larger.all().begin());
    rows = std::move(larger);
  }
  std::ranges::copy(values, rows.row(row).begin());
}

}  // namespace

LaneInputs::LaneInputs(const PolicyShape& shape, size_t query_heads, size_t head_dim, size_t rows)
    : wanted_(shape.inputs), window_(shape.window), sinks_(shape.sinks), head_dim_(head_dim) {
  if (wanted_.has(Input::ValueNorms)) value_norm_.reserve(rows);
  if (wanted_.has(Input::Keys)) keys_ = Grid<float>(rows, head_dim);
  if (wanted_.has(Input::Values)) values_ = Grid<float>(rows, head_dim);
  if (window_ > 0) {
    room_ = rows;
    window_weights_ = Grid<float>(window_, room_);
  }
  if (wanted_.has(Input::QueryStatistics)) statistics_ = QueryStatistics(query_heads, head_dim);
}

uint32_t LaneInputs::take_row() {
  if (free_rows_.empty()) return static_cast<uint32_t>(row_.size());
  const uint32_t row = free_rows_.back();
  free_rows_.pop_back();
  return row;
}

void LaneInputs::append(std::span<const float> key, std::span<const float> value,
                        float value_norm) {
  if (wanted_.has(Input::QueryStatistics)) statistics_.ask_for_room();
  if (wanted_.has(Input::ValueNorms)) value_norm_.push_back(value_norm);
  if (wanted_.has(Input::Keys) || wanted_.has(Input::Values)) {
    const uint32_t row = take_row();
    row_.push_back(row);
    if (wanted_.has(Input::Keys)) store(keys_, row, head_dim_, key);
    if (wanted_.has(Input::Values)) store(values_, row, head_dim_, value);
  }
  if (window_ == 0) return;
  if (++slots_ > room_) {
    Grid<float> wider(window_, 2 * room_ + 64);
    for (size_t step = 0; step < window_; ++step)
      std::ranges::copy(window_weights_.row(step), wider.row(step).begin());
    window_weights_ = std::move(wider);
    room_ = window_weights_.cols();
  }
}

void LaneInputs::add_weights(std::span<const float> weights) {
  if (window_ == 0) return;
  DENDROKV_ASSERT(weights.size() == slots_);
  const size_t row = (window_first_ + window_steps_) % window_;
  if (window_steps_ == window_)
    window_first_ = (window_first_ + 1) % window_;
  else
    ++window_steps_;
  const std::span<float> to = window_weights_.row(row);
  std::ranges::copy(weights, to.begin());
  std::ranges::fill(to.subspan(slots_), 0.0f);
}

void LaneInputs::add_queries(Step step, GridView<const float> queries) {
  query_ = queries;
  // The first tokens ask like no other (Expected Attention).
  if (wanted_.has(Input::QueryStatistics) && step.value >= sinks_) statistics_.add(queries);
}

void LaneInputs::evict(std::span<const Slot> slots) {
  if (wanted_.has(Input::ValueNorms)) take_out(value_norm_, slots);
  if (!row_.empty()) {
    for (size_t leaves = slots.size(); leaves-- > 0;)
      free_rows_.push_back(row_[slots[leaves].index()]);
    take_out(row_, slots);
  }
  if (window_ == 0) return;
  for (size_t step = 0; step < window_steps_; ++step) {
    const std::span<float> row = window_weights_.row(step);
    take_out(row.data(), slots_, slots);
    std::ranges::fill(row.subspan(slots_ - slots.size(), slots.size()), 0.0f);
  }
  slots_ -= slots.size();
}

void LaneInputs::complete(LaneView& view) const {
  if (wanted_.has(Input::ValueNorms)) view.value_norm = value_norm_;
  if (wanted_.has(Input::Keys)) view.keys = {keys_.view(), row_};
  if (wanted_.has(Input::Values)) view.values = {values_.view(), row_};
  if (window_ > 0)
    view.window = {{window_weights_.data(), window_, slots_, room_}, window_first_, window_steps_};
  if (wanted_.has(Input::QueryStatistics)) view.queries = &statistics_;
  if (wanted_.has(Input::Queries)) view.query = query_;
}

float euclidean_norm(std::span<const float> row) {
  double sum = 0;
  for (const float number : row) sum += static_cast<double>(number) * static_cast<double>(number);
  return static_cast<float>(std::sqrt(sum));
}

}  // namespace dendrokv
