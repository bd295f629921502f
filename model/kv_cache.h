#pragma once
// Keys and values of one lane, and where its keys are rotated to.
//
// A row holds the key and the value of one token. The rows of a lane stay where they are; a SlotTable lists them in time order.
// Keys are rotated from their un-rotated value, never from a rotated one, so that no error builds up:
//
//   original positions   a key keeps its place in the text. It is rotated once and its un-rotated value is not needed again.
//   rank positions       a key has its place in the cache (StreamingLLM, Xiao et al., ICLR 2024, section 3.2; TreeKV section 4.1).
//                        An eviction moves all later rows up by one: they are rotated anew, and the un-rotated keys are kept.
//
// Both round a key to the precision of the cache before they rotate it, so they agree bit for bit until something is evicted.

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "cache/policy.h"
#include "cache/slot_table.h"
#include "data/grid.h"
#include "model/aligned_bytes.h"
#include "model/kernels.h"
#include "model/rotary_table.h"

namespace dendrokv {

enum class CachePrecision { F16, F32 };

struct KvShape {
  size_t head_dim = 0;
  CachePrecision precision = CachePrecision::F16;
  PositionMode positions = PositionMode::Original;
  size_t most_rows = 0;  // ever held at once; 0 = unbounded
};

class KvLane {
 public:
  /// `kernels` and `rotary` must outlive the lane; `rotary` must have grown to every position that is used.
  KvLane(const KvShape& shape, const Kernels& kernels, const RotaryTable& rotary);

  /// Room for `rows` rows. Grows by doubling, never past most_rows.
  void reserve(size_t rows);
  /// Appends a row; there must be room. `key` is un-rotated; [head_dim] both.
  void append(Position position, std::span<const float> key, std::span<const float> value);
  void add_weights(std::span<const float> weights) { slots_.add_weights(weights); }  // [slot]
  void evict(Slot slot);

  /// Rotates the query of a step that sees the first `rows` slots, its own row the last of them.
  void rotate_query(std::span<const float> query, size_t rows, std::span<float> out) const;
  /// scores(query, i) = scale * (query . key of slot first + i) over scores.cols() slots; queries are rotated, [query, head_dim].
  void scores(GridView<const float> queries, float scale, GridView<float> scores,
              Slot first = Slot(0)) const;
  /// out(query, d) = sum over weights.cols() slots of weights(query, i) * value[first + i][d]
  void weighted_sum(GridView<const float> weights, GridView<float> out, Slot first = Slot(0)) const;

  const SlotTable& slots() const { return slots_; }
  uint64_t bytes() const;  // held for keys and values

 private:
  std::byte* row_of(const AlignedBytes& rows, size_t row) const;
  void store(std::span<const float> values, std::byte* to) const;
  void rotate(size_t slot);
  size_t position_of(size_t slot) const;

  KvShape shape_;
  const Kernels& kernels_;
  const RotaryTable& rotary_;
  SlotTable slots_;
  size_t capacity_ = 0;  // rows there is room for
  AlignedBytes raw_keys_, rotated_keys_,
      values_;                        // [row, head_dim]; raw_keys_ one row under original positions
  std::vector<float> raw_, rotated_;  // [head_dim]
};

}  // namespace dendrokv
