// A random sample: the floor that every score must beat.
//
// Each position draws a number once, from (seed, layer, lane, position) alone, and the rows with
// the highest ones stay. So the rows between `sinks` and `recent` are, at every step, a uniform
// sample without replacement of all text that has left the recent rows: old and new alike.

#include <array>

#include "cache/policy_rows.h"
#include "cache/random_numbers.h"
#include "cache/scored.h"

namespace dendrokv {
namespace {

constexpr std::array kOptions{
    count_option("capacity", "rows of the sample", "512", 1),
    sinks_option("4"),
    recent_option("508"),
    kBudgetOption,
    kSeedOption,
    positions_option("original"),
    share_option("kv-head"),
};

ScoreRows random_scores(uint64_t seed) {
  return lasting_scores([seed](const LaneView& lane, size_t slot) {
    return static_cast<double>(
        random_bits({seed, lane.layer.value, lane.lane.value, lane.position[slot].value}) >> 11);
  });
}

/// Compares numbers, not attention: the record says "by rule", and holds no scores.
class RandomSample final : public OneAtATime {
 public:
  explicit RandomSample(const Spec& spec)
      : best_(random_scores(spec.count("seed")), keep_best_rules(spec)) {}

 private:
  std::optional<Decision> choose(const LaneView& lane) override {
    const auto decisions = best_.step(lane);
    if (decisions.empty()) return std::nullopt;
    return dropped_by_rule(decisions[0].victim);
  }

  KeepBest best_;
};

}  // namespace

const PolicyRow kRandomRow{
    .spec = {"random", "keeps a uniform sample of all that is not recent", kOptions},
    .paper = "",
    .budget_key = "capacity",
    .shape = shape_of_options,
    .make = [](const Spec& spec, const LanePlace&) -> std::unique_ptr<Policy> {
      return std::make_unique<RandomSample>(spec);
    },
};

}  // namespace dendrokv
