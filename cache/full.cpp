// The cache of an unchanged model: every row stays. The reference that all other policies are
// measured against.

#include "cache/policy_rows.h"

namespace dendrokv {
namespace {

class Full final : public Policy {
 public:
  std::span<const Decision> step(const LaneView&) override { return {}; }
};

}  // namespace

const PolicyRow kFullRow{
    .spec = {"full", "keeps every row", {}},
    .paper = "",
    .budget_key = "",
    .shape = [](const Spec&) { return PolicyShape{}; },
    .make = [](const Spec&, const LanePlace&) -> std::unique_ptr<Policy> {
      return std::make_unique<Full>();
    },
};

}  // namespace dendrokv
