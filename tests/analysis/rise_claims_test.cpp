// Verdicts on documents whose truth is known: weighted white noise is not called a rise of relative
// variability, a planted rise is found; and each verdict on curves made for it.

#include "analysis/rise_claims.h"

#include <algorithm>
#include <cmath>
#include <gtest/gtest.h>
#include <map>

#include "analysis/position_bins.h"
#include "analysis/random.h"
#include "tests/analysis/measured_rise.h"

namespace dendrokv {
namespace {

using testing::rise_of;

const Claim& claim(const std::vector<Claim>& claims, std::string_view name) {
  const auto found = std::ranges::find(claims, name, &Claim::name);
  EXPECT_NE(found, claims.end()) << name;
  return *found;
}

// --- documents made of curves

// ln amplitude: at level 1 `high` * u, at the last `low` * u, between them in between; u from 0 to
// 1 over 6 bins; noise 0.05.
std::vector<DocumentRise> drawn_curves(size_t documents, double high, double low, double jump = 0) {
  constexpr size_t kLevels = 3, kBins = 6;
  std::vector<DocumentRise> rises;
  for (size_t d = 0; d < documents; ++d) {
    RandomStream random(31, d);
    DocumentRise rise{Grid<double>(kLevels, kBins), std::vector<double>(kBins), {}};
    for (size_t level = 0; level < kLevels; ++level)
      for (size_t bin = 0; bin < kBins; ++bin) {
        const double u = static_cast<double>(bin) / (kBins - 1),
                     share = static_cast<double>(level) / (kLevels - 1);
        rise.amplitude(level, bin) =
            (high * (1 - share) + low * share) * u + (bin >= 3 ? jump : 0) + 0.05 * random.normal();
      }
    rises.push_back(std::move(rise));
  }
  return rises;
}

std::vector<Claim> judged(const std::vector<DocumentRise>& documents) {
  return judge_rise(documents, {}, {});
}

TEST(JudgeRise, ASteadyRiseIsShownMonotoneAndSmooth) {
  const auto claims = judged(drawn_curves(24, 2, 2));
  EXPECT_EQ(claim(claims, "rise").verdict, Verdict::Shown);
  EXPECT_NEAR(claim(claims, "rise").effect, 2, 0.1);
  EXPECT_LT(claim(claims, "rise").lower, 2.05);
  EXPECT_GT(claim(claims, "rise").upper, 1.95);
  EXPECT_EQ(claim(claims, "monotone").verdict, Verdict::Shown);
  EXPECT_EQ(claim(claims, "smooth").verdict, Verdict::Shown);
  EXPECT_EQ(claim(claims, "high-most").verdict, Verdict::NotContradicted);
  EXPECT_EQ(claims.size(), 5u);  // none beyond a null
}

TEST(JudgeRise, AFallIsContradicted) {
  const auto claims = judged(drawn_curves(24, -1, -1));
  EXPECT_EQ(claim(claims, "rise").verdict, Verdict::Contradicted);
  EXPECT_EQ(claim(claims, "monotone").verdict, Verdict::Contradicted);
  EXPECT_EQ(claim(claims, "smooth").verdict, Verdict::NotTestable);
}

TEST(JudgeRise, TheSteepestLevelIsTold) {
  EXPECT_EQ(claim(judged(drawn_curves(24, 2, 1)), "high-most").verdict, Verdict::Shown);
  EXPECT_EQ(claim(judged(drawn_curves(24, 1, 2)), "high-most").verdict, Verdict::Contradicted);
}

TEST(JudgeRise, AJumpIsNotSmooth) {
  const auto claims = judged(drawn_curves(24, 0, 0, 2));
  EXPECT_EQ(claim(claims, "rise").verdict, Verdict::Shown);
  EXPECT_EQ(claim(claims, "smooth").verdict, Verdict::Contradicted);
  EXPECT_GT(claim(claims, "smooth").lower, 0);
}

// The interval that a verdict comes with is that of the step that decides it.
TEST(JudgeRise, AContradictionNamesTheStepThatFalls) {
  std::vector<DocumentRise> documents = drawn_curves(24, 2, 2);
  for (size_t d = 0; d < documents.size(); ++d) {
    RandomStream random(77, d);
    for (size_t level = 0; level < 3; ++level) {
      documents[d].amplitude(level, 2) -= 1;
      documents[d].amplitude(level, 5) += 2 * random.normal();  // the lowest lower limit
    }
  }
  const Claim found = claim(judged(documents), "monotone");
  EXPECT_EQ(found.verdict, Verdict::Contradicted);
  EXPECT_LT(found.upper, 0);
  EXPECT_NEAR(found.effect, 0.4 - 1, 0.1);
}

// A document whose weights in a bin are all 0 has no logarithm there.
TEST(JudgeRise, ABinWithoutANumberIsNotTestable) {
  std::vector<DocumentRise> documents = drawn_curves(24, 2, 2);
  documents[3].amplitude(0, 4) = std::nan("");
  for (const Claim& found : judged(documents)) {
    if (found.name == "rise-relative" || found.name == "high-most" || found.name == "rise" ||
        found.name == "monotone" || found.name == "smooth") {
      EXPECT_EQ(found.verdict, Verdict::NotTestable) << found.name;
    }
  }
}

TEST(JudgeRise, FewDocumentsDecideNothing) {
  for (const Claim& c : judged(drawn_curves(least_documents(0, 0.05) - 1, 2, 1)))
    EXPECT_EQ(c.verdict, Verdict::NotTestable) << c.name;
  EXPECT_EQ(verdict_name(Verdict::NotTestable), "not testable with this sample");
}

TEST(JudgeRise, TheLeastNumberOfDocumentsCanDecide) {
  EXPECT_EQ(claim(judged(drawn_curves(least_documents(0, 0.05), 2, 2)), "rise").verdict,
            Verdict::Shown);
}

// m claims adjusted after Benjamini and Yekutieli: the least p-value of n sign flips, 2^-n, times m
// (1 + 1/2 + ... + 1/m).
TEST(JudgeRise, TheLeastNumberFollowsFromTheAdjustment) {
  EXPECT_EQ(least_documents(0, 0.05), 7u);   // 3 * 11/6 / 128 = 0.043
  EXPECT_EQ(least_documents(1, 0.05), 8u);   // 5 * 137/60 / 256 = 0.045
  EXPECT_EQ(least_documents(6, 0.05), 10u);  // 15 * 3.318 / 1024 = 0.0486
}

TEST(JudgeRise, WithoutBinsNothingIsTestable) {
  const std::string nulls[] = {"shuffle-values"};
  const auto claims = claims_without_bins(nulls, 30);
  EXPECT_EQ(claims.size(), judge_rise(drawn_curves(24, 2, 2), {}, {}).size() + 2);
  for (const Claim& c : claims) {
    EXPECT_EQ(c.verdict, Verdict::NotTestable);
    EXPECT_TRUE(std::isnan(c.effect));
    EXPECT_EQ(c.units, 30u);
  }
}

// --- documents made of weights and values

// Weights fall with the square root of the distance; each channel is a first-order autoregression
// whose coefficient goes from `start` to 0 at the end, of constant variance: 0 gives white noise.
DocumentRise simulated(uint64_t repetition, uint64_t document, double start) {
  constexpr size_t kPositions = 256, kChannels = 16;
  constexpr uint32_t kLevels = 5;
  RandomStream random(41 + repetition, document);
  Grid<float> weights(1, kPositions), values(kPositions, kChannels);
  for (size_t p = 0; p < kPositions; ++p)
    weights(0, p) = 1 / std::sqrt(static_cast<float>(kPositions - p));
  for (size_t p = 0; p < kPositions; ++p) {
    const double coefficient = start * (1 - static_cast<double>(p) / kPositions);
    for (size_t c = 0; c < kChannels; ++c) {
      const double before = p == 0 ? random.normal() : static_cast<double>(values(p - 1, c));
      values(p, c) = static_cast<float>(coefficient * before +
                                        std::sqrt(1 - coefficient * coefficient) * random.normal());
    }
  }
  const IndexRange usable{0, kPositions};
  const BandTransform transform({}, kPositions);
  const BinMap bins(position_bins(usable, kLevels), kPositions);
  return rise_of(transform, weights, values, usable, bins,
                 {find_surrogate("shuffle-values"), 2, repetition}, document);
}

const std::string kNulls[] = {"shuffle-values"};
constexpr size_t kRepetitions = 300, kDocuments = 12;

// How often each claim is shown.
std::map<std::string, double> share_shown(double start) {
  std::map<std::string, double> shown;
  for (uint64_t repetition = 0; repetition < kRepetitions; ++repetition) {
    std::vector<DocumentRise> documents;
    for (uint64_t d = 0; d < kDocuments; ++d) documents.push_back(simulated(repetition, d, start));
    const JudgeOptions options{.resampling = {.seed = repetition, .draws = 999}};
    for (const Claim& c : judge_rise(documents, kNulls, options))
      shown[c.name] += c.verdict == Verdict::Shown ? 1.0 / kRepetitions : 0;
  }
  return shown;
}

TEST(Calibration, WeightedWhiteNoiseIsNoRiseOfRelativeVariability) {
  auto shown = share_shown(0);
  EXPECT_GT(shown["rise"], 0.9);  // it does contribute more towards the end
  EXPECT_LE(shown["rise-relative"], 0.06);
  EXPECT_LE(shown["rise-beyond-shuffle-values"], 0.06);
  EXPECT_LE(shown["high-most"], 0.06);
  EXPECT_LE(shown["high-most-beyond-shuffle-values"], 0.06);
}

// Neighbours correlate by 0.4 at the start, not at all at the end.
TEST(Calibration, APlantedRiseIsFound) {
  auto shown = share_shown(0.4);
  EXPECT_GE(shown["rise-relative"], 0.9);
  EXPECT_GE(shown["rise-beyond-shuffle-values"], 0.9);
  EXPECT_GE(shown["high-most"], 0.9);
  EXPECT_GE(shown["high-most-beyond-shuffle-values"], 0.9);
}

// The only step between two bins carries the whole rise, whatever the text is like.
TEST(JudgeRise, TwoBinsCannotTellAJumpFromASlope) {
  std::vector<DocumentRise> documents;
  for (size_t d = 0; d < 24; ++d) {
    RandomStream random(6, d);
    DocumentRise rise{Grid<double>(2, 2), std::vector<double>(2), {}};
    for (size_t level = 0; level < 2; ++level)
      for (size_t bin = 0; bin < 2; ++bin)
        rise.amplitude(level, bin) = static_cast<double>(bin) + 0.05 * random.normal();
    documents.push_back(std::move(rise));
  }
  const auto claims = judged(documents);
  EXPECT_EQ(claim(claims, "rise").verdict, Verdict::Shown);
  EXPECT_EQ(claim(claims, "monotone").verdict, Verdict::Shown);
  EXPECT_EQ(claim(claims, "smooth").verdict, Verdict::NotTestable);
}

// 24 documents have more flips than are drawn: no p-value is below 1 / (1 + draws), and the
// adjustment for three claims takes 5.5 times as much.
TEST(JudgeRise, FewDrawsDecideNothing) {
  const auto documents = drawn_curves(24, 2, 2);
  const auto verdict = [&](double significance, size_t draws) {
    const JudgeOptions options{significance, {1, draws}};
    return claim(judge_rise(documents, {}, options), "rise").verdict;
  };
  EXPECT_EQ(verdict(0.05, 108), Verdict::NotTestable);
  EXPECT_EQ(verdict(0.05, 110), Verdict::Shown);
  EXPECT_EQ(verdict(0.001, 1999), Verdict::NotTestable);
  EXPECT_EQ(verdict(0.001, 5999), Verdict::Shown);
}

}  // namespace
}  // namespace dendrokv
