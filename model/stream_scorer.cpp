#include "model/stream_scorer.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "data/error.h"
#include "model/memory.h"

namespace dendrokv {

namespace {

constexpr size_t kLanes = 16;  // that a reduction runs in: vectors, whatever the machine

std::vector<PolicyChoice> checked(std::span<const PolicyChoice> policies,
                                  std::optional<size_t> reference) {
  DENDROKV_ASSERT(!reference || *reference < policies.size());
  return {policies.begin(), policies.end()};
}

float largest_of(std::span<const float> values) {
  std::array<float, kLanes> largest;
  largest.fill(std::numeric_limits<float>::lowest());
  size_t i = 0;
  for (; i + kLanes <= values.size(); i += kLanes)
    for (size_t lane = 0; lane < kLanes; ++lane)
      largest[lane] = largest[lane] < values[i + lane] ? values[i + lane] : largest[lane];
  for (; i < values.size(); ++i) largest[0] = std::max(largest[0], values[i]);
  return *std::ranges::max_element(largest);
}

// The sum of term(i) over [0, count), in double.
template <class Term>
double sum_of(size_t count, const Term& term) {
  std::array<double, kLanes> sums{};
  size_t i = 0;
  for (; i + kLanes <= count; i += kLanes)
    for (size_t lane = 0; lane < kLanes; ++lane) sums[lane] += term(i + lane);
  for (; i < count; ++i) sums[0] += term(i);
  double sum = 0;
  for (const double part : sums) sum += part;
  return sum;
}

double sum_of(std::span<const float> values) {
  return sum_of(values.size(), [&](size_t i) { return static_cast<double>(values[i]); });
}

// sum p * logit
double cross_term(std::span<const float> probabilities, std::span<const float> logits) {
  return sum_of(logits.size(), [&](size_t i) {
    return static_cast<double>(probabilities[i]) * static_cast<double>(logits[i]);
  });
}

}  // namespace

Distribution soften(const Kernels& kernels, std::span<float> logits) {
  const float top = largest_of(logits);
  const auto likeliest = static_cast<size_t>(std::ranges::find(logits, top) - logits.begin());
  kernels.softmax(logits);
  // The largest probability is 1 / sum exp(logit - top), where the sum is one of floats; some
  // 50,000 of them lose 1e-5 of it. What they lost shows in the sum of the probabilities.
  const double total = sum_of(logits);
  const double log_sum =
      static_cast<double>(top) - std::log(static_cast<double>(logits[likeliest])) + std::log(total);
  return {static_cast<int32_t>(likeliest), log_sum, total};
}

StreamScorer::StreamScorer(const Model& model, std::span<const PolicyChoice> policies,
                           std::optional<size_t> reference, const DecoderOptions& options)
    : config_(model.config()),
      kernels_(kernels_for(options.isa)),
      reference_(reference),
      streams_(model, checked(policies, reference), options),
      last_states_(policies.size(), config_.width),
      own_(streams_.block_tokens()) {
  const size_t rows = streams_.block_tokens(), grids = reference ? 2 : 1;
  check_memory("blocks of " + std::to_string(rows) + " tokens", "their logits",
               uint64_t{grids} * rows * config_.vocabulary * sizeof(float), "use smaller blocks");
  states_ = Grid<float>(rows, config_.width);
  logits_ = Grid<float>(rows, config_.vocabulary);
  if (reference) expected_ = Grid<float>(rows, config_.vocabulary);
}

void StreamScorer::feed(std::span<const int32_t> tokens, const TokenScores& scores,
                        std::span<Observer* const> observers) {
  DENDROKV_ASSERT(scores.nll.rows() == streams_.count() && scores.nll.cols() == tokens.size());
  DENDROKV_ASSERT(scores.top1.rows() == streams_.count() && scores.top1.cols() == tokens.size());
  streams_.feed(tokens, observers, [&](const Streams::Block& block) {
    if (reference_) score(block, tokens, scores, *reference_);
    for (size_t stream = 0; stream < streams_.count(); ++stream)
      if (stream != reference_) score(block, tokens, scores, stream);
    for (size_t stream = 0; stream < streams_.count(); ++stream)
      std::ranges::copy(block.of(stream).row(block.tokens - 1), last_states_.row(stream).begin());
    fed_ += block.tokens;
  });
}

// Token i is foretold by the state before it: the last one of the previous block, then those of
// this one.
void StreamScorer::score(const Streams::Block& block, std::span<const int32_t> tokens,
                         const TokenScores& scores, size_t stream) {
  const size_t unforetold = fed_ == 0 ? 1 : 0;
  if (unforetold == 1) {
    scores.nll(stream, 0) = std::numeric_limits<float>::quiet_NaN();
    scores.top1(stream, 0) = -1;
    if (reference_) scores.kl(stream, 0) = std::numeric_limits<float>::quiet_NaN();
  }
  const GridView<const float> states = states_before(block, stream);
  if (states.rows() == 0) return;
  streams_.logits(states, logits_.view().rows_from(0, states.rows()));
  streams_.for_each(states.rows(), [&](size_t first, size_t count) {
    for (size_t row = first; row < first + count; ++row) {
      const size_t place = block.offset + unforetold + row;
      score_token(row, tokens[place], scores, stream, place);
    }
  });
}

GridView<const float> StreamScorer::states_before(const Streams::Block& block, size_t stream) {
  const GridView<const float> states = block.of(stream);
  if (fed_ == 0) return states.rows_from(0, block.tokens - 1);
  std::ranges::copy(last_states_.row(stream), states_.row(0).begin());
  for (size_t token = 1; token < block.tokens; ++token)
    std::ranges::copy(states.row(token - 1), states_.row(token).begin());
  return states_.view().rows_from(0, block.tokens);
}

void StreamScorer::score_token(size_t row, int32_t token, const TokenScores& scores, size_t stream,
                               size_t place) {
  const std::span<float> logits = logits_.row(row);
  const auto of_token = static_cast<double>(logits[static_cast<size_t>(token)]);
  ReferenceRow& own = own_[row];
  Distribution found;
  if (stream == reference_) {
    const std::span<float> expected = expected_.row(row);
    std::ranges::copy(logits, expected.begin());
    found = soften(kernels_, expected);
    own = {found.total, cross_term(expected, logits) / found.total, found.log_sum};
    scores.kl(stream, place) = 0;
  } else {
    const double cross = reference_ ? cross_term(expected_.row(row), logits) / own.total : 0;
    found = soften(kernels_, logits);
    // KL(p || q) = sum p (ln p - ln q); rounding may leave it a little below 0.
    if (reference_)
      scores.kl(stream, place) =
          static_cast<float>(std::max(0.0, (own.cross - own.log_sum) - (cross - found.log_sum)));
  }
  scores.nll(stream, place) = static_cast<float>(found.log_sum - of_token);
  scores.top1(stream, place) = found.likeliest;
}

}  // namespace dendrokv
