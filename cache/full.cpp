// The cache of an unchanged model: every row stays. The reference that all other policies are
// measured against.

#include "cache/make_policy.h"

namespace dendrokv {
namespace {

class Full final : public Policy {
 public:
  std::optional<Decision> step(const LaneView&) override { return std::nullopt; }
};

}  // namespace

std::unique_ptr<Policy> make_full(const Spec&) {
  return std::make_unique<Full>();
}

}  // namespace dendrokv
