// Key norms (Devoto et al., EMNLP 2024, arXiv 2406.11430): keys of small L2 norm tend to be
// attended to most, so the rows with the smallest norms stay.
//
// No attention is needed, and a rotation keeps the norm. The authors leave the first two layers
// whole (skip=2), where the relation does not hold.

#include <array>
#include <limits>

#include "cache/lane_inputs.h"
#include "cache/policy_rows.h"
#include "cache/scored.h"
#include "cache/scorings.h"

namespace dendrokv {
namespace {

constexpr std::array kOptions{
    count_option("capacity", "rows with the smallest keys", "1024", 1),
    sinks_option("0"),
    recent_option("0"),
    kBudgetOption,
    kPromptOption,
    every_option("1"),
    count_option("skip", "first layers that keep every row", "2", 0, 4096),
    kTieOption,
    positions_option("original"),
    kShareOfRows,
};

constexpr uint64_t kNothingLeaves = std::numeric_limits<uint32_t>::max();  // a budget

double score_of_row(const LaneView& lane, size_t slot) {
  return -static_cast<double>(euclidean_norm(lane.keys[slot]));
}

bool is_skipped(const Spec& spec, Layer layer) {
  return layer.value < spec.count("skip");
}

PolicyShape shape(const Spec& spec) {
  PolicyShape shape = scored_shape(key_norm_scoring(), spec);
  if (spec.count("skip") > 0) shape.most_rows = 0;
  return shape;
}

PolicyShape layer_shape(const Spec& spec, Layer layer) {
  PolicyShape shape = scored_shape(key_norm_scoring(), spec);
  if (!is_skipped(spec, layer)) return shape;
  shape.budget = kNothingLeaves;
  shape.most_rows = 0;
  return shape;
}

std::unique_ptr<Policy> make(const Spec& spec, const LanePlace& place) {
  KeepBest::Rules rules = keep_best_rules(spec);
  if (is_skipped(spec, place.layer)) rules.budget = kNothingLeaves;
  return std::make_unique<KeepBest>(lasting_scores(score_of_row), rules);
}

}  // namespace

Scoring key_norm_scoring() {
  return {.score =
              [](const LaneView& lane, std::span<double> scores) {
                for (size_t slot = 0; slot < scores.size(); ++slot)
                  scores[slot] = score_of_row(lane, slot);
                return scores;
              },
          .attention = ScoreUse::Ignored,
          .inputs = {Input::Keys}};
}

const PolicyRow kKeyNormRow{
    .spec = {"knorm", "keeps the rows whose keys have the smallest norms", kOptions},
    .paper = "Devoto et al., EMNLP 2024, arXiv 2406.11430",
    .budget_key = "capacity",
    .shape = shape,
    .make = make,
    .check = check_cuts,
    .layer_shape = layer_shape,
};

}  // namespace dendrokv
