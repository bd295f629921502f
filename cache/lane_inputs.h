#pragma once
// What some policies look at beside the running scores of a lane: value norms, keys, values, the
// weights of the last steps, statistics of the queries. Kept in step with the slots of a SlotTable;
// empty and without cost for a policy that asks for none of it. Engine and replay share it.

#include <span>
#include <vector>

#include "cache/policy.h"
#include "cache/query_statistics.h"
#include "data/grid.h"

namespace dendrokv {

class LaneInputs {
 public:
  /// `shape` says what is wanted; [head_dim] of a key or value. `rows` at once without allocating.
  LaneInputs(const PolicyShape& shape, size_t query_heads, size_t head_dim, size_t rows);

  /// The newest slot. Spans may be empty where the policy does not ask for them. `value_norm` as in
  /// LaneView.
  void append(std::span<const float> key, std::span<const float> value, float value_norm);
  /// The reduced weights of a step, [slot].
  void add_weights(std::span<const float> weights);
  /// The queries of a step, [query head, head_dim], un-rotated; they must stay valid until the
  /// policy's step.
  void add_queries(Step step, GridView<const float> queries);
  /// Slots that SlotTable::evict() removes.
  void evict(std::span<const Slot> slots);
  /// Adds what is held to a view of the same slots.
  void complete(LaneView& view) const;

 private:
  uint32_t take_row();

  InputSet wanted_;
  size_t window_;
  uint32_t sinks_;
  size_t head_dim_;
  std::vector<float> value_norm_;  // [slot]
  Grid<float> keys_, values_;      // [row, head_dim]
  std::vector<uint32_t> row_;      // of each slot, in keys_ and values_
  std::vector<uint32_t> free_rows_;
  size_t slots_ = 0;
  size_t room_ = 0;             // slots of a row of window_weights_
  Grid<float> window_weights_;  // a ring of [step of the window, slot]; 0 behind the slots
  size_t window_steps_ = 0, window_first_ = 0;  // of the ring
  QueryStatistics statistics_;
  GridView<const float> query_;
};

/// L2 norm, summed in double.
float euclidean_norm(std::span<const float> row);

}  // namespace dendrokv
