// H2O (Zhang et al., NeurIPS 2023, arXiv 2306.14048): heavy hitters, the rows that have been given
// the most attention, beside the recent ones.
//
//   S[row] = sum of the row's attention weight since it came
//   step(n rows):  if n > sinks + capacity + recent:
//     evict the smallest S of rows sinks .. n - recent - 1; of equals the oldest
//
// h2o-avg scores by S / C, the mean weight over the row's life, as the ObservedAttention of
// kvpress: an old row no longer wins by its age alone. The paper's heads have a cache each; ours do
// with share=query-head. TreeKV with scope=all,score=sum is the same rule.

#include <algorithm>
#include <array>

#include "cache/policy_rows.h"
#include "cache/row_kernels.h"
#include "cache/scored.h"
#include "cache/scorings.h"

namespace dendrokv {
namespace {

constexpr std::array kOptions{
    count_option("capacity", "rows of the heavy hitters", "512", 1),
    sinks_option("4"),
    recent_option("508"),
    kBudgetOption,
    kBudgetMapOption,
    kTieOption,
    positions_option("rank"),
    share_option("kv-head"),
    group_option("mean"),
};

}  // namespace

Scoring h2o_scoring() {
  return {.score = [](const LaneView& lane, std::span<double>) { return lane.weight_sum; },
          .attention = ScoreUse::Sums,
          .growth = ScoreGrowth::WithLife};
}

Scoring h2o_average_scoring(const Spec& spec) {
  const PolicyShape shape = shape_of_options(spec);
  const size_t sinks = shape.sinks, recent = shape.recent;
  return {.score =
              [=](const LaneView& lane, std::span<double> scores) {
                const size_t rows = scores.size(), out_of_reach = std::min(rows, sinks + recent);
                const size_t first = std::min(rows, sinks), count = rows - out_of_reach;
                row_kernels().divide_by_lives(lane.weight_sum.subspan(first, count),
                                              lane.position.subspan(first, count), lane.step,
                                              scores.subspan(first, count));
                return scores;
              },
          .attention = ScoreUse::Sums};
}

const PolicyRow kH2oRow{
    .spec = {"h2o", "H2O: keeps the rows with the largest sum of attention", kOptions},
    .paper = "Zhang et al., NeurIPS 2023, arXiv 2306.14048",
    .budget_key = "capacity",
    .shape = [](const Spec& spec) { return scored_shape(h2o_scoring(), spec); },
    .make = [](const Spec& spec, const LanePlace&) { return make_scored(h2o_scoring(), spec); },
};

const PolicyRow kH2oAverageRow{
    .spec = {"h2o-avg", "H2O by the mean attention over a row's life", kOptions},
    .paper = "kvpress, ObservedAttention",
    .budget_key = "capacity",
    .shape = [](const Spec& spec) { return scored_shape(h2o_average_scoring(spec), spec); },
    .make = [](const Spec& spec,
               const LanePlace&) { return make_scored(h2o_average_scoring(spec), spec); },
};

}  // namespace dendrokv
