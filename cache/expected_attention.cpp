// Expected Attention (Devoto et al., 2025, arXiv 2510.00636; kvpress): what the queries to come
// will attend to, if they are like those so far.
//
//   mu, Sigma  mean and covariance of the un-rotated queries of a head, the first `sinks` left out
//   R          the rotation of a query, averaged over the next `future` places
//   z[row]     = (R mu) . k / sqrt(d) + k^T (R Sigma R^T) k / (2 d)          k rotated to its place
//   p          = softmax of z over the rows, mean over the query heads of the lane
//   score      = (p + epsilon) * |value row|
//
// The logarithm of the mean of exp(q . k / sqrt(d)) over a normal distribution of q is z. Needs
// queries, which only the running model has.

#include <algorithm>
#include <array>
#include <cmath>
#include <complex>

#include "cache/policy_rows.h"
#include "cache/query_statistics.h"
#include "cache/rotation.h"
#include "cache/row_kernels.h"
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

using Turns = std::vector<std::complex<double>>;  // [pair]

/// The turns of the places 0 .. places - 1, averaged: pair i is turned as in the middle, and
/// shortened.
Turns mean_turns(std::span<const double> turns, size_t places) {
  const auto count = static_cast<double>(places);
  Turns mean;
  for (const double turn : turns) {
    const double chord = std::sin(turn / 2);
    const double length = chord == 0 ? 1 : std::sin(count * turn / 2) / (count * chord);
    mean.push_back(length * std::polar(1.0, (count - 1) / 2 * turn));
  }
  return mean;
}

/// In place, R times a vector whose elements are `stride` apart.
void turn(const Turns& turns, double* vector, size_t stride) {
  for (size_t pair = 0; pair < turns.size(); ++pair) {
    double &x = vector[2 * pair * stride], &y = vector[(2 * pair + 1) * stride];
    const double cosine = turns[pair].real(), sine = turns[pair].imag();
    const double turned = x * cosine - y * sine;
    y = x * sine + y * cosine;
    x = turned;
  }
}

/// z as a form of a key: its terms below the diagonal of the covariance count twice there.
struct ExpectedLogit {
  std::vector<double> linear;  // [channel]
  Grid<double> square;         // [channel, channel], nothing above the diagonal; channels padded

  /// Of a query head whose queries, un-rotated so far, will come at places turned as `turns` says.
  ExpectedLogit(const QueryStatistics& queries, size_t head, const Turns& turns, size_t channels)
      : linear(padded(channels)), square(padded(channels), padded(channels)) {
    const auto count = static_cast<double>(queries.count()), size = static_cast<double>(channels);
    const GridView<const double> products = queries.products(head);
    for (size_t i = 0; i < channels; ++i) linear[i] = queries.sum(head)[i] / count;
    for (size_t i = 0; i < channels; ++i)
      for (size_t j = 0; j <= i; ++j)
        square(i, j) = square(j, i) = products(i, j) / count - linear[i] * linear[j];
    turn(turns, linear.data(), 1);
    for (size_t i = 0; i < channels; ++i) turn(turns, square.row(i).data(), 1);
    for (size_t j = 0; j < channels; ++j) turn(turns, &square(0, j), square.cols());
    for (size_t i = 0; i < channels; ++i) {
      linear[i] /= std::sqrt(size);
      for (size_t j = 0; j < i; ++j) square(i, j) /= size;
      square(i, i) /= 2 * size;
      std::ranges::fill(square.row(i).subspan(i + 1), 0.0);
    }
  }
};

void softmax(std::span<double> numbers) {
  const double most = *std::max_element(numbers.begin(), numbers.end());
  double total = 0;
  for (double& number : numbers) total += number = std::exp(number - most);
  for (double& number : numbers) number /= total;
}

class ExpectedScores {
 public:
  ExpectedScores(const Spec& spec, std::span<const double> turns)
      : epsilon_(spec.real("epsilon")),
        by_rank_(spec.choice("positions") == "rank"),
        places_(turns),
        ahead_(mean_turns(turns, spec.count("future"))) {}

  std::span<const double> operator()(const LaneView& lane, std::span<double> scores) {
    std::ranges::fill(scores, 0.0);
    if (lane.queries->count() > 0) add_probabilities(lane, scores);
    for (size_t slot = 0; slot < scores.size(); ++slot)
      scores[slot] = (scores[slot] + epsilon_) * static_cast<double>(lane.value_norm[slot]);
    return scores;
  }

 private:
  static constexpr size_t kRows = 32;  // that are turned at a time, and then read for all heads

  void add_probabilities(const LaneView& lane, std::span<double> scores) {
    const std::vector<ExpectedLogit> expected = expected_logits(lane);
    Grid<double> logits(expected.size(), (scores.size() + kRows - 1) / kRows * kRows);
    Grid<double> keys(padded(lane.keys.rows.cols()), kRows);
    for (size_t first = 0; first < scores.size(); first += kRows) {
      turn_keys(lane, first, std::min(first + kRows, scores.size()), keys);
      for (size_t head = 0; head < expected.size(); ++head)
        row_kernels().quadratic_forms(keys.view(), expected[head].square.view(),
                                      expected[head].linear,
                                      logits.row(head).subspan(first, kRows));
    }
    for (size_t head = 0; head < expected.size(); ++head) {
      const std::span<double> of_head = logits.row(head).first(scores.size());
      softmax(of_head);
      for (size_t slot = 0; slot < scores.size(); ++slot)
        scores[slot] += of_head[slot] / static_cast<double>(expected.size());
    }
  }

  std::vector<ExpectedLogit> expected_logits(const LaneView& lane) {
    const auto next = places_.turns_at(by_rank_ ? lane.position.size() : lane.step.value + 1);
    Turns turns = ahead_;
    for (size_t pair = 0; pair < turns.size(); ++pair) turns[pair] *= next[pair];
    std::vector<ExpectedLogit> expected;
    for (size_t head = 0; head < lane.queries->query_heads(); ++head)
      expected.emplace_back(*lane.queries, head, turns, lane.keys.rows.cols());
    return expected;
  }

  /// Of slots [first, end), [channel, slot - first], each at its place.
  void turn_keys(const LaneView& lane, size_t first, size_t end, Grid<double>& keys) {
    std::vector<double> turned(lane.keys.rows.cols());
    for (size_t slot = first; slot < end; ++slot) {
      places_.apply(by_rank_ ? slot : lane.position[slot].index(), lane.keys[slot], turned);
      for (size_t c = 0; c < turned.size(); ++c) keys(c, slot - first) = turned[c];
    }
  }

  double epsilon_;
  bool by_rank_;
  TurnTable places_;
  Turns ahead_;
};

}  // namespace

Scoring expected_attention_scoring(const Spec& spec, std::span<const double> turns) {
  return {.score = ExpectedScores(spec, turns),
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
