// The context shift of llama.cpp: what most local programs do with a full cache.
//
//   step(n rows):  if n > sinks + capacity: evict half of the rows behind the sinks, the oldest
//
// llama.cpp moves the kept keys to their new places by a further rotation, which drifts; here they
// are rotated anew (positions=rank), so a run shows what the choice of rows costs, not the drift.

#include <array>

#include "cache/policy_options.h"
#include "cache/policy_rows.h"

namespace dendrokv {
namespace {

class ContextShift final : public Policy {
 public:
  ContextShift(uint64_t sinks, uint64_t budget) : sinks_(sinks), budget_(budget) {}

  std::span<const Decision> step(const LaneView& lane) override {
    decisions_.clear();
    const size_t rows = lane.position.size();
    if (rows <= budget_) return {};
    for (size_t slot = sinks_; slot < sinks_ + (rows - sinks_) / 2; ++slot)
      decisions_.push_back(dropped_by_rule(Slot(slot)));
    return decisions_;
  }

 private:
  uint64_t sinks_, budget_;
  std::vector<Decision> decisions_;
};

constexpr std::array kOptions{
    count_option("capacity", "rows behind the sinks before half of them leave", "1020", 1),
    count_option("sinks", "rows at the start that never leave (n_keep)", "4", 0),
    kBudgetOption,
    positions_option("rank"),
};

PolicyShape shape(const Spec& spec) {
  PolicyShape shape = shape_of_options(spec);
  shape.fewest_kept = shape.budget + 1 - (spec.count("capacity") + 1) / 2;
  return shape;
}

}  // namespace

const PolicyRow kContextShiftRow{
    .spec = {"context-shift", "drops the older half when full, as llama.cpp does", kOptions},
    .paper = "llama.cpp, context shift",
    .budget_key = "capacity",
    .shape = shape,
    .make = [](const Spec& spec, const LanePlace&) -> std::unique_ptr<Policy> {
      return std::make_unique<ContextShift>(spec.count("sinks"),
                                            spec.count("sinks") + spec.count("capacity"));
    },
};

}  // namespace dendrokv
