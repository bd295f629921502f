#include "model/rotary_frames.h"

#include <algorithm>

#include "data/error.h"

namespace dendrokv {

namespace {

// A frame costs a rotation of each query and a started vector of scores at every step, some 0.5 us,
// as much as rotating 16 rows.
constexpr size_t kFewestRows = 4;
// Of a lane without a bound of its own: nothing leaves it, or so seldom that the rotations do not
// matter.
constexpr size_t kUnboundedRows = 1024;
// Rows of a moving window are gone before their offset grows to twice the rows of the lane; what
// stays longer is brought back.
constexpr size_t kMostWindows = 3;

size_t fresh_offset(size_t most_rows) {
  return most_rows == 0 ? kUnboundedRows : most_rows;
}

}  // namespace

RotaryFrames::RotaryFrames(size_t most_rows)
    : fresh_offset_(fresh_offset(most_rows)),
      most_offset_(kMostWindows * fresh_offset_),
      frames_{{0, 0}} {
  frames_.reserve(kMostFrames + 2);
  again_.reserve(kMostFrames + 2);
}

size_t RotaryFrames::positions(size_t most_rows, size_t rows) {
  return rows + kMostWindows * fresh_offset(most_rows) + 1;
}

void RotaryFrames::append() {
  if (frames_.back().offset >= fresh_offset_) frames_.push_back({slots_, 0});
  ++slots_;
}

std::span<const SlotRange> RotaryFrames::evict(Slot slot) {
  DENDROKV_ASSERT(slot.index() < slots_);
  again_.clear();
  const size_t frame = frame_of(slot.index());
  for (size_t later = frame + 1; later < frames_.size(); ++later) {
    --frames_[later].first;
    ++frames_[later].offset;
  }
  --slots_;
  cut(frame, slot.index());
  join_small_frames();
  bring_back_far_frames();
  return again_;
}

SlotRange RotaryFrames::slots_of(size_t frame) const {
  return {frames_[frame].first, frame + 1 < frames_.size() ? frames_[frame + 1].first : slots_};
}

size_t RotaryFrames::position_of(size_t slot) const {
  return slot + frames_[frame_of(slot)].offset;
}

size_t RotaryFrames::frame_of(size_t slot) const {
  size_t frame = frames_.size() - 1;
  while (frames_[frame].first > slot) --frame;
  return frame;
}

// `slot` has left; the slots of later frames are counted without it, the frame's own end with them.
void RotaryFrames::cut(size_t frame, size_t slot) {
  const auto [first, end] = slots_of(frame);
  if (first == end) {
    if (frames_.size() > 1) frames_.erase(frames_.begin() + static_cast<std::ptrdiff_t>(frame));
  } else if (slot == first) {
    ++frames_[frame].offset;
  } else if (slot < end) {
    frames_.insert(frames_.begin() + static_cast<std::ptrdiff_t>(frame) + 1,
                   {slot, frames_[frame].offset + 1});
  }
}

// The last frame is left alone: it grows. The first is small where there are few sinks, and does
// not go away by being joined.
void RotaryFrames::join_small_frames() {
  const auto rows = [&](size_t frame) { return slots_of(frame).end - frames_[frame].first; };
  for (size_t frame = 1; frame + 1 < frames_.size();) {
    if (rows(frame) < kFewestRows || frames_[frame].offset == frames_[frame - 1].offset) {
      join(frame, frame - 1);
    } else {
      ++frame;
    }
  }
  while (frames_.size() > kMostFrames) {
    size_t smallest = 0;
    for (size_t frame = 1; frame + 1 < frames_.size(); ++frame)
      if (rows(frame) < rows(smallest)) smallest = frame;
    join(smallest, smallest == 0 ? 1 : smallest - 1);
  }
}

void RotaryFrames::bring_back_far_frames() {
  for (size_t frame = 0; frame < frames_.size(); ++frame) {
    if (frames_[frame].offset < most_offset_) continue;
    frames_[frame].offset = 0;
    again_.push_back(slots_of(frame));
  }
}

void RotaryFrames::join(size_t frame, size_t neighbour) {
  if (frames_[frame].offset != frames_[neighbour].offset) again_.push_back(slots_of(frame));
  frames_[std::max(frame, neighbour)].offset = frames_[neighbour].offset;
  frames_[std::min(frame, neighbour)].offset = frames_[neighbour].offset;
  frames_.erase(frames_.begin() + static_cast<std::ptrdiff_t>(std::max(frame, neighbour)));
}

}  // namespace dendrokv
