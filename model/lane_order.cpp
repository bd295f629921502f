#include "model/lane_order.h"

#include <algorithm>

namespace dendrokv {

std::optional<LaneOrder::Run> LaneOrder::next(const std::optional<Run>& done) {
  const std::lock_guard lock(mutex_);
  if (done) lanes_[done->lane] = {done->end, State::Hands::Free};
  const State* behind = furthest_behind();
  if (behind == nullptr) return std::nullopt;
  auto lane = static_cast<size_t>(behind - lanes_.data());
  if (done && done->end < tokens_ && done->end < behind->next + tokens_ / 2) lane = done->lane;
  State& chosen = lanes_[lane];
  chosen.hands = State::Hands::Taken;
  return Run{lane, chosen.next, std::min(chosen.next + tokens_of_run_, tokens_)};
}

const LaneOrder::State* LaneOrder::furthest_behind() const {
  const State* behind = nullptr;
  for (const State& lane : lanes_)
    if (lane.hands == State::Hands::Free && lane.next < tokens_ &&
        (behind == nullptr || lane.next < behind->next))
      behind = &lane;
  return behind;
}

}  // namespace dendrokv
