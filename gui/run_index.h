#pragma once
// A run at any step: its lanes, each indexed (gui/lane_index.h) when it is first asked for.

#include <atomic>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "data/retention.h"
#include "data/trace.h"
#include "gui/lane_index.h"
#include "gui/lane_state.h"

namespace dendrokv {

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
  /// census() of token_states(), and the first position of the tree; in time proportional to what
  /// is kept.
  struct Standing {
    Census counts;
    std::optional<Position> oldest_in_tree;
  };
  Standing standing(LaneId id, Step step) const;
  /// Where a kept position stands.
  Place place(Position position, Step step) const;

 private:
  const Run& run_;
  mutable std::vector<std::atomic<const LaneIndex*>> lanes_;  // [layer * lanes + lane]; owned
};

/// Of each number of lanes, how many of the positions read by the end of `step` that many of
/// `lanes` keep: [lanes.size() + 1].
std::vector<uint32_t> positions_by_keepers(const RunIndex& index, std::span<const LaneId> lanes,
                                           Step step);

/// A set of lanes over columns of `factor` positions, after a step.
struct Overlay {
  std::vector<float> kept_fraction;  // of the (lane, position) pairs read so far; NaN = none
  std::vector<float> mean_level;     // of the kept pairs; NaN = none kept
};
Overlay overlay(const RunIndex& index, std::span<const LaneId> lanes, IndexRange positions,
                size_t factor, Step step);

}  // namespace dendrokv
