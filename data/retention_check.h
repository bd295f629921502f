#pragma once
// Whether the record of a lane that came from outside can be one.

#include <cstdint>
#include <span>
#include <string>

namespace dendrokv {

/// Of one lane, [position].
struct LaneRecord {
  std::span<const int32_t> evict_step, rival;
  std::span<const uint8_t> reason;
};

/// Throws Error naming `subject` and the first bad position: steps and rivals that there are not, a
/// position that left before it arrived, a reason that does not fit, a rival that left before its
/// victim, a chain of rivals that comes back to where it began.
void check_lane(const std::string& subject, const LaneRecord& lane);

}  // namespace dendrokv
