// Shares of spans against a recount, token by token and lane by lane, from when positions left.

#include "data/span_survival.h"

#include <algorithm>
#include <cmath>
#include <gtest/gtest.h>

namespace dendrokv {
namespace {

constexpr uint32_t kLayers = 3, kLanes = 4, kTokens = 60;

// Positions leave in an order that differs from lane to lane; some stay.
Run scattered_run() {
  Run run;
  run.retention = Retention(kLayers, kLanes, kTokens);
  for (uint32_t lane = 0; lane < kLayers * kLanes; ++lane)
    for (uint32_t position = 0; position < kTokens; ++position) {
      const uint32_t step = position + (position * 7 + lane * 13) % 50;
      if (step < kTokens && (position + lane) % 3 != 0)
        run.retention.record(Layer(lane / kLanes), Lane(lane % kLanes),
                             {Position(position), Step(step)});
    }
  return run;
}

const std::vector<TextSpan> kSpans{
    {"start", 0, 5}, {"one", 17, 18}, {"middle", 20, 41}, {"end", 58, 60}};

std::vector<Step> every_step() {
  std::vector<Step> steps;
  for (uint32_t step = 0; step < kTokens; ++step) steps.emplace_back(step);
  return steps;
}

TEST(SpanSurvival, SharesAreThoseOfARecount) {
  const dendrokv::Run run = scattered_run();
  const std::vector<Step> steps = every_step();
  const SpanSurvival found = survival(run, kSpans, steps);
  for (size_t s = 0; s < kSpans.size(); ++s)
    for (const Step step : steps) {
      if (step.value + 1 < kSpans[s].end) {
        EXPECT_TRUE(std::isnan(found.kept(s, step.index())));
        continue;
      }
      std::vector<double> shares;
      double held = 0;
      for (uint32_t lane = 0; lane < kLayers * kLanes; ++lane) {
        double of_lane = 0;
        for (uint32_t position = kSpans[s].first; position < kSpans[s].end; ++position)
          of_lane += run.retention.kept_after(Layer(lane / kLanes), Lane(lane % kLanes),
                                              Position(position), step)
                         ? 1
                         : 0;
        held += of_lane;
        shares.push_back(of_lane / (kSpans[s].end - kSpans[s].first));
      }
      const double share = held / (kSpans[s].end - kSpans[s].first) / (kLayers * kLanes);
      EXPECT_NEAR(found.kept(s, step.index()), share, 1e-6);
      EXPECT_NEAR(fraction_held(run.retention, kSpans[s], step), share, 1e-6);
      std::ranges::sort(shares);
      const size_t row = s * kSpanQuantiles.size();
      EXPECT_FLOAT_EQ(found.quantiles(row, step.index()), static_cast<float>(shares.front()));
      EXPECT_FLOAT_EQ(found.quantiles(row + 1, step.index()), static_cast<float>(shares[2]));
      EXPECT_FLOAT_EQ(found.quantiles(row + 2, step.index()), static_cast<float>(shares[5]));
      EXPECT_FLOAT_EQ(found.quantiles(row + 4, step.index()), static_cast<float>(shares.back()));
    }
}

TEST(SpanSurvival, HeldUntilIsTheLastStepAtWhichATokenWasThere) {
  const dendrokv::Run run = scattered_run();
  const std::vector<Step> steps = every_step();
  const SpanSurvival found = survival(run, kSpans, steps);
  ASSERT_EQ(found.held_until.size(), kSpans.size() * kLayers * kLanes);
  EXPECT_EQ(found.layers, kLayers);
  EXPECT_EQ(found.lanes, kLanes);
  size_t gone = 0;
  for (size_t s = 0; s < kSpans.size(); ++s)
    for (uint32_t lane = 0; lane < kLayers * kLanes; ++lane) {
      const auto any_after = [&](uint32_t step) {
        for (uint32_t position = kSpans[s].first; position < kSpans[s].end; ++position)
          if (run.retention.kept_after(Layer(lane / kLanes), Lane(lane % kLanes),
                                       Position(position), Step(step)))
            return true;
        return false;
      };
      const int32_t until = found.held_until[s * kLayers * kLanes + lane];
      EXPECT_EQ(until < 0, any_after(kTokens - 1));
      if (until < 0) continue;
      ++gone;
      EXPECT_FALSE(any_after(static_cast<uint32_t>(until)));
      if (static_cast<uint32_t>(until) >= kSpans[s].end) {
        EXPECT_TRUE(any_after(static_cast<uint32_t>(until) - 1));
      }
    }
  EXPECT_GT(gone, 0u);
}

}  // namespace
}  // namespace dendrokv
