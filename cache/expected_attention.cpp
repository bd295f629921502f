// Expected Attention (Devoto et al., 2025, arXiv 2510.00636; kvpress): what the queries to come will
// attend to, if they are like those so far.
//
//   mu, Sigma  mean and covariance of the un-rotated queries of a head, the first `sinks` left out
//   R          the rotation of a query, averaged over the next `future` places
//   z[row]     = (R mu) . k / sqrt(d) + k^T (R Sigma R^T) k / (2 d)          k rotated to its place
//   p          = softmax of z over the rows, mean over the query heads of the lane
//   score      = (p + epsilon) * |value row|
//
// The logarithm of the mean of exp(q . k / sqrt(d)) over a normal distribution of q is z. Needs queries,
// which only the running model has.

#include <algorithm>
#include <array>
#include <cmath>

#include "cache/policy_rows.h"
#include "cache/rotation.h"
#include "cache/scored.h"
#include "cache/scorings.h"

namespace dendrokv {
namespace {

constexpr std::array kOptions{
    count_option("capacity", "rows chosen by score", "1020", 1),
    sinks_option("4"),
    recent_option("0"),
    kBudgetOption,
    kPromptOption,
    every_option("128"),
    count_option("future", "places ahead that the queries are expected at", "512", 1, 1 << 20),
    real_option("epsilon", "added to a probability before the value's norm counts", "0", 0, 1),
    kTieOption,
    positions_option("original"),
    kShareOfRows,
};

/// A rotation averaged over places: pair i is turned and shortened.
struct MeanRotation {
  std::vector<double> cosine, sine;  // [pair]

  MeanRotation(std::span<const double> turns, double first, size_t places)
      : cosine(turns.size()), sine(turns.size()) {
    for (size_t pair = 0; pair < turns.size(); ++pair)
      for (size_t ahead = 0; ahead < places; ++ahead) {
        const double angle = (first + static_cast<double>(ahead)) * turns[pair];
        cosine[pair] += std::cos(angle) / static_cast<double>(places);
        sine[pair] += std::sin(angle) / static_cast<double>(places);
      }
  }

  /// The transpose applied to a vector: x . (R y) = (R^T x) . y, so that a key is turned once instead
  /// of a covariance.
  void transposed(std::span<const double> from, std::span<double> to) const {
    std::ranges::copy(from, to.begin());
    for (size_t pair = 0; pair < cosine.size(); ++pair) {
      to[2 * pair] = cosine[pair] * from[2 * pair] + sine[pair] * from[2 * pair + 1];
      to[2 * pair + 1] = cosine[pair] * from[2 * pair + 1] - sine[pair] * from[2 * pair];
    }
  }
};

/// In chains, for the compiler to make vector code of.
double dot(std::span<const double> a, std::span<const double> b) {
  constexpr size_t kChains = 8;
  std::array<double, kChains> sums{};
  size_t i = 0;
  for (; i + kChains <= a.size(); i += kChains)
    for (size_t chain = 0; chain < kChains; ++chain) sums[chain] += a[i + chain] * b[i + chain];
  double sum = 0;
  for (; i < a.size(); ++i) sum += a[i] * b[i];
  for (const double chain : sums) sum += chain;
  return sum;
}

/// z of a key, already turned back by the mean rotation, for one query head.
double expected_logit(const QueryStatistics& queries, size_t head, std::span<const double> key) {
  const auto count = static_cast<double>(queries.count);
  const auto size = static_cast<double>(key.size());
  const double mean = dot(queries.sum.row(head), key) / count;
  double square = 0;  // of a symmetric matrix: twice what is below the diagonal, and that
  for (size_t i = 0; i < key.size(); ++i) {
    const std::span<const double> products = queries.products[head].row(i);
    square += (2 * dot(products.first(i), key.first(i)) + products[i] * key[i]) * key[i];
  }
  const double variance = std::max(0.0, square / count - mean * mean);
  return mean / std::sqrt(size) + variance / (2 * size);
}

void softmax(std::span<double> numbers) {
  const double most = *std::max_element(numbers.begin(), numbers.end());
  double total = 0;
  for (double& number : numbers) total += number = std::exp(number - most);
  for (double& number : numbers) number /= total;
}

/// [slot, head_dim]: the keys at their places, turned back by the mean rotation of the queries.
Grid<double> keys_as_expected(const LaneView& lane, std::span<const double> turns,
                              PositionMode positions, size_t future) {
  const bool by_rank = positions == PositionMode::Rank;
  const size_t rows = lane.position.size();
  const double next = by_rank ? static_cast<double>(rows) : lane.step.value + 1.0;
  const MeanRotation rotation(turns, next, future);
  Grid<double> keys(rows, lane.keys.rows.cols());
  std::vector<double> placed(keys.cols());
  for (size_t slot = 0; slot < rows; ++slot) {
    const double place = by_rank ? static_cast<double>(slot) : lane.position[slot].value;
    rotate_to(place, turns, lane.keys[slot], placed);
    rotation.transposed(placed, keys.row(slot));
  }
  return keys;
}

void score_expected(const LaneView& lane, const Grid<double>& keys, double epsilon,
                    std::span<double> scores) {
  std::ranges::fill(scores, 0.0);
  const size_t heads = lane.queries->sum.rows();
  std::vector<double> logits(scores.size());
  for (size_t head = 0; head < heads && lane.queries->count > 0; ++head) {
    for (size_t slot = 0; slot < scores.size(); ++slot)
      logits[slot] = expected_logit(*lane.queries, head, keys.row(slot));
    softmax(logits);
    for (size_t slot = 0; slot < scores.size(); ++slot)
      scores[slot] += logits[slot] / static_cast<double>(heads);
  }
  for (size_t slot = 0; slot < scores.size(); ++slot)
    scores[slot] = (scores[slot] + epsilon) * static_cast<double>(lane.value_norm[slot]);
}

}  // namespace

Scoring expected_attention_scoring(const Spec& spec, std::span<const double> turns) {
  const size_t future = spec.count("future");
  const double epsilon = spec.real("epsilon");
  const auto positions =
      spec.choice("positions") == "rank" ? PositionMode::Rank : PositionMode::Original;
  return {.score =
              [=, turns = std::vector(turns.begin(), turns.end())](const LaneView& lane,
                                                                   std::span<double> scores) {
                score_expected(lane, keys_as_expected(lane, turns, positions, future), epsilon,
                               scores);
                return scores;
              },
          .attention = ScoreUse::Ignored,
          .inputs = {Input::QueryStatistics, Input::Keys, Input::ValueNorms}};
}

const PolicyRow kExpectedAttentionRow{
    .spec = {"expected-attention", "keeps what queries like those so far would attend to",
             kOptions},
    .paper = "Devoto et al., arXiv 2510.00636",
    .budget_key = "capacity",
    .shape =
        [](const Spec& spec) { return scored_shape(expected_attention_scoring(spec, {}), spec); },
    .make =
        [](const Spec& spec, const LanePlace& place) {
          return make_scored(expected_attention_scoring(spec, place.turns), spec);
        },
    .check = check_cuts,
};

}  // namespace dendrokv
