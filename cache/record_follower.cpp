#include "cache/record_follower.h"

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "cache/checks.h"

namespace dendrokv {
namespace {

std::string place_text(Layer layer, Lane lane, Step step) {
  return lane_text(layer.value, lane.value) + ", step " + std::to_string(step.value);
}

/// How many weights a score adds up.
uint32_t weights_in_score(const PolicyShape& shape, uint32_t tokens) {
  return shape.growth == ScoreGrowth::WithLife ? tokens : std::max(shape.window, 1u);
}

/// What left a lane at a step by the record, in time order.
std::vector<Position> victims_on_record(const Run& run, Layer layer, Lane lane, Step step,
                                        std::span<const Position> rows) {
  const auto steps = run.retention.evict_step(layer, lane);
  std::vector<Position> victims;
  for (const Position position : rows)
    if (steps[position.index()] == static_cast<int32_t>(step.value)) victims.push_back(position);
  return victims;
}

bool holds(std::span<const Position> sorted, Position position) {
  return std::ranges::binary_search(sorted, position);
}

}  // namespace

bool ScoreNoise::covers(float a, float b) const {
  if (std::isnan(a) || std::isnan(b)) return std::isnan(a) == std::isnan(b);
  return std::fabs(a - b) <= relative * std::max(std::fabs(a), std::fabs(b)) + absolute;
}

// Half floats round by 2^-11 of a number and 3e-8 at the least, u8 by 2.2 % and 1.8e-5; twice that
// for a difference, and some for the sums. Floats: another order of additions. Keys and values are
// half floats beside half floats and u8, and their scores may be differences of large numbers.
ScoreNoise score_noise(const TraceInfo& info, const PolicyShape& shape) {
  const InputSet inputs = shape.inputs;
  const bool of_rows = inputs.has(Input::Keys) || inputs.has(Input::Values);
  if (info.encoding == Encoding::F32) return {1e-4f, of_rows ? 1e-5f : 1e-9f};
  const float of_keys = of_rows ? 4e-3f : 0.0f;
  const auto weights = static_cast<float>(weights_in_score(shape, info.tokens));
  if (info.encoding == Encoding::F16) return {3e-3f, of_keys + 2e-7f * weights};
  return {6e-2f, of_keys + 4e-5f * weights};
}

RecordFollower::RecordFollower(std::unique_ptr<Policy> policy, const PolicyShape& shape,
                               Layer layer, Lane lane, uint32_t tokens, const RecordedRows& rows,
                               const Run& run, ScoreNoise noise)
    : replay_(std::move(policy), shape, layer, lane, tokens, rows),
      run_(run),
      noise_(noise),
      pairs_(shape.contest == Contest::Pair || shape.contest == Contest::CursorPair),
      together_(shape.deciding == Deciding::LayerTogether) {}

std::string RecordFollower::decide(Step step) {
  const std::vector<Position> wanted =
      victims_on_record(run_, replay_.layer(), replay_.lane(), step, replay_.positions());
  const std::span<const Eviction> proposed = replay_.propose();
  std::string fault = compare(proposed, wanted);
  if (!fault.empty()) return place_text(replay_.layer(), replay_.lane(), step) + ": " + fault;
  departures_ += wanted.size();
  replay_.evict(wanted);
  return {};
}

std::string RecordFollower::compare(std::span<const Eviction> proposed,
                                    std::span<const Position> wanted) {
  size_t others = 0;
  for (const Eviction& eviction : proposed) {
    if (holds(wanted, eviction.victim)) {
      const std::string fault = compare_one(eviction);
      if (!fault.empty()) return fault;
      continue;
    }
    ++others;
    if (!noise_.covers(eviction.score, eviction.rival_score) && !shared_out(others))
      return "position " + std::to_string(eviction.victim.value) + " should have left with score " +
             std::to_string(eviction.score) + " against " + std::to_string(eviction.rival_score);
  }
  for (const Position position : wanted) {
    const auto is_it = [&](const Eviction& eviction) { return eviction.victim == position; };
    if (std::ranges::any_of(proposed, is_it)) continue;
    ++others;
    if (!noise_.covers(score(position), rival_score(position)) && !shared_out(others))
      return "position " + std::to_string(position.value) + " left, which the policy keeps";
  }
  if (others == 0) return {};
  if (std::isnan(proposed.empty() ? score(wanted[0]) : proposed[0].score))
    return "other rows left than the rule says, which compares nothing";
  ++near_ties_;
  lost_ = !replay_.can_follow_a_record();
  return {};
}

/// Of rows that a layer's lanes share out, a near tie in another lane moves one from here to
/// there.
bool RecordFollower::shared_out(size_t others) const {
  return together_ && others <= 2;
}

std::string RecordFollower::compare_one(const Eviction& eviction) const {
  const Position position = eviction.victim;
  const int32_t rival = run_.retention.rival(replay_.layer(), replay_.lane())[position.index()];
  const std::string subject = "position " + std::to_string(position.value);
  if (!noise_.covers(score(position), eviction.score))
    return subject + " has score " + std::to_string(score(position)) + ", recounted " +
           std::to_string(eviction.score);
  if (!noise_.covers(rival_score(position), eviction.rival_score) && !together_)
    return subject + " has rival_score " + std::to_string(rival_score(position)) + ", recounted " +
           std::to_string(eviction.rival_score);
  // Of more than two rows that compare, the next after the victim may be a near tie.
  const bool certain = pairs_ || std::isnan(eviction.score) || (rival < 0) != (eviction.rival < 0);
  if (rival != eviction.rival && certain)
    return subject + " lost to " + std::to_string(rival) + ", by the rule to " +
           std::to_string(eviction.rival);
  return {};
}

float RecordFollower::score(Position position) const {
  return run_.retention.score(replay_.layer(), replay_.lane())[position.index()];
}

float RecordFollower::rival_score(Position position) const {
  return run_.retention.rival_score(replay_.layer(), replay_.lane())[position.index()];
}

}  // namespace dendrokv
