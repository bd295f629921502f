// SnapKV (Li et al., NeurIPS 2024, arXiv 2404.14469): the last queries of a prompt choose what
// stays.
//
//   window = the last `recent` rows, whose queries are asked
//   vote[row] = sum over the window's queries of the row's weight, for rows before the window
//   score = vote, pooled over `kernel` neighbours, so that a chosen row brings its surroundings
//   at the end of the prompt: keep the `capacity` best, and the window
//
// The authors cut once, at the prompt's end: prompt=TOKENS,every=0. Without a prompt the text is
// taken as a stream, cut whenever `every` rows have come on top of the budget. The softmax is over
// all rows. The authors leave open what query heads of one KV head do; here they are averaged
// (group=mean).

#include <algorithm>
#include <array>

#include "cache/policy_rows.h"
#include "cache/pooling.h"
#include "cache/scored.h"
#include "cache/scorings.h"
#include "data/error.h"

namespace dendrokv {
namespace {

constexpr std::array kOptions{
    count_option("capacity", "rows chosen by the window", "992", 1),
    sinks_option("0"),
    window_option("32"),
    kBudgetOption,
    kPromptOption,
    every_option("128"),
    count_option("kernel", "rows that are pooled, an odd number", "5", 1, 255),
    word_option("pool", "how they are pooled", "avg|max|none", "avg"),
    kTieOption,
    positions_option("original"),
    share_option("kv-head"),
    group_option("mean"),
};

void check(const std::string& subject, const Spec& spec) {
  check_cuts(subject, spec);
  if (spec.count("kernel") % 2 == 0)
    fail(subject, "kernel=" + std::to_string(spec.count("kernel")), "wanted an odd number");
}

PolicyShape shape(const Spec& spec) {
  PolicyShape shape = scored_shape(snapkv_scoring(spec), spec);
  shape.window = shape.recent;
  return shape;
}

}  // namespace

Scoring snapkv_scoring(const Spec& spec) {
  const size_t kernel = spec.count("kernel"), recent = spec.count("recent");
  const Pool how = pool_of(spec.choice("pool"));
  return {.score =
              [=](const LaneView& lane, std::span<double> scores) {
                std::ranges::fill(scores, 0.0);
                for (size_t query = 0; query < lane.window.rows(); ++query) {
                  const std::span<const float> weights = lane.window.row(query);
                  for (size_t slot = 0; slot < scores.size(); ++slot)
                    scores[slot] += static_cast<double>(weights[slot]);
                }
                pool(scores.first(scores.size() - std::min(recent, scores.size())), how, kernel);
                return scores;
              },
          .attention = ScoreUse::Weights};
}

const PolicyRow kSnapKvRow{
    .spec = {"snapkv", "SnapKV: the last queries vote for the rows that stay", kOptions},
    .paper = "Li et al., NeurIPS 2024, arXiv 2404.14469",
    .budget_key = "capacity",
    .shape = shape,
    .make = [](const Spec& spec,
               const LanePlace&) { return make_scored(snapkv_scoring(spec), spec); },
    .check = check,
};

}  // namespace dendrokv
