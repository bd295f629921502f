// LagKV (Liang et al., arXiv 2504.04704): rows are judged by how far they stand out from the part
// of the text that follows.
//
//   the rows behind the sinks form partitions of `lag` rows; a remainder, and the last whole
//   partition, stay
//   of partition p, per channel: x = (x - min) / (max - min), min and max of partition p + 1
//   score = softmax within the partition of the standard deviation over the channels,
//           mean of that of the keys and that of the values
//   rank within the partition: every partition keeps the same share
//
// No attention is needed. Rows are cut down to the budget whenever `every` rows have come on top.

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>

#include "cache/policy_rows.h"
#include "cache/row_kernels.h"
#include "cache/scored.h"
#include "data/error.h"

namespace dendrokv {
namespace {

constexpr std::array kOptions{
    count_option("capacity", "rows that compete", "892", 1),
    sinks_option("4"),
    recent_option("128"),
    kBudgetOption,
    kPromptOption,
    every_option("128"),
    count_option("lag", "rows of a partition", "128", 2, 65536),
    kTieOption,
    positions_option("original"),
    kShareOfRows,
};

/// Adds half of the softmax over [first, first + lag) of each row's spread, the next partition
/// being the measure.
void add_spread(const RowsView& rows, size_t first, size_t lag, std::span<double> scores) {
  const size_t channels = rows.rows.cols();
  std::vector<float> low(channels), high(channels);
  row_kernels().channel_bounds(rows, {first + lag, first + 2 * lag}, low, high);
  const std::vector<double> origin(low.begin(), low.end());
  std::vector<double> factor(channels), spread(lag);
  for (size_t c = 0; c < channels; ++c) {
    const double range = static_cast<double>(high[c]) - origin[c];
    factor[c] = range > 0 ? 1 / range : 0;
  }
  row_kernels().spreads(rows, {first, first + lag}, origin, factor, spread);
  const double most = *std::max_element(spread.begin(), spread.end());
  double total = 0;
  for (double& x : spread) total += x = std::exp(x - most);
  for (size_t row = 0; row < lag; ++row) scores[first + row] += spread[row] / total / 2;
}

/// Scores become their ranks, from 0 to just below 1.
void rank(std::span<double> scores) {
  std::vector<size_t> order(scores.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t a, size_t b) { return scores[a] < scores[b]; });
  for (size_t place = 0; place < order.size(); ++place)
    scores[order[place]] = static_cast<double>(place) / static_cast<double>(order.size());
}

Scoring lag_scoring(const Spec& spec) {
  const size_t lag = spec.count("lag"), sinks = spec.count("sinks");
  return {.score =
              [=](const LaneView& lane, std::span<double> scores) {
                std::ranges::fill(scores, 0.0);
                size_t first = sinks;
                for (; first + 2 * lag <= scores.size(); first += lag) {
                  add_spread(lane.keys, first, lag, scores);
                  add_spread(lane.values, first, lag, scores);
                  rank(scores.subspan(first, lag));
                }
                // Above all ranks; should the budget ask for some of these, the oldest leave.
                for (; first < scores.size(); ++first)
                  scores[first] = 1 + static_cast<double>(first);
                return scores;
              },
          .attention = ScoreUse::Ignored,
          .inputs = {Input::Keys, Input::Values}};
}

}  // namespace

const PolicyRow kLagKvRow{
    .spec = {"lagkv", "LagKV: keeps what stands out from the text that follows it", kOptions},
    .paper = "Liang et al., arXiv 2504.04704",
    .budget_key = "capacity",
    .shape = [](const Spec& spec) { return scored_shape(lag_scoring(spec), spec); },
    .make = [](const Spec& spec, const LanePlace&) { return make_scored(lag_scoring(spec), spec); },
    .check = check_cuts,
};

}  // namespace dendrokv
