// StreamingLLM (Xiao et al., ICLR 2024, arXiv 2309.17453, section 3.2): the first `sinks` rows and
// the last `recent` ones.
//
//   step(n rows):  if n > sinks + recent: evict row `sinks`, the oldest that is neither
//
// No scores; all lanes keep the same tokens. Positions are ranks in the cache, as in the paper (its
// figure 4).

#include <limits>

#include "cache/make_policy.h"

namespace dendrokv {
namespace {

class Streaming final : public Policy {
 public:
  Streaming(uint64_t sinks, uint64_t recent) : sinks_(sinks), budget_(sinks + recent) {}

  std::optional<Decision> step(const LaneView& lane) override {
    if (lane.position.size() <= budget_) return std::nullopt;
    constexpr float kNone = std::numeric_limits<float>::quiet_NaN();
    return Decision{Slot(sinks_), std::nullopt, kNone, kNone, Reason::Rule};
  }

 private:
  uint64_t sinks_, budget_;
};

}  // namespace

std::unique_ptr<Policy> make_streaming(const Spec& spec) {
  return std::make_unique<Streaming>(spec.count("sinks"), spec.count("recent"));
}

}  // namespace dendrokv
