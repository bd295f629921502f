// PyramidKV (Cai et al., arXiv 2406.02069; KVCache-Factory): SnapKV's scores, budgets that fall
// linearly with depth.
//
//   M = capacity, q = tokens of the prompt, w = recent, L = layers
//   least = floor(M / beta), most = 2 M - least
//   if most >= q - w: most = q - w, least = 2 M - most
//   layer l keeps most - l floor((most - least) / (L - 1)) rows beside the window
//   if q < 2 M: every layer keeps M; a text that fits the mean budget is not cut in any layer
//
// A stream without a prompt has no q: the two cases that ask for it do not arise. The floor of the
// step leaves up to (L - 1) / 2 rows per lane more than M in the mean, as in the authors' program;
// their window comes on top of the budget, ours counts inside.

#include <algorithm>
#include <array>

#include "cache/policy_rows.h"
#include "cache/scored.h"
#include "cache/scorings.h"
#include "data/error.h"

namespace dendrokv {
namespace {

constexpr std::array kOptions{
    count_option("capacity", "rows chosen by the window, mean over the layers", "992", 1),
    sinks_option("0"),
    window_option("32"),
    kBudgetOption,
    kPromptOption,
    every_option("128"),
    real_option("beta", "the deepest layer chooses about capacity / beta rows", "20", 1, 1e6),
    count_option("kernel", "rows that are pooled, an odd number", "5", 1, 255),
    word_option("pool", "how they are pooled", "avg|max|none", "avg"),
    kTieOption,
    positions_option("original"),
    share_option("kv-head"),
    group_option("mean"),
};

uint64_t rows_of_layer(const Spec& spec, const LanePlace& place) {
  const uint64_t mean = spec.count("capacity"), prompt = spec.count("prompt");
  if (place.layers < 2 || (prompt > 0 && prompt < 2 * mean)) return mean;
  auto least = static_cast<uint64_t>(static_cast<double>(mean) / spec.real("beta"));
  uint64_t most = 2 * mean - least;
  const uint64_t outside = prompt - std::min(prompt, spec.count("recent"));
  if (prompt > 0 && most >= outside) {
    most = outside;
    least = 2 * mean - std::min(2 * mean, most);
  }
  if (most <= least) return mean;
  return most - place.layer.value * ((most - least) / (place.layers - 1));
}

PolicyShape shape(const Spec& spec) {
  PolicyShape shape = scored_shape(snapkv_scoring(spec), spec);
  shape.window = shape.recent;
  // The first layers have nearly twice the mean, the last ones hardly any.
  shape.fewest_kept = shape.sinks + shape.recent + 1;
  shape.most_kept = shape.budget + spec.count("capacity");
  if (shape.most_rows > 0) shape.most_rows += spec.count("capacity");
  return shape;
}

std::unique_ptr<Policy> make(const Spec& spec, const LanePlace& place) {
  KeepBest::Rules rules = keep_best_rules(spec);
  rules.cuts.spare = rules.budget;
  rules.budget = rules.sinks + rules.recent + std::max<uint64_t>(1, rows_of_layer(spec, place));
  return std::make_unique<KeepBest>(snapkv_scoring(spec).score, rules);
}

}  // namespace

const PolicyRow kPyramidKvRow{
    .spec = {"pyramidkv", "PyramidKV: SnapKV with more rows in the first layers", kOptions},
    .paper = "Cai et al., arXiv 2406.02069",
    .budget_key = "capacity",
    .shape = shape,
    .make = make,
    .check = [](const std::string& subject, const Spec& spec) { kSnapKvRow.check(subject, spec); },
};

}  // namespace dendrokv
