#pragma once
// Who works on which lane, where each lane must take its tokens one after the other.

#include <cstddef>
#include <mutex>
#include <optional>
#include <vector>

namespace dendrokv {

/// Deals out runs of tokens of lanes. A lane is in one hand at a time and its tokens come in order;
/// hands change at the end of a run. With three lanes for two threads each thread takes a lane, and
/// the one that is ahead by half a block turns to the lane that is behind: both are busy all the
/// time, where whole lanes would leave one of them idle for a third of it. A thread stays with its
/// lane otherwise, whose rows are in its cache.
class LaneOrder {
 public:
  LaneOrder(size_t lanes, size_t tokens, size_t tokens_of_run)
      : tokens_(tokens), tokens_of_run_(tokens_of_run), lanes_(lanes) {}

  struct Run {
    size_t lane;
    size_t first, end;  // tokens
  };
  /// The next run for the one who has done `done` (nothing at first). Nothing: no lane is free that
  /// has tokens left.
  std::optional<Run> next(const std::optional<Run>& done);

 private:
  struct State {
    size_t next = 0;  // token
    enum class Hands { Free, Taken } hands = Hands::Free;
  };
  const State* furthest_behind() const;

  const size_t tokens_, tokens_of_run_;
  std::mutex mutex_;
  std::vector<State> lanes_;
};

}  // namespace dendrokv
