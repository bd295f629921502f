#include "data/retention_check.h"

#include <vector>

#include "data/error.h"
#include "data/retention.h"

namespace dendrokv {
namespace {

int64_t tokens_of(const LaneRecord& lane) {
  return static_cast<int64_t>(lane.evict_step.size());
}

/// What is wrong with the rival of position `p`; empty = nothing.
std::string rival_fault(const LaneRecord& lane, size_t p) {
  const int64_t winner = lane.rival[p], step = lane.evict_step[p];
  if (winner == -1) return {};
  // Text is made of a fault only: records have a hundred million entries.
  const auto found = [&] { return "rival is " + std::to_string(winner); };
  if (winner < 0 || winner >= tokens_of(lane))
    return found() + ", wanted -1 or a position below " + std::to_string(tokens_of(lane));
  if (step < 0) return found() + " of a position that never left";
  if (winner == static_cast<int64_t>(p)) return found() + ", the position itself";
  if (winner > step) return found() + ", which had not arrived at step " + std::to_string(step);
  const int64_t winner_step = lane.evict_step[static_cast<size_t>(winner)];
  if (winner_step >= 0 && winner_step < step)
    return found() + ", which left at step " + std::to_string(winner_step) + ", before step " +
           std::to_string(step);
  return {};
}

/// What is wrong with position `p`; empty = nothing.
std::string fault_of(const LaneRecord& lane, size_t p) {
  const std::span<const std::string_view> reasons = reason_names();
  const int64_t step = lane.evict_step[p];
  const uint8_t reason = lane.reason[p];
  if (step < -1 || step >= tokens_of(lane))
    return "evict_step is " + std::to_string(step) + ", wanted -1 or a step below " +
           std::to_string(tokens_of(lane));
  if (step >= 0 && step < static_cast<int64_t>(p))
    return "evict_step is " + std::to_string(step) + ", before the position arrives";
  if (reason >= reasons.size())
    return "reason is " + std::to_string(reason) + ", wanted less than " +
           std::to_string(reasons.size());
  const bool reason_of_departure = reason >= static_cast<uint8_t>(Reason::Lost);
  if (reason_of_departure != (step >= 0))
    return "reason is '" + std::string(reasons[reason]) + "' with evict_step " +
           std::to_string(step);
  return rival_fault(lane, p);
}

/// A position whose chain of rivals comes back to it; size() = none. Chains cross no step backwards
/// (see rival_fault), but duels of one step could still form a ring.
size_t ring_in(std::span<const int32_t> rival) {
  const auto none = static_cast<uint32_t>(rival.size());
  std::vector<uint32_t> walk_of(rival.size(), none);
  for (uint32_t start = 0; start < none; ++start) {
    size_t p = start;
    while (walk_of[p] == none) {
      walk_of[p] = start;
      if (rival[p] < 0) break;
      p = static_cast<size_t>(rival[p]);
      if (walk_of[p] == start) return p;
    }
  }
  return rival.size();
}

}  // namespace

void check_lane(const std::string& subject, const LaneRecord& lane) {
  for (size_t p = 0; p < lane.evict_step.size(); ++p) {
    const std::string fault = fault_of(lane, p);
    if (!fault.empty()) fail(subject + ", position " + std::to_string(p), fault);
  }
  const size_t ring = ring_in(lane.rival);
  if (ring < lane.rival.size())
    fail(subject + ", position " + std::to_string(ring), "its chain of rivals comes back to it");
}

}  // namespace dendrokv
