// R-KV (Cai et al., 2025, arXiv 2505.24133): important and not said twice.
//
//   window     = the last `recent` rows, whose queries are asked
//   importance = mean weight that the window gives, maximum over the query heads of a lane, pooled
//                by maximum over `kernel` rows
//   redundancy = softmax over the rows of the mean cosine between a row's key and the others' keys;
//                of the rows more alike than `alike`, the most recent is not counted against a row
//   score      = lambda importance - (1 - lambda) redundancy
//   whenever `every` rows have come on top of the budget: keep the best, and the window
//
// For long chains of reasoning, which repeat themselves. The paper's lambda is 0.1, its program's
// 0.07. Keys are compared un-rotated.

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>

#include "cache/policy_rows.h"
#include "cache/pooling.h"
#include "cache/row_kernels.h"
#include "cache/scored.h"

namespace dendrokv {
namespace {

constexpr std::array kOptions{
    count_option("capacity", "rows chosen by score", "1016", 1),
    sinks_option("0"),
    window_option("8"),
    kBudgetOption,
    kPromptOption,
    every_option("128"),
    real_option("lambda", "share of importance in the score", "0.1", 0, 1),
    real_option("alike", "cosine above which two keys say the same", "0.5", -1, 1),
    count_option("kernel", "rows that are pooled, an odd number", "7", 1, 255),
    kTieOption,
    positions_option("original"),
    kShareOfRows,
    group_option("max"),
};

/// In chains, for the compiler to make vector code of.
float cosine(std::span<const float> a, std::span<const float> b) {
  constexpr size_t kChains = 8;
  std::array<float, kChains> sums{};
  size_t c = 0;
  for (; c + kChains <= a.size(); c += kChains)
    for (size_t chain = 0; chain < kChains; ++chain) sums[chain] += a[c + chain] * b[c + chain];
  for (; c < a.size(); ++c) sums[0] += a[c] * b[c];
  return std::accumulate(sums.begin(), sums.end(), 0.0f);
}

/// The cosine of the most recent other row that is alike; 0 if there is none. Keys of length 1.
double newest_alike(const Grid<float>& keys, size_t row, float alike) {
  for (size_t other = keys.rows(); other-- > 0;) {
    if (other == row) continue;
    const float likeness = cosine(keys.row(row), keys.row(other));
    if (likeness > alike) return static_cast<double>(likeness);
  }
  return 0;
}

/// Softmax over the rows of the mean cosine to the others.
std::vector<double> redundancy(const LaneView& lane, size_t count, float alike) {
  Grid<float> keys(count, lane.keys.rows.cols());
  row_kernels().unit_rows(lane.keys, keys.view());
  std::vector<double> all(keys.cols()), mean(count);
  for (size_t row = 0; row < count; ++row)
    for (size_t c = 0; c < all.size(); ++c) all[c] += static_cast<double>(keys(row, c));
  // The cosines with all rows add up to one product, with the sum of their unit keys.
  row_kernels().dots(keys.view(), all, mean);
  for (size_t row = 0; row < count; ++row) {
    const double with_itself = static_cast<double>(cosine(keys.row(row), keys.row(row)));
    mean[row] =
        (mean[row] - with_itself - newest_alike(keys, row, alike)) / static_cast<double>(count);
  }
  const double most = *std::max_element(mean.begin(), mean.end());
  double total = 0;
  for (double& x : mean) total += x = std::exp(x - most);
  for (double& x : mean) x /= total;
  return mean;
}

Scoring reasoning_scoring(const Spec& spec) {
  const size_t recent = spec.count("recent"), kernel = spec.count("kernel");
  const double lambda = spec.real("lambda");
  const auto alike = static_cast<float>(spec.real("alike"));
  return {.score =
              [=](const LaneView& lane, std::span<double> scores) {
                std::ranges::fill(scores, 0.0);
                const auto older = scores.first(scores.size() - std::min(recent, scores.size()));
                if (older.empty()) return scores;
                const auto queries = static_cast<double>(lane.window.rows());
                for (size_t query = 0; query < lane.window.rows(); ++query)
                  for (size_t slot = 0; slot < older.size(); ++slot)
                    older[slot] += static_cast<double>(lane.window(query, slot)) / queries;
                pool(older, Pool::Max, kernel);
                const std::vector<double> redundant = redundancy(lane, older.size(), alike);
                for (size_t slot = 0; slot < older.size(); ++slot)
                  older[slot] = lambda * older[slot] - (1 - lambda) * redundant[slot];
                return scores;
              },
          .attention = ScoreUse::Weights,
          .inputs = {Input::Keys}};
}

PolicyShape shape(const Spec& spec) {
  PolicyShape shape = scored_shape(reasoning_scoring(spec), spec);
  shape.window = shape.recent;
  return shape;
}

}  // namespace

const PolicyRow kReasoningKvRow{
    .spec = {"r-kv", "R-KV: keeps what is attended to and not said twice", kOptions},
    .paper = "Cai et al., arXiv 2505.24133",
    .budget_key = "capacity",
    .shape = shape,
    .make = [](const Spec& spec,
               const LanePlace&) { return make_scored(reasoning_scoring(spec), spec); },
    .check = [](const std::string& subject, const Spec& spec) { kSnapKvRow.check(subject, spec); },
};

}  // namespace dendrokv
