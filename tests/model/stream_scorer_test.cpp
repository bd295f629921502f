// Losses, likeliest tokens and divergences against their definitions on whole rows of logits, in
// double.

#include "model/stream_scorer.h"

#include <algorithm>
#include <cmath>
#include <gtest/gtest.h>

#include "model/decoder.h"
#include "tests/support/files.h"
#include "tests/support/likelihood.h"

namespace dendrokv {
namespace {

constexpr size_t kTokens = 150;

const Model& tiny_model() {
  static const Model model = Model::load(testing::data_file("models/llama-q4_1/model.gguf"),
                                         LoadDepth::Run, Arithmetic::Fast);
  return model;
}

std::vector<int32_t> some_tokens(size_t count) {
  std::vector<int32_t> ids;
  for (size_t i = 0; i < count; ++i)
    ids.push_back(
        static_cast<int32_t>((i * i * 31 + i * 7 + 3) % tiny_model().config().vocabulary));
  return ids;
}

Grid<float> logits_of(const PolicyChoice& policy) {
  Decoder decoder(tiny_model(), policy, {});
  const auto view = decoder.feed(some_tokens(kTokens), LogitsOf::All, nullptr);
  Grid<float> logits(view.rows(), view.cols());
  for (size_t row = 0; row < view.rows(); ++row)
    std::ranges::copy(view.row(row), logits.row(row).begin());
  return logits;
}

double log_probability(std::span<const float> logits, size_t token) {
  return -testing::negative_log_likelihood(logits, static_cast<int32_t>(token));
}

double divergence(std::span<const float> p, std::span<const float> q) {
  double sum = 0;
  for (size_t token = 0; token < p.size(); ++token)
    sum += std::exp(log_probability(p, token)) *
           (log_probability(p, token) - log_probability(q, token));
  return sum;
}

struct Scores {
  Grid<float> nll, kl;
  Grid<int32_t> top1;
  explicit Scores(size_t streams)
      : nll(streams, kTokens), kl(streams, kTokens), top1(streams, kTokens) {}
  bool operator==(const Scores& other) const {
    const auto same = [](float a, float b) { return a == b || (std::isnan(a) && std::isnan(b)); };
    return std::ranges::equal(nll.all(), other.nll.all(), same) &&
           std::ranges::equal(kl.all(), other.kl.all(), same) &&
           std::ranges::equal(top1.all(), other.top1.all());
  }
};

template <class T>
GridView<T> columns(Grid<T>& grid, size_t first, size_t count) {
  return {grid.data() + first, grid.rows(), count, grid.cols()};
}

Scores scores_of(std::span<const PolicyChoice> policies, const DecoderOptions& options,
                 const std::vector<size_t>& pieces) {
  StreamScorer scorer(tiny_model(), policies, 1, options);
  Scores scores(policies.size());
  const auto ids = some_tokens(kTokens);
  size_t fed = 0;
  for (const size_t count : pieces) {
    scorer.feed(std::span(ids).subspan(fed, count),
                {columns(scores.nll, fed, count), columns(scores.top1, fed, count),
                 columns(scores.kl, fed, count)});
    fed += count;
  }
  EXPECT_EQ(fed, kTokens);
  return scores;
}

const std::vector<PolicyChoice>& policies() {
  static const std::vector<PolicyChoice> policies{
      PolicyChoice("streaming:sinks=2,recent=10"), PolicyChoice("full"),
      PolicyChoice("treekv:sinks=2,recent=4,capacity=6"),
      PolicyChoice("treekv:capacity=200,sinks=0,recent=0")};
  return policies;
}

TEST(StreamScorer, ScoresAreThoseOfTheLogits) {
  const Scores scores = scores_of(policies(), {}, {kTokens});
  const auto ids = some_tokens(kTokens);
  const Grid<float> reference = logits_of(policies()[1]);
  for (size_t stream = 0; stream < policies().size(); ++stream) {
    const Grid<float> logits = logits_of(policies()[stream]);
    EXPECT_TRUE(std::isnan(scores.nll(stream, 0)));
    EXPECT_TRUE(std::isnan(scores.kl(stream, 0)));
    EXPECT_EQ(scores.top1(stream, 0), -1);
    for (size_t t = 1; t < kTokens; ++t) {
      const auto row = logits.row(t - 1);
      // The exponential of floats is good to 1.5e-7, and so is the float that a loss is stored in.
      EXPECT_NEAR(scores.nll(stream, t), testing::negative_log_likelihood(row, ids[t]), 2e-6);
      EXPECT_EQ(scores.top1(stream, t), std::ranges::max_element(row) - row.begin());
      EXPECT_NEAR(scores.kl(stream, t), divergence(reference.row(t - 1), row), 2e-6);
    }
  }
}

TEST(StreamScorer, ACacheThatHoldsEverythingDivergesByNothing) {
  const Scores scores = scores_of(policies(), {}, {kTokens});
  for (size_t t = 1; t < kTokens; ++t) {
    EXPECT_EQ(scores.kl(3, t), 0.0f);
    EXPECT_EQ(scores.nll(3, t), scores.nll(1, t));
  }
  double bounded = 0;
  for (size_t t = 1; t < kTokens; ++t) bounded += static_cast<double>(scores.kl(0, t));
  EXPECT_GT(bounded, 1e-3 * kTokens);
}

TEST(StreamScorer, PiecesBlocksThreadsAndInstructionSetsGiveTheSameBits) {
  const Scores expected = scores_of(policies(), {.threads = 1}, {kTokens});
  EXPECT_EQ(scores_of(policies(), {.threads = 1}, {1, 99, 50}), expected);
  for (const unsigned threads : {2u, 3u})
    for (const uint32_t block : {1u, 16u})
      EXPECT_EQ(scores_of(policies(), {.threads = threads, .block_tokens = block}, {100, 50}),
                expected);
  for (const Isa isa : {Isa::Scalar, Isa::Avx2, Isa::Avx512})
    if (isa <= best_isa()) {
      EXPECT_EQ(scores_of(policies(), {.isa = isa}, {kTokens}), expected) << isa_name(isa);
    }
}

TEST(Soften, GivesTheLikeliestOfAnyLengthAndALogarithmThatNothingIsLostFrom) {
  for (const size_t length : {1u, 15u, 16u, 17u, 40u}) {
    for (size_t top = 0; top < length; ++top) {
      std::vector<float> logits(length, -300.0f);
      logits[top] = 300.0f;
      const Distribution found = soften(kernels_for(best_isa()), logits);
      EXPECT_EQ(found.likeliest, static_cast<int32_t>(top));
      EXPECT_NEAR(found.log_sum, 300, 1e-4);
    }
  }
  // As many as a vocabulary has: a plain sum of floats would lose some 1e-5.
  std::vector<float> many;
  for (uint32_t i = 0; i < 49'152; ++i)
    many.push_back(static_cast<float>(i * 2'654'435'761u % 1'000'003) / 1e5f - 7.0f);
  const double loss = testing::negative_log_likelihood(many, 77);
  const auto logit = static_cast<double>(many[77]);
  EXPECT_NEAR(soften(kernels_for(best_isa()), many).log_sum - logit, loss, 1e-6);
  std::vector<float> even(8, 3.0f);
  EXPECT_NEAR(soften(kernels_for(best_isa()), even).log_sum, 3 + std::log(8.0), 1e-6);
}

}  // namespace
}  // namespace dendrokv
