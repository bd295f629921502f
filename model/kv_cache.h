#pragma once
// Keys and values of one lane, and where its keys are rotated to.
//
// A row holds the keys and the values of one token: of one KV head, or side by side of all that
// share the lane. A SlotTable lists the rows in time order, which is their order in memory: a new
// row goes behind the others, one that leaves is a gap. Once in an eighth of a lane's rows the gaps
// are closed. (Reading rows in the order that freed places were given away took 1.25 times as long
// per token: the processor fetches ahead in order.) Keys are rotated from their un-rotated value,
// never from a rotated one, so that no error builds up:
//
//   original positions   a key keeps its place in the text. It is rotated once and its un-rotated
//                        value is not needed again.
//   rank positions       a key has its place in the cache (StreamingLLM, Xiao et al., ICLR 2024,
//                        section 3.2; TreeKV section 4.1). An eviction moves all later rows up by
//                        one; model/rotary_frames.h says which few are rotated anew. The un-rotated
//                        keys are kept.
//
// Both round a key to the precision of the cache before they rotate it, so they agree bit for bit
// until something is evicted.

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "cache/policy.h"
#include "cache/slot_table.h"
#include "data/grid.h"
#include "model/aligned_bytes.h"
#include "model/kernels.h"
#include "model/rotary_frames.h"
#include "model/rotary_table.h"

namespace dendrokv {

enum class CachePrecision { F16, F32 };

struct KvShape {
  size_t head_dim = 0;
  CachePrecision precision = CachePrecision::F16;
  PositionMode positions = PositionMode::Original;
  size_t most_rows = 0;              // ever held at once; 0 = unbounded
  size_t heads = 1;                  // KV heads in a row
  ScoreUse scores = ScoreUse::Sums;  // what is kept of the weights
  // From 0 below 1, another for each lane: so that they do not close gaps all in the same step.
  double turn = 0;
};

enum class RowPart { Keys, Values };

/// Bytes that a bounded lane holds for keys and values once it has all its rows: what
/// KvLane::bytes() says then.
uint64_t full_bytes(const KvShape& shape);

class KvLane {
 public:
  /// `kernels` and `rotary` must outlive the lane; `rotary` must have grown to every position that
  /// is used: of the text, or RotaryFrames::positions(most_rows, rows held) once a row has left.
  KvLane(const KvShape& shape, const Kernels& kernels, const RotaryTable& rotary);

  /// Room for `rows` rows. Grows by doubling, never past most_rows.
  void reserve(size_t rows);
  /// Appends a row; there must be room. `keys` are un-rotated; [heads * head_dim] both.
  void append(Position position, std::span<const float> keys, std::span<const float> values);
  /// Weights of a step, [slot], added to the sums of the first weights.size() slots.
  void add_weights(std::span<const float> weights) { slots_.add_weights(weights); }
  void evict(Slot slot) { evict({&slot, 1}); }
  /// Several at once, in time order.
  void evict(std::span<const Slot> slots);

  /// Queries see the slots frame by frame; one frame under original positions.
  size_t frames() const;
  SlotRange slots_of(size_t frame) const;
  /// Rotates the query of a step that sees the first `rows` slots, its own row the last of them,
  /// for the keys of a frame.
  void rotate_query(std::span<const float> query, size_t rows, size_t frame,
                    std::span<float> out) const;
  /// scores(query, slot) = scale * (query . key of KV head `head`) for the slots of the range;
  /// other columns are left as they are. Queries are rotated for the frame that the range lies in,
  /// [query, head_dim]. scores: [query, slot]. Slots behind the range, up to `ahead`, are needed
  /// next.
  void scores(size_t head, GridView<const float> queries, SlotRange range, float scale,
              GridView<float> scores, size_t ahead = 0) const;
  /// The same for rows wherever they are: scores(query, i) of the key in rows[i] of slots().rows(),
  /// which lie in one frame.
  void scores_of_rows(size_t head, GridView<const float> queries, std::span<const uint32_t> rows,
                      float scale, GridView<float> scores) const;
  /// out(query, d) += sum over the slots of the range of weights(query, slot) *
  /// value[slot][first_channel + d], in time order.
  void add_weighted_sum(size_t head, GridView<const float> weights, SlotRange range,
                        size_t first_channel, GridView<float> out) const;
  /// The same over rows wherever they are, weights(query, i) being that of rows[i].
  void add_weighted_sum_of_rows(size_t head, GridView<const float> weights,
                                std::span<const uint32_t> rows, size_t first_channel,
                                GridView<float> out) const;

  /// Asks the processor for the first rows of a range that is read next: a kernel looks ahead from
  /// its first rows on.
  void ask_for(RowPart part, size_t head, SlotRange range) const;

  /// Asks for what the next departure reads, if it is where the last one was, or one slot on.
  void ask_for_departure() const;

  const SlotTable& slots() const { return slots_; }
  uint64_t bytes() const;  // allocated for keys and values
  uint64_t bytes_held_by_row()
      const;  // keys as they are rotated, un-rotated ones where they are kept, values
  uint64_t bytes_read_of_row() const { return 2 * row_bytes(); }  // by a query

 private:
  std::byte* row_of(const AlignedBytes& rows, size_t row) const;
  size_t row_length() const { return shape_.heads * shape_.head_dim; }
  size_t row_bytes() const;
  void store(std::span<const float> values, std::byte* to) const;
  void rotate(size_t slot);
  void rotate_again(const SlotRange& range);
  void close_up(const SlotRange& range);
  void close_gaps();
  void tidy_after(size_t evictions);
  size_t position_of(size_t slot) const;

  KvShape shape_;
  const Kernels& kernels_;
  const RotaryTable& rotary_;
  SlotTable slots_;
  RotaryFrames frames_;  // of rank positions
  size_t capacity_ = 0;  // rows at once
  size_t room_ = 0;      // rows and gaps
  // Behind the slots that were last rotated anew, if those were few; else behind all.
  size_t behind_rotated_ = SIZE_MAX;
  size_t next_tidy_ = 0;  // evictions until gaps are closed; 0 = where room runs out
  AlignedBytes raw_keys_, rotated_keys_,
      values_;  // [row, heads, head_dim]; raw_keys_ one row under original positions
  std::vector<float> raw_, rotated_;  // [heads, head_dim]
};

}  // namespace dendrokv
