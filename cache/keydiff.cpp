// KeyDiff (Park et al., arXiv 2504.15364): the rows whose keys are least like the others stay.
//
//   anchor = mean of the normalised keys of the lane
//   score  = - cos(key, anchor)
//   whenever a block of `every` rows has come on top of the budget: keep the best
//
// No attention is needed. The paper's keys are rotated to their positions; ours are not, so that a
// score does not depend on where a row stands and is the same under positions=rank.

#include <array>

#include "cache/lane_inputs.h"
#include "cache/policy_rows.h"
#include "cache/scored.h"
#include "cache/scorings.h"

namespace dendrokv {
namespace {

constexpr std::array kOptions{
    count_option("capacity", "rows with the most distinct keys", "1024", 1),
    sinks_option("0"),
    recent_option("0"),
    kBudgetOption,
    kPromptOption,
    every_option("128"),
    kTieOption,
    positions_option("original"),
    kShareOfRows,
};

double dot(std::span<const float> a, std::span<const double> b) {
  double sum = 0;
  for (size_t i = 0; i < a.size(); ++i) sum += static_cast<double>(a[i]) * b[i];
  return sum;
}

std::span<const double> score_by_distinctness(const LaneView& lane, std::span<double> scores) {
  std::vector<double> anchor(lane.keys.rows.cols());
  std::vector<double> norms(scores.size());
  for (size_t slot = 0; slot < scores.size(); ++slot) {
    const std::span<const float> key = lane.keys[slot];
    norms[slot] = static_cast<double>(euclidean_norm(key));
    if (norms[slot] == 0) continue;
    for (size_t i = 0; i < key.size(); ++i) anchor[i] += static_cast<double>(key[i]) / norms[slot];
  }
  // The length of the anchor scales all scores alike: it is left out.
  for (size_t slot = 0; slot < scores.size(); ++slot)
    scores[slot] = norms[slot] == 0 ? 0
                                    : -dot(lane.keys[slot], anchor) / norms[slot] /
                                          static_cast<double>(scores.size());
  return scores;
}

}  // namespace

Scoring key_diff_scoring() {
  return {.score = score_by_distinctness, .attention = ScoreUse::Ignored, .inputs = {Input::Keys}};
}

const PolicyRow kKeyDiffRow{
    .spec = {"keydiff", "KeyDiff: keeps the rows whose keys are least like the others", kOptions},
    .paper = "Park et al., arXiv 2504.15364",
    .budget_key = "capacity",
    .shape = [](const Spec& spec) { return scored_shape(key_diff_scoring(), spec); },
    .make = [](const Spec& spec,
               const LanePlace&) { return make_scored(key_diff_scoring(), spec); },
    .check = check_cuts,
};

}  // namespace dendrokv
