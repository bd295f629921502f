#include "cache/policy.h"

#include <limits>

#include "data/error.h"

namespace dendrokv {
namespace {

constexpr Input kInputs[] = {Input::ValueNorms,      Input::Keys,  Input::Values, Input::Queries,
                             Input::QueryStatistics, Input::Future};

}  // namespace

std::span<const Input> all_inputs() {
  return kInputs;
}

Decision dropped_by_rule(Slot victim, std::optional<Slot> rival) {
  constexpr float kNone = std::numeric_limits<float>::quiet_NaN();
  return {victim, rival, kNone, kNone, Reason::Rule};
}

std::span<const Decision> OneAtATime::step(const LaneView& lane) {
  decision_ = choose(lane);
  if (!decision_) return {};
  return {&*decision_, 1};
}

Eviction eviction_of(const LaneView& lane, const Decision& decision) {
  DENDROKV_ASSERT(decision.victim.index() < lane.position.size());
  Eviction eviction;
  eviction.victim = lane.position[decision.victim.index()];
  eviction.step = lane.step;
  if (decision.rival) {
    DENDROKV_ASSERT(decision.rival->index() < lane.position.size());
    eviction.rival = static_cast<int32_t>(lane.position[decision.rival->index()].value);
  }
  eviction.score = decision.score;
  eviction.rival_score = decision.rival_score;
  eviction.reason = decision.reason;
  return eviction;
}

}  // namespace dendrokv
