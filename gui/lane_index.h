#pragma once
// What one lane of a run kept, at any step, in time that depends neither on the step nor on the
// length of the text.
//
// Under one-way eviction a lane's record is two numbers per position: when it left, and to whom it
// lost. From them the index keeps, once and for all, (1) the kept positions at every so-manieth
// step and (2) for each position the rivals that it outlived. The kept set after a step is then a
// short list filtered, a level is a place in a short sorted list, and a subtree is walked from its
// root. The index takes about five bytes a position beside the record of steps.

#include <algorithm>
#include <span>
#include <vector>

#include "data/ids.h"
#include "data/trace.h"
#include "gui/packed_numbers.h"

namespace dendrokv {

class LaneIndex {
 public:
  /// [position]. Borrows `evict_step`, which outlives the index.
  LaneIndex(std::span<const int32_t> evict_step, std::span<const int32_t> rival);

  bool kept(Position position, Step step) const {
    return position.value <= step.value && stays(position.value, static_cast<int32_t>(step.value));
  }
  /// Rivals that a position has outlived by the end of `step`.
  uint16_t level(Position position, Step step) const;
  /// The same rivals, in the order in which they left.
  std::vector<Position> outlived(Position position, Step step) const;
  /// Those, those that they had outlived, and so on, in time order: as descendants() of
  /// data/lineage.h, in time proportional to their number and their spread over the text.
  std::vector<Position> descendants(Position position, Step step) const;
  /// Positions of the range that are in the cache after `step`, rising, as body(position).
  template <class Body>
  void for_each_kept(IndexRange positions, Step step, const Body& body) const;
  size_t bytes() const;

 private:
  bool stays(uint32_t position, int32_t step) const {
    const int32_t left = evict_step_[position];
    return left < 0 || left > step;
  }
  /// First place in outlived_ of the rivals of a position; of the position after the last: the end.
  size_t rivals_from(size_t position) const {
    return block_start_[position / kBlock] + start_in_block_[position];
  }
  /// Places in outlived_ of those that had left by then.
  IndexRange rivals_gone(uint32_t position, int32_t step) const;
  void index_rivals(std::span<const int32_t> rival);
  void list_kept();

  static constexpr size_t kBlock = 16;
  std::span<const int32_t> evict_step_;
  uint32_t stride_ = 1;               // steps between two lists of kept positions
  std::vector<uint32_t> list_start_;  // [list + 1] list l: kept after step l * stride_
  PackedNumbers listed_;
  std::vector<uint32_t> block_start_;
  PackedNumbers start_in_block_;  // [position + 1]
  PackedNumbers outlived_;        // the rivals of each position, in the order in which they left
};

template <class Body>
void LaneIndex::for_each_kept(IndexRange positions, Step step, const Body& body) const {
  const auto end = static_cast<uint32_t>(
      std::min<size_t>({positions.first + positions.count, evict_step_.size(), step.index() + 1}));
  const auto first = static_cast<uint32_t>(std::min<size_t>(positions.first, end));
  const size_t list = std::min<size_t>(step.value / stride_, list_start_.size() - 2);
  size_t at = list_start_[list];
  const size_t list_end = list_start_[list + 1];
  for (size_t rest = list_end - at; rest > 0;) {  // to the first that is not before the range
    const size_t half = rest / 2;
    const bool before = listed_[at + half] < first;
    at += before ? half + 1 : 0;
    rest = before ? rest - half - 1 : half;
  }
  const auto now = static_cast<int32_t>(step.value);
  for (; at != list_end && listed_[at] < end; ++at)
    if (stays(listed_[at], now)) body(Position(listed_[at]));
  const uint32_t arrived = static_cast<uint32_t>(list) * stride_ + 1;  // after the list was made
  for (uint32_t p = std::max(first, arrived); p < end; ++p)
    if (stays(p, now)) body(Position(p));
}

}  // namespace dendrokv
