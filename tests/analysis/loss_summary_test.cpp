// Means of an evaluation against sums by hand; what the unit of an interval is.

#include "analysis/loss_summary.h"

#include <cmath>
#include <gtest/gtest.h>

namespace dendrokv {
namespace {

// Two policies; the second's loss is that of the first and `more`; at every fourth token the first
// one's likeliest token is right.
EvalText text_of(uint32_t tokens, float loss, float more, bool with_kl) {
  std::vector<int32_t> ids(tokens, 5);
  EvalText text = unscored_text("t", ids, 2, with_kl ? std::optional<uint32_t>(0) : std::nullopt);
  text.reached = tokens;
  text.seconds = 2;
  for (uint32_t t = 1; t < tokens; ++t) {
    text.nll(0, t) = loss + 0.25f * static_cast<float>(t % 2);
    text.nll(1, t) = text.nll(0, t) + more;
    text.top1(0, t) = t % 4 == 0 ? 5 : 6;
    text.top1(1, t) = 6;
    if (with_kl) {
      text.kl(0, t) = 0;
      text.kl(1, t) = 2 * more;
    }
  }
  text.cache[0] = {10, 10 * tokens, 10 * tokens * 100, 10 * tokens * tokens, tokens * 1000};
  text.cache[1] = {10, 70, 7000, 10 * tokens * 7, tokens * 300};
  return text;
}

EvalFile file_of(std::vector<EvalText> texts) {
  EvalFile file;
  file.policies = {"full", "bounded"};
  file.texts = std::move(texts);
  return file;
}

TEST(LossSummary, MeansAreOverAllTokensOfAllTexts) {
  EvalFile file = file_of({text_of(101, 1, 0.5f, true), text_of(301, 2, 0.25f, true)});
  file.reference = 0;
  const LossSummary summary = summarise(file, {}, 0.95, {.seed = 3, .draws = 999});
  EXPECT_EQ(summary.unit, ResamplingUnit::Texts);
  EXPECT_EQ(summary.units, 2u);
  EXPECT_EQ(summary.tokens, 402u);
  EXPECT_EQ(summary.seconds, 4);
  const PolicySummary &full = summary.policies[0], &bounded = summary.policies[1];
  EXPECT_EQ(full.tokens_scored, 400u);
  EXPECT_NEAR(full.nll.mean, (100 * 1.125 + 300 * 2.125) / 400, 1e-12);
  EXPECT_NEAR(full.perplexity, std::exp(full.nll.mean), 1e-12);
  EXPECT_NEAR(bounded.difference.mean, (100 * 0.5 + 300 * 0.25) / 400, 1e-6);
  EXPECT_NEAR(bounded.kl.mean, 2 * bounded.difference.mean, 1e-6);
  EXPECT_EQ(full.difference.mean, 0);
  EXPECT_EQ(full.hits.mean, 0.25);
  EXPECT_EQ(bounded.hits.mean, 0);
  EXPECT_EQ(bounded.agreement.mean, 0.75);
  EXPECT_EQ(full.agreement.mean, 1);
  // Draws of two texts: either of them twice, or both.
  EXPECT_NEAR(full.nll.lower, 1.125, 1e-12);
  EXPECT_NEAR(full.nll.upper, 2.125, 1e-12);
  EXPECT_NEAR(bounded.difference.lower, 0.25, 1e-6);
  EXPECT_NEAR(bounded.difference.upper, 0.5, 1e-6);
}

TEST(LossSummary, CachesCountTheMostHeldAndAllThatWasRead) {
  const EvalFile file = file_of({text_of(101, 1, 0.5f, false), text_of(301, 2, 0.25f, false)});
  const LossSummary summary = summarise(file, {}, 0.95, {.draws = 99});
  const PolicySummary &full = summary.policies[0], &bounded = summary.policies[1];
  EXPECT_EQ(full.rows_held, 301);
  EXPECT_EQ(full.cache.most_bytes, 301'000u);
  EXPECT_NEAR(full.rows_read, (101.0 * 101 + 301.0 * 301) / 402, 1e-9);
  EXPECT_EQ(bounded.rows_held, 7);
  EXPECT_EQ(bounded.rows_read, 7);
  EXPECT_EQ(bounded.bytes_read, 300);
  EXPECT_TRUE(std::isnan(bounded.kl.mean));
  EXPECT_TRUE(std::isnan(bounded.agreement.mean));
}

TEST(LossSummary, OneTextIsDrawnInBlocks) {
  const EvalFile file = file_of({text_of(64 * 40 + 1, 1, 0.5f, false)});
  const LossSummary summary = summarise(file, {}, 0.95, {.draws = 999});
  EXPECT_EQ(summary.unit, ResamplingUnit::Blocks);
  EXPECT_EQ(summary.block_tokens, 80u);
  EXPECT_EQ(summary.units, 32u);
  EXPECT_NEAR(summary.policies[1].difference.mean, 0.5, 1e-6);
  EXPECT_NEAR(summary.policies[1].difference.lower, 0.5, 1e-6);
  EXPECT_LE(summary.policies[0].nll.lower, summary.policies[0].nll.mean);
  // Tokens that are left out, and a rest that is too short for a block of its own.
  EvalFile later = file_of({text_of(164, 1, 0.5f, false)});
  later.scored_from = 15;
  const LossSummary short_summary = summarise(later, {}, 0.95, {.draws = 99});
  EXPECT_EQ(short_summary.units, 2u);
  EXPECT_EQ(short_summary.policies[0].tokens_scored, 149u);
}

TEST(LossSummary, WhatIsToldOfOneUnitHasNoLimits) {
  const LossSummary summary =
      summarise(file_of({text_of(30, 1, 0.5f, false)}), {}, 0.95, {.draws = 99});
  EXPECT_EQ(summary.units, 1u);
  EXPECT_TRUE(std::isnan(summary.policies[0].nll.lower));
  EXPECT_NEAR(summary.policies[1].difference.mean, 0.5, 1e-6);
}

TEST(LossSummary, ABlockBootstrapFindsTheSpreadOfItsBlocks) {
  // Blocks of loss 1 and 3 in turn: the mean of 32 draws has a standard error of 1 / sqrt(32).
  EvalFile file = file_of({text_of(64 * 32 + 1, 0, 0, false)});
  EvalText& text = file.texts[0];
  for (uint32_t t = 1; t < text.reached; ++t)
    text.nll(0, t) = text.nll(1, t) = (t - 1) / 64 % 2 == 0 ? 1.0f : 3.0f;
  const LossSummary summary = summarise(file, {}, 0.95, {.draws = 9999});
  EXPECT_EQ(summary.units, 32u);
  EXPECT_NEAR(summary.policies[0].nll.mean, 2, 1e-12);
  EXPECT_NEAR(summary.policies[0].nll.upper - 2, 1.96 / std::sqrt(32.0), 0.05);
  EXPECT_NEAR(2 - summary.policies[0].nll.lower, 1.96 / std::sqrt(32.0), 0.05);
}

}  // namespace
}  // namespace dendrokv
