#include "cache/policy.h"

#include "data/error.h"

namespace dendrokv {

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
