// StreamingLLM (Xiao et al., ICLR 2024, arXiv 2309.17453, section 3.2): the first `sinks` rows and
// the last `recent` ones.
//
//   step(n rows):  if n > sinks + recent: evict row `sinks`, the oldest that is neither
//
// No scores; all lanes keep the same tokens. Positions are ranks in the cache, as in the paper (its
// figure 4).

#include <array>

#include "cache/policy_options.h"
#include "cache/policy_rows.h"

namespace dendrokv {
namespace {

class Streaming final : public OneAtATime {
 public:
  Streaming(uint64_t sinks, uint64_t recent) : sinks_(sinks), budget_(sinks + recent) {}

 private:
  std::optional<Decision> choose(const LaneView& lane) override {
    if (lane.position.size() <= budget_) return std::nullopt;
    return dropped_by_rule(Slot(sinks_));
  }

  uint64_t sinks_, budget_;
};

constexpr std::array kOptions{
    sinks_option("4"), recent_option("1020", 1), kBudgetOption,
    kBudgetMapOption,  positions_option("rank"),
};

}  // namespace

const PolicyRow kStreamingRow{
    .spec = {"streaming", "StreamingLLM: keeps the first rows and the last ones", kOptions},
    .paper = "Xiao et al., ICLR 2024, arXiv 2309.17453",
    .budget_key = "recent",
    .shape = shape_of_options,
    .make = [](const Spec& spec, const LanePlace&) -> std::unique_ptr<Policy> {
      return std::make_unique<Streaming>(spec.count("sinks"), spec.count("recent"));
    },
};

}  // namespace dendrokv
