// LaCache (Shi et al., ICML 2025, arXiv 2507.14204; the authors' program GATECH-EIC/LaCache): a
// ladder over the layers. Neighbouring rows are thinned to different tokens in different layers, so
// that together the layers still hold the text; what was thinned is thinned again.
//
//   group = 1 + ceil((layers - span) / (span - overlap))   rows that a rung is cut from
//   kept  = min(ceil(span / (span - overlap)), group)      of which a layer keeps so many
//   shift = layer mod (group - kept + 1)                   which ones depends on the layer
//   cursor = sinks
//   step(n rows):  if n > budget:
//     if cursor + group > budget + 1 - layers: cursor = sinks    the last `layers` rows stay
//     of rows cursor .. cursor + group - 1 keep [shift, shift + kept), evict the others
//     cursor += kept
//
// No scores. With the default span of 16 and at most 32 layers the group is a pair: TreeKV's moving
// pairs with keep-left in even layers and keep-right in odd ones. The authors' program also raises
// its budget by half of what a cut removes, to make up for the rows that are missing right after
// one; ours never goes over the budget.

#include <algorithm>
#include <array>

#include "cache/policy_options.h"
#include "cache/policy_rows.h"
#include "data/error.h"

namespace dendrokv {
namespace {

struct Ladder {
  size_t group, kept, shift;
};

size_t divide_up(size_t number, size_t by) {
  return (number + by - 1) / by;
}

Ladder ladder_of(const Spec& spec, const LanePlace& place) {
  const size_t span = std::min<uint64_t>(spec.count("span"), place.layers);
  const size_t advance = span - std::min<uint64_t>(spec.count("overlap"), span - 1);
  Ladder ladder{};
  ladder.group = std::max<size_t>(2, 1 + divide_up(place.layers - span, advance));
  ladder.kept = std::min(divide_up(span, advance), ladder.group - 1);
  ladder.shift = place.layer.index() % (ladder.group - ladder.kept + 1);
  return ladder;
}

class LaCache final : public Policy {
 public:
  LaCache(const Ladder& ladder, size_t sinks, size_t budget, size_t tail)
      : ladder_(ladder), sinks_(sinks), end_(budget - tail), budget_(budget), cursor_(sinks) {}

  std::span<const Decision> step(const LaneView& lane) override {
    decisions_.clear();
    if (lane.position.size() <= budget_) return {};
    if (cursor_ + ladder_.group > end_ + 1) cursor_ = sinks_;
    for (size_t rung = 0; rung < ladder_.group; ++rung)
      if (rung < ladder_.shift || rung >= ladder_.shift + ladder_.kept)
        decisions_.push_back(dropped_by_rule(Slot(cursor_ + rung)));
    cursor_ += ladder_.kept;
    return decisions_;
  }

 private:
  Ladder ladder_;
  size_t sinks_, end_, budget_, cursor_;
  std::vector<Decision> decisions_;
};

constexpr std::array kOptions{
    count_option("capacity", "rows of the ladder", "1020", 2),
    sinks_option("4"),
    kBudgetOption,
    count_option("span", "layers in a row that keep the same tokens", "16", 1),
    count_option("overlap", "layers that two rungs have in common", "0", 0),
    positions_option("original"),
};

void check(const std::string& subject, const Spec& spec) {
  if (spec.count("overlap") >= spec.count("span"))
    fail(subject, "overlap=" + std::to_string(spec.count("overlap")),
         "wanted less than span=" + std::to_string(spec.count("span")));
}

std::unique_ptr<Policy> make(const Spec& spec, const LanePlace& place) {
  const Ladder ladder = ladder_of(spec, place);
  const uint64_t capacity = spec.count("capacity");
  if (capacity < place.layers + ladder.group)
    fail("policy '" + spec.text() + "'",
         "capacity=" + std::to_string(capacity) + " in a model of " + std::to_string(place.layers) +
             " layers",
         "wanted at least " + std::to_string(place.layers + ladder.group) +
             ": one row per layer and a rung");
  const uint64_t sinks = spec.count("sinks");
  return std::make_unique<LaCache>(ladder, sinks, sinks + capacity, place.layers);
}

PolicyShape shape(const Spec& spec) {
  PolicyShape shape = shape_of_options(spec);
  shape.fewest_kept = shape.sinks;  // a rung may be long in a model of many layers
  return shape;
}

}  // namespace

const PolicyRow kLaCacheRow{
    .spec = {"lacache", "LaCache: thins old rows to other tokens in each layer, a ladder",
             kOptions},
    .paper = "Shi et al., ICML 2025, arXiv 2507.14204",
    .budget_key = "capacity",
    .shape = shape,
    .make = make,
    .check = check,
};

}  // namespace dendrokv
