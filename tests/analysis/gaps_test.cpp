// Signals with gaps: what each policy does, and that the reported spread is exactly what a gap
// reaches.

#include "analysis/gaps.h"

#include <cmath>
#include <gtest/gtest.h>
#include <limits>
#include <random>

#include "data/error.h"

namespace dendrokv {
namespace {

constexpr double kNothing = std::numeric_limits<double>::quiet_NaN();

std::vector<double> noise(size_t count) {
  std::mt19937 draw(8);
  std::normal_distribution<double> normal;
  std::vector<double> numbers(count);
  for (double& number : numbers) number = normal(draw);
  return numbers;
}

struct Outcome {
  std::vector<std::vector<double>> bands;
  GapReport report;
};

Outcome outcome_of(const Dwt& dwt, const std::vector<double>& x, Gaps policy) {
  Outcome outcome;
  std::vector<SignalView<double>> views;
  for (uint32_t b = 0; b <= dwt.levels(); ++b)
    outcome.bands.emplace_back(dwt.length(b == 0 ? 0 : dwt.levels() + 1 - b));
  for (auto& band : outcome.bands) views.push_back(line_view(band.data(), band.size()));
  outcome.report = forward_with_gaps<double>(dwt, line_view(x.data(), x.size()), views, policy);
  return outcome;
}

Outcome outcome_of(const Modwt& modwt, const std::vector<double>& x, Gaps policy) {
  Outcome outcome;
  outcome.bands.assign(modwt.levels() + 1, std::vector<double>(x.size()));
  std::vector<SignalView<double>> views;
  for (auto& band : outcome.bands) views.push_back(line_view(band.data(), band.size()));
  const SignalView<double> smooth = views.back();
  views.pop_back();
  outcome.report =
      forward_with_gaps<double>(modwt, line_view(x.data(), x.size()), views, smooth, policy);
  return outcome;
}

TEST(Gaps, AreFoundAndFilledByTheLineBetweenTheirNeighbours) {
  std::vector<double> x = {kNothing, 2, kNothing, kNothing, 8, INFINITY};
  const auto gaps = gaps_of<double>(x);
  ASSERT_EQ(gaps.size(), 3u);
  EXPECT_EQ(gaps[1].first, 2u);
  EXPECT_EQ(gaps[1].count, 2u);
  fill_gaps<double>(x);
  EXPECT_EQ(x, (std::vector<double>{2, 2, 4, 6, 8, 8}));
  std::vector<double> nothing(3, kNothing);
  EXPECT_THROW(fill_gaps<double>(nothing), Error);
}

// A masked coefficient is one that changes when the missing samples change; all others have the
// bits of the whole signal.
template <class Transform>
void expect_exact_mask(const Transform& transform, size_t length, const std::string& what) {
  const auto whole = noise(length);
  auto other = whole, holed = whole;
  const size_t first = length / 3;
  for (size_t p = first; p < first + 4; ++p) {
    other[p] += 1.37 + 0.61 * static_cast<double>(p % 3);
    holed[p] = kNothing;
  }
  const Outcome a = outcome_of(transform, whole, Gaps::Error),
                b = outcome_of(transform, other, Gaps::Error);
  const Outcome masked = outcome_of(transform, holed, Gaps::Mask);
  EXPECT_EQ(masked.report.missing, 4u);
  for (size_t band = 0; band < a.bands.size(); ++band) {
    size_t lost = 0;
    for (size_t k = 0; k < a.bands[band].size(); ++k) {
      const bool missing = std::isnan(masked.bands[band][k]);
      lost += missing;
      if (missing) continue;
      ASSERT_EQ(masked.bands[band][k], a.bands[band][k])
          << what << " band " << band << " coefficient " << k;
      ASSERT_EQ(a.bands[band][k], b.bands[band][k])
          << what << " band " << band << " coefficient " << k;
    }
    EXPECT_EQ(masked.report.spread[band], lost) << what;
    EXPECT_GT(lost, 0u);
    EXPECT_LT(lost, a.bands[band].size()) << what << " band " << band;
  }
}

TEST(Gaps, MaskLosesWhatSeesAGapAndNothingElse) {
  for (const char* name : {"haar", "db3", "bior2.2"})
    for (const Boundary boundary :
         {Boundary::Symmetric, Boundary::Periodization, Boundary::Causal, Boundary::Smooth})
      expect_exact_mask(Dwt(find_wavelet(name), boundary, 301, 3), 301,
                        std::string(name) + " " + std::string(boundary_name(boundary)));
  for (const Undecimated kind : {Undecimated::Modwt, Undecimated::Stationary})
    expect_exact_mask(Modwt(find_wavelet("db2"), 301, 3, kind), 301, "undecimated");
}

// Haar, level j: a causal window of 2^j positions sees a gap of g from its first position to 2^j -
// 1 past its last.
TEST(Gaps, SpreadOfTheCausalHaarIsItsFilter) {
  auto x = noise(200);
  for (size_t p = 50; p < 57; ++p) x[p] = kNothing;
  const Outcome masked = outcome_of(Modwt(find_wavelet("haar"), 200, 4), x, Gaps::Mask);
  for (uint32_t level = 1; level <= 4; ++level)
    EXPECT_EQ(masked.report.spread[level - 1], 7 + (size_t{1} << level) - 1);
}

TEST(Gaps, InterpolateFillsAndCounts) {
  auto x = noise(64);
  auto filled = x;
  x[10] = kNothing;
  filled[10] = (x[9] + x[11]) / 2;
  const Dwt dwt(find_wavelet("db2"), Boundary::Reflect, 64, 3);
  const Outcome outcome = outcome_of(dwt, x, Gaps::Interpolate),
                wanted = outcome_of(dwt, filled, Gaps::Error);
  EXPECT_EQ(outcome.bands, wanted.bands);
  EXPECT_GT(outcome.report.spread[0], 0u);
  EXPECT_EQ(wanted.report.spread, std::vector<size_t>(4, 0));
}

TEST(Gaps, ErrorNamesTheFirstPosition) {
  auto x = noise(64);
  x[41] = x[50] = kNothing;
  try {
    outcome_of(Dwt(find_wavelet("haar"), Boundary::Zero, 64, 2), x, Gaps::Error);
    FAIL();
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("position 41"), std::string::npos) << error.what();
  }
  EXPECT_EQ(parse_gaps(gaps_name(Gaps::Mask)), Gaps::Mask);
  EXPECT_THROW(parse_gaps("zero"), Error);
}

// Each channel has its own gaps; strides are those of the views.
TEST(Gaps, EverySignalOfABatchHasItsOwn) {
  constexpr size_t kPositions = 32, kChannels = 3;
  auto x = noise(kPositions * kChannels);
  x[5 * kChannels + 1] = kNothing;
  std::vector<double> out(x.size());
  const Dwt dwt(find_wavelet("haar"), Boundary::Periodization, kPositions, 2);
  const auto bands = dwt.bands_of(rows_view(GridView<double>(out.data(), kPositions, kChannels)));
  const GapReport report = forward_with_gaps<double>(
      dwt, rows_view(GridView<const double>(x.data(), kPositions, kChannels)), bands, Gaps::Mask);
  EXPECT_EQ(report.spread, (std::vector<size_t>{1, 1, 1}));
  for (size_t i = 0; i < out.size(); ++i) {
    if (i % kChannels != 1) {
      EXPECT_TRUE(std::isfinite(out[i])) << i;
    }
  }
}

}  // namespace
}  // namespace dendrokv
