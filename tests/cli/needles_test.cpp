// Planted facts: where they stand, what they say, and what cannot be planted.

#include "cli/needles.h"

#include <cmath>
#include <gtest/gtest.h>
#include <set>

#include "cli/needle_curves.h"
#include "cli/options.h"
#include "model/model.h"
#include "tests/support/files.h"

namespace dendrokv {
namespace {

const Tokenizer& tokenizer() {
  static const Model model =
      Model::load(testing::default_model(), LoadDepth::Describe, Arithmetic::Fast);
  return model.tokenizer();
}

constexpr int32_t kFiller = 260;  // a token that no fact has

PlantedText planted(const NeedlePlan& plan, std::vector<int32_t> first = {}) {
  return plant(plan, std::vector<int32_t>(plan.tokens, kFiller), first, tokenizer());
}

std::string text_of(const PlantedText& text, uint32_t first, uint32_t end) {
  return tokenizer().decode(std::span(text.ids).subspan(first, end - first));
}

const NeedlePlan kPlan{.depths = {0, 40, 200, 900}, .tokens = 1000, .seed = 5, .stream = 2};

TEST(Plant, PutsEachFactExactlySoManyTokensBeforeItsQuestion) {
  const PlantedText text = planted(kPlan);
  ASSERT_EQ(text.needles.size(), 4u);
  ASSERT_EQ(text.spans.size(), 8u);
  EXPECT_EQ(text.needles[0].question_first, kPlan.tokens);
  uint32_t question = kPlan.tokens;
  for (size_t i = 0; i < 4; ++i) {
    const Needle& needle = text.needles[i];
    const TextSpan &fact = text.spans[2 * i], &word = text.spans[2 * i + 1];
    EXPECT_EQ(needle.question_first, question);
    EXPECT_EQ(needle.question_first - fact.end, kPlan.depths[i]);
    EXPECT_EQ(text_of(text, fact.first, fact.end),
              "\n\nThe secret word of " + needle.subject + " is " + needle.answer + ".\n\n");
    EXPECT_EQ(text_of(text, word.first, word.end), " " + needle.answer);
    EXPECT_EQ(text_of(text, needle.question_first, needle.answer_end),
              "\n\nThe secret word of " + needle.subject + " is " + needle.answer);
    EXPECT_EQ(text_of(text, needle.answer_first, needle.answer_end), " " + needle.answer);
    question = needle.answer_end;
  }
  EXPECT_EQ(text.ids.size(), question);
  // All else is filler.
  std::set<uint32_t> facts;
  for (size_t i = 0; i < 4; ++i)
    for (uint32_t t = text.spans[2 * i].first; t < text.spans[2 * i].end; ++t) facts.insert(t);
  for (uint32_t t = 0; t < kPlan.tokens; ++t)
    if (!facts.contains(t)) {
      EXPECT_EQ(text.ids[t], kFiller) << t;
    }
}

TEST(Plant, FactsOfATextDifferAndDependOnSeedAndStreamAlone) {
  NeedlePlan plan{.depths = {}, .tokens = 4000, .seed = 1, .stream = 0};
  for (uint32_t depth = 0; depth < 64; ++depth) plan.depths.push_back(50 * depth);
  const PlantedText text = planted(plan);
  std::set<std::string> subjects, answers;
  for (const Needle& needle : text.needles) {
    EXPECT_TRUE(subjects.insert(needle.subject).second) << needle.subject;
    EXPECT_TRUE(answers.insert(needle.answer).second) << needle.answer;
  }
  EXPECT_EQ(planted(plan).ids, text.ids);
  plan.stream = 1;
  EXPECT_NE(planted(plan).ids, text.ids);
  plan.stream = 0;
  plan.seed = 2;
  EXPECT_NE(planted(plan).ids, text.ids);
}

TEST(Plant, KeepsTheFirstTokenOfTheModelInFront) {
  const PlantedText text = planted(kPlan, {1});
  EXPECT_EQ(text.ids[0], 1);
  EXPECT_EQ(text.needles[0].question_first, kPlan.tokens);
}

TEST(Plant, RefusesWhatHasNoPlace) {
  NeedlePlan deep = kPlan;
  deep.depths = {0, 1000};
  EXPECT_THROW(planted(deep), UsageError);
  NeedlePlan near = kPlan;
  near.depths = {0, 3};
  EXPECT_THROW(planted(near), UsageError);
  NeedlePlan many{.depths = {}, .tokens = 100'000};
  for (uint32_t depth = 0; depth < 65; ++depth) many.depths.push_back(50 * depth);
  EXPECT_THROW(planted(many), UsageError);
}

// The interval's ends are where the test of that probability, with its own variance, has p = 0.05.
TEST(NeedleCurves, AnIntervalOfWilson) {
  for (const auto& [found, facts] :
       {std::pair<uint64_t, uint64_t>{0, 6}, {3, 16}, {8, 8}, {5, 6}}) {
    Curve curve;
    curve.facts = facts;
    curve.found = found;
    const FoundInterval interval = found_interval(curve);
    const double share = static_cast<double>(found) / static_cast<double>(facts);
    for (const double end : {interval.low, interval.high}) {
      if (end == 0 || end == 1) continue;
      const double deviation = std::sqrt(end * (1 - end) / static_cast<double>(facts));
      EXPECT_NEAR(std::fabs(share - end) / deviation, 1.959964, 1e-5);
    }
    EXPECT_LE(interval.low, share);
    EXPECT_GE(interval.high, share);
  }
}

}  // namespace
}  // namespace dendrokv
