#pragma once
// How far keys must be rotated when positions are ranks in the cache, at a few rotations per
// eviction.
//
// An eviction takes one from the rank of every later row. But the score of a query and a key
// depends on the difference of their positions alone, so rows that move together need not be
// touched: it is enough to rotate the query differently for them.
//
//   frame    a run of neighbouring slots whose keys are rotated to slot + offset, with one offset
//            for all
//   query    of rank r: rotated to r + offset for the keys of a frame, once per frame
//   evict    later frames slide: their offset grows by one. The frame of the evicted slot is cut
//            there: what is left of the cut keeps its offset, what is right of it slides.
//   join     a frame too small to be worth the rotations of the query takes the offset of a
//            neighbour: its keys are rotated anew, always from the raw key, so that nothing drifts
//
// Under TreeKV the rows left of the cursor are one frame for the whole pass, the rows right of it
// slide, and the row that the cursor has passed joins those on the left: one rotation per eviction.
// Rows behind the tree slide a pass longer and are a frame of their own. Under StreamingLLM the
// sinks are one frame, all other rows another, and next to nothing is rotated anew. A policy that
// evicts anywhere cuts a frame each time, and the smallest joins its neighbour: one row of 12 at an
// eviction.
//
// Offsets stay bounded, so a table of angles does: a row that is appended when the last offset is
// large opens a frame of offset 0, and a frame that lives longer than any row of a moving window is
// rotated back to 0.

#include <cstddef>
#include <span>
#include <vector>

#include "cache/policy.h"
#include "data/ids.h"

namespace dendrokv {

struct RotaryFrame {
  size_t first;   // slot
  size_t offset;  // of the rotary position of a key from its slot
  bool operator==(const RotaryFrame&) const = default;
};

class RotaryFrames {
 public:
  static constexpr size_t kMostFrames = 4;

  /// most_rows: ever held at once; 0 = unbounded.
  explicit RotaryFrames(size_t most_rows);

  /// One slot more, behind the others.
  void append();
  /// One slot less. Returns the slots, as they are numbered afterwards, whose keys must now be
  /// rotated to position_of(slot); valid until the next call.
  std::span<const SlotRange> evict(Slot slot);

  std::span<const RotaryFrame> frames() const {
    return frames_;
  }  // at least one; the first begins at slot 0
  SlotRange slots_of(size_t frame) const;
  /// What the key of a slot is rotated to.
  size_t position_of(size_t slot) const;
  /// No key, and no query of a rank below `rows`, is ever rotated to this position or beyond.
  /// `most_rows` as above.
  static size_t positions(size_t most_rows, size_t rows);

 private:
  size_t frame_of(size_t slot) const;
  void cut(size_t frame, size_t slot);
  void join_small_frames();
  void bring_back_far_frames();
  void join(size_t frame, size_t neighbour);

  const size_t fresh_offset_, most_offset_;
  size_t slots_ = 0;
  std::vector<RotaryFrame> frames_;
  std::vector<SlotRange> again_;
};

}  // namespace dendrokv
