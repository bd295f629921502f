#pragma once
// One lane of a closed loop that decides again over the recorded attention, and goes on with what
// the record says (cache/record_check.h).

#include <memory>
#include <span>
#include <string>

#include "cache/lane_replay.h"
#include "data/retention.h"
#include "data/trace.h"

namespace dendrokv {

/// How far apart two scores may lie that the encoding of the weights they are made of cannot tell
/// apart.
struct ScoreNoise {
  float relative, absolute;

  /// Whether either of two scores may be the larger one; of none, whether both are none.
  bool covers(float a, float b) const;
};

/// Of the scores that a policy makes of the weights in a trace.
ScoreNoise score_noise(const TraceInfo& info, const PolicyShape& shape);

class RecordFollower {
 public:
  RecordFollower(std::unique_ptr<Policy> policy, const PolicyShape& shape, Layer layer, Lane lane,
                 uint32_t tokens, const RecordedRows& rows, const Run& run, ScoreNoise noise);

  LaneReplay& replay() { return replay_; }
  const LaneReplay& replay() const { return replay_; }
  /// False once a near tie has left the policy with numbers of its own for other rows.
  bool followed() const { return !lost_; }
  uint64_t departures() const { return departures_; }
  uint64_t near_ties() const { return near_ties_; }

  /// After the step's attention: compares, and lets go what the record says. What is wrong; empty =
  /// nothing.
  std::string decide(Step step);

 private:
  std::string compare(std::span<const Eviction> proposed, std::span<const Position> wanted);
  std::string compare_one(const Eviction& eviction) const;
  bool shared_out(size_t others) const;
  float score(Position position) const;
  float rival_score(Position position) const;

  LaneReplay replay_;
  const Run& run_;
  ScoreNoise noise_;
  bool pairs_, together_, lost_ = false;
  uint64_t departures_ = 0, near_ties_ = 0;
};

}  // namespace dendrokv
