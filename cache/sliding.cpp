// Window attention: the last `capacity` rows.
//
//   step(n rows):  if n > capacity: evict row 0
//
// The floor that StreamingLLM (Xiao et al., ICLR 2024, arXiv 2309.17453, section 3.1) shows to
// collapse once the first tokens, which collect much attention whatever they say, have left the
// window.

#include <limits>

#include "cache/make_policy.h"

namespace dendrokv {
namespace {

class Sliding final : public Policy {
 public:
  explicit Sliding(uint64_t capacity) : capacity_(capacity) {}

  std::optional<Decision> step(const LaneView& lane) override {
    if (lane.position.size() <= capacity_) return std::nullopt;
    constexpr float kNone = std::numeric_limits<float>::quiet_NaN();
    return Decision{Slot(0), std::nullopt, kNone, kNone, Reason::Rule};
  }

 private:
  uint64_t capacity_;
};

}  // namespace

std::unique_ptr<Policy> make_sliding(const Spec& spec) {
  return std::make_unique<Sliding>(spec.count("capacity"));
}

}  // namespace dendrokv
