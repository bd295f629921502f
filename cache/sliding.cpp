// Window attention: the last `capacity` rows.
//
//   step(n rows):  if n > capacity: evict row 0
//
// The floor that StreamingLLM (Xiao et al., ICLR 2024, arXiv 2309.17453, section 3.1) shows to
// collapse once the first tokens, which collect much attention whatever they say, have left the
// window.

#include <array>

#include "cache/policy_options.h"
#include "cache/policy_rows.h"

namespace dendrokv {
namespace {

class Sliding final : public OneAtATime {
 public:
  explicit Sliding(uint64_t capacity) : capacity_(capacity) {}

 private:
  std::optional<Decision> choose(const LaneView& lane) override {
    if (lane.position.size() <= capacity_) return std::nullopt;
    return dropped_by_rule(Slot(0));
  }

  uint64_t capacity_;
};

constexpr std::array kOptions{
    count_option("capacity", "rows of the window", "1024", 1),
    kBudgetOption,
    positions_option("original"),
};

PolicyShape shape(const Spec& spec) {
  PolicyShape shape = shape_of_options(spec);
  shape.recent = static_cast<uint32_t>(shape.budget);
  return shape;
}

}  // namespace

const PolicyRow kSlidingRow{
    .spec = {"sliding", "keeps the last rows", kOptions},
    .paper = "",
    .budget_key = "capacity",
    .shape = shape,
    .make = [](const Spec& spec, const LanePlace&) -> std::unique_ptr<Policy> {
      return std::make_unique<Sliding>(spec.count("capacity"));
    },
};

}  // namespace dendrokv
