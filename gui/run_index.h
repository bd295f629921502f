#pragma once
// What a run kept, at any step, in time that depends neither on the step nor on the length of the text.
//
// Under one-way eviction a lane's record is two numbers per position: when it left, and to whom it lost. From them a lane's index
// keeps, once and for all, (1) the kept positions at every so-manieth step and (2) for each position the steps at which its rivals
// left. The kept set after a step is then a short list filtered, and a level is a place in a short sorted list.

#include <algorithm>
#include <atomic>
#include <memory>
#include <mutex>
#include <span>
#include <vector>

#include "data/retention.h"
#include "data/trace.h"
#include "gui/lane_state.h"

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
  /// Positions of the range that are in the cache after `step`, rising, as body(position).
  template <class Body>
  void for_each_kept(IndexRange positions, Step step, const Body& body) const;
  size_t bytes() const;

 private:
  bool stays(uint32_t position, int32_t step) const {
    const int32_t left = evict_step_[position];
    return left < 0 || left > step;
  }
  void index_rivals(std::span<const int32_t> rival);
  void list_kept();

  std::span<const int32_t> evict_step_;
  uint32_t stride_ = 1;               // steps between two lists of kept positions
  std::vector<uint32_t> list_start_;  // [list + 1] list l: kept after step l * stride_
  std::vector<uint32_t> listed_;
  std::vector<uint32_t> beaten_start_;  // [position + 1]
  std::vector<int32_t> beaten_step_;    // steps at which its rivals left, rising
};

/// The lanes of one run, each indexed when it is first asked for. Any thread may ask.
class RunIndex {
 public:
  /// Borrows the run.
  explicit RunIndex(const Run& run);
  ~RunIndex();
  RunIndex(const RunIndex&) = delete;
  RunIndex& operator=(const RunIndex&) = delete;

  const Run& run() const { return run_; }
  const LaneIndex& lane(LaneId id) const;
  TokenState state(LaneId id, Position position, Step step) const;
  /// The same as token_states() of that range.
  std::vector<TokenState> states(LaneId id, IndexRange positions, Step step) const;
  /// token_states() of the whole lane; the last answer is kept, as moving about the text asks for it again and again.
  std::shared_ptr<const std::vector<TokenState>> all_states(LaneId id, Step step) const;
  /// Where a kept position stands.
  Place place(Position position, Step step) const;

 private:
  const Run& run_;
  mutable std::vector<std::atomic<const LaneIndex*>> lanes_;  // [layer * lanes + lane]; owned
  mutable std::mutex mutex_;  // of what follows
  mutable LaneId last_lane_;
  mutable Step last_step_;
  mutable std::shared_ptr<const std::vector<TokenState>> last_states_;
};

/// A set of lanes over columns of `factor` positions, after a step.
struct Overlay {
  std::vector<float> kept_fraction;  // of the (lane, position) pairs read so far; NaN = none
  std::vector<float> mean_level;     // of the kept pairs; NaN = none kept
};
Overlay overlay(const RunIndex& index, std::span<const LaneId> lanes, IndexRange positions,
                size_t factor, Step step);

template <class Body>
void LaneIndex::for_each_kept(IndexRange positions, Step step, const Body& body) const {
  const auto end = static_cast<uint32_t>(
      std::min<size_t>({positions.first + positions.count, evict_step_.size(), step.index() + 1}));
  const auto first = static_cast<uint32_t>(std::min<size_t>(positions.first, end));
  const size_t list = std::min<size_t>(step.value / stride_, list_start_.size() - 2);
  const auto from = listed_.begin() + list_start_[list], to = listed_.begin() + list_start_[list + 1];
  const auto now = static_cast<int32_t>(step.value);
  for (auto at = std::lower_bound(from, to, first); at != to && *at < end; ++at)
    if (stays(*at, now)) body(Position(*at));
  const uint32_t arrived = static_cast<uint32_t>(list) * stride_ + 1;  // after the list was made
  for (uint32_t p = std::max(first, arrived); p < end; ++p)
    if (stays(p, now)) body(Position(p));
}

}  // namespace dendrokv
