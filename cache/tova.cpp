// TOVA (Oren et al., EMNLP 2024, arXiv 2401.06104): token omission via attention.
//
//   step(n rows):  if n > capacity: evict the row that this step's query attends to least
//
// The weights are averaged over all query heads of a layer, which share one cache (share=layer).
// Nothing is protected: a new row that its own query ignores leaves at once.

#include <algorithm>
#include <array>

#include "cache/policy_rows.h"
#include "cache/scored.h"
#include "cache/scorings.h"

namespace dendrokv {
namespace {

constexpr std::array kOptions{
    count_option("capacity", "rows that compete", "1024", 1),
    sinks_option("0"),
    recent_option("0"),
    kBudgetOption,
    kTieOption,
    positions_option("original"),
    share_option("layer"),
    group_option("mean"),
};

}  // namespace

Scoring tova_scoring() {
  return {.score =
              [](const LaneView& lane, std::span<double> scores) {
                std::ranges::copy(lane.last_weight, scores.begin());
                return scores;
              },
          .attention = ScoreUse::Weights};
}

const PolicyRow kTovaRow{
    .spec = {"tova", "TOVA: drops what the last query attends to least", kOptions},
    .paper = "Oren et al., EMNLP 2024, arXiv 2401.06104",
    .budget_key = "capacity",
    .shape = [](const Spec& spec) { return scored_shape(tova_scoring(), spec); },
    .make = [](const Spec& spec, const LanePlace&) { return make_scored(tova_scoring(), spec); },
};

}  // namespace dendrokv
