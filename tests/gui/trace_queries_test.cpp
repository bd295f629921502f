#include "gui/trace_queries.h"

#include <cmath>
#include <gtest/gtest.h>

#include "analysis/modwt.h"
#include "tests/gui/sample_trace.h"
#include "tests/support/files.h"

namespace dendrokv {
namespace {

const Cancelled kNever = [] { return false; };

class TraceQueriesTest : public ::testing::Test {
 protected:
  testing::TemporaryFolder folder;
  std::optional<TraceReader> trace;

  void open(const testing::SampleOptions& options) {
    testing::write_sample_trace(folder / "t.h5", options);
    trace.emplace(folder / "t.h5");
  }
  const TraceInfo& info() const { return trace->info(); }

  /// One weight, read alone.
  float weight(size_t layer, size_t head, size_t step, size_t position) const {
    float value = 0;
    trace->read_weights(layer, head, {step, 1}, {position, 1}, GridView<float>(&value, 1, 1));
    return value;
  }
};

testing::SampleOptions small() {
  testing::SampleOptions options;
  options.tokens = 40;
  options.layers = 2;
  return options;
}

testing::SampleOptions closed_loop() {
  testing::SampleOptions options = small();
  options.policy = "treekv:capacity=8,sinks=2,recent=4";
  return options;
}

TEST_F(TraceQueriesTest, ACancelledReadGivesNothing) {
  open(small());
  EXPECT_FALSE(read_row(*trace, {{{0, {0}}}, 39}, [] { return true; }));
  EXPECT_FALSE(read_map(*trace, 39, [] { return true; }));
}

TEST_F(TraceQueriesTest, RowWeightsAreTheMeanOverHeads) {
  open(closed_loop());
  for (const size_t step : {size_t{0}, size_t{12}, size_t{39}}) {
    const auto row = read_row(*trace, {{{1, {0, 1}}}, step}, kNever);
    ASSERT_EQ(row->weight.size(), step + 1);
    for (size_t p = 0; p <= step; ++p) {
      const double wanted = (double{weight(1, 0, step, p)} + double{weight(1, 1, step, p)}) / 2;
      ASSERT_EQ(std::isnan(row->weight[p]), std::isnan(wanted));
      if (!std::isnan(wanted)) {
        ASSERT_NEAR(double{row->weight[p]}, wanted, 1e-6 * wanted);
      }
    }
  }
}

/// mean over channels of |block mean of 2^(l-1) less block mean of 2^l|, blocks counted from the
/// window's start.
double plain_band(const Grid<double>& signal, size_t level, size_t at) {
  const auto block_mean = [&](size_t channel, size_t size) {
    double sum = 0;
    for (size_t p = at / size * size; p < at / size * size + size; ++p) sum += signal(p, channel);
    return sum / static_cast<double>(size);
  };
  double sum = 0;
  for (size_t channel = 0; channel < signal.cols(); ++channel)
    sum +=
        std::abs(block_mean(channel, size_t{1} << level) - block_mean(channel, size_t{2} << level));
  return sum / static_cast<double>(signal.cols());
}

TEST_F(TraceQueriesTest, BandsAreThoseOfAPlainHaarTransform) {
  open(closed_loop());
  const RowRequest request{{{1, {1, 2, 3}}}, 38};
  const auto row = read_row(*trace, request, kNever);
  // 39 positions: one block of 32, that ends at the query.
  ASSERT_EQ(row->window.first, 7u);
  ASSERT_EQ(row->window.count, 32u);
  ASSERT_EQ(row->bands.size(), kBandLevels);
  ASSERT_EQ(row->bands[0].size(), 39u);
  Grid<double> wanted(kBandLevels, 32);
  for (const size_t head : request.heads.front().heads) {
    Grid<double> signal(32, info().model.head_dim);
    Grid<float> values(32, info().model.head_dim);
    trace->read_values(1, info().kv_head_of(info().heads[head]), row->window, values.view());
    for (size_t p = 0; p < 32; ++p) {
      const float w = weight(1, head, 38, 7 + p);
      for (size_t channel = 0; channel < signal.cols(); ++channel)
        signal(p, channel) = std::isnan(w) ? 0 : double{w} * double{values(p, channel)};
    }
    for (size_t level = 0; level < kBandLevels; ++level)
      for (size_t p = 0; p < 32; ++p) wanted(level, p) += plain_band(signal, level, p) / 3;
  }
  for (size_t level = 0; level < kBandLevels; ++level) {
    for (size_t p = 0; p < 7; ++p) EXPECT_TRUE(std::isnan(row->bands[level].at(p)));
    for (size_t p = 0; p < 32; ++p)
      // Differences of float products of the size of 0.1.
      EXPECT_NEAR(double{row->bands[level].at(7 + p)}, wanted(level, p), 1e-7) << level << " " << p;
  }
}

TEST_F(TraceQueriesTest, ShortStepsHaveNoBands) {
  open(small());
  EXPECT_EQ(read_row(*trace, {{{0, {0}}}, 30}, kNever)->window.count, 0u);
  EXPECT_EQ(read_row(*trace, {{{0, {0}}}, 31}, kNever)->window.count, 32u);
  const auto map = read_map(*trace, 30, kNever);
  EXPECT_EQ(map->window.count, 0u);
  for (const float growth : map->growth.all()) EXPECT_TRUE(std::isnan(growth));
}

TEST_F(TraceQueriesTest, TheMapIsTheMeanOfTheRowsAndComparesItsEnds) {
  testing::SampleOptions options;
  options.tokens = 130;
  options.layers = 2;
  open(options);
  const auto map = read_map(*trace, 129, kNever);
  ASSERT_EQ(map->window.count, 128u);
  Grid<double> mean(kBandLevels, 130);
  for (size_t layer = 0; layer < 2; ++layer)
    for (size_t head = 0; head < 4; ++head) {
      const auto row = read_row(*trace, {{{layer, {head}}}, 129}, kNever);
      for (size_t level = 0; level < kBandLevels; ++level)
        for (size_t p = 2; p < 130; ++p) mean(level, p) += double{row->bands[level].at(p)} / 8;
      // 128 less margins of 32 leave 64: quarters of 16.
      double start = 0, end = 0;
      for (size_t p = 0; p < 16; ++p) {
        start += double{row->bands[0].at(2 + 32 + p)};
        end += double{row->bands[0].at(2 + 32 + 48 + p)};
      }
      EXPECT_NEAR(double{map->growth(layer, head)}, end / start, 1e-5 * end / start);
    }
  for (size_t level = 0; level < kBandLevels; ++level)
    // Sums of eight floats of the size of 0.1.
    for (size_t p = 2; p < 130; ++p)
      EXPECT_NEAR(double{map->bands[level].at(p)}, mean(level, p), 1e-7);
}

TEST_F(TraceQueriesTest, TheMapHasTheEntropyAndTheSinkOfEveryRow) {
  open(closed_loop());
  const auto map = read_map(*trace, 39, kNever);
  for (size_t layer = 0; layer < 2; ++layer)
    for (size_t head = 0; head < 4; ++head) {
      double entropy = 0;
      for (size_t p = 0; p < 40; ++p) {
        const double w = double{weight(layer, head, 39, p)};
        if (w > 0) entropy -= w * std::log(w);
      }
      EXPECT_NEAR(double{map->entropy(layer, head)}, entropy, 1e-5);
      EXPECT_EQ(map->sink(layer, head), weight(layer, head, 39, 0));
    }
}

TEST_F(TraceQueriesTest, ContributionLengthsAreWeightTimesValueLength) {
  open(closed_loop());
  const auto row = read_row(*trace, {{{1, {1, 2}}}, 39}, kNever);
  for (size_t p = 0; p < 40; ++p) {
    double wanted = 0;
    for (const size_t head : {size_t{1}, size_t{2}}) {
      Grid<float> value(1, info().model.head_dim);
      trace->read_values(1, info().kv_head_of(info().heads[head]), {p, 1}, value.view());
      double square = 0;
      for (const float v : value.all()) square += double{v} * double{v};
      const float w = weight(1, head, 39, p);
      wanted += std::isnan(w) ? 0 : double{w} * std::sqrt(square) / 2;
    }
    EXPECT_NEAR(double{row->contribution[p]}, wanted, 1e-6 * (1 + wanted)) << p;
  }
}

TEST(ScalogramOf, AChirpPeaksAtItsScale) {
  // Two stretches of one period each: 8 positions, then 64.
  std::vector<float> signal(4096);
  for (size_t p = 0; p < signal.size(); ++p)
    signal[p] = static_cast<float>(
        std::sin(2 * 3.14159265358979 * static_cast<double>(p) / (p < 2048 ? 8.0 : 64.0)));
  const Scalogram scalogram = scalogram_of(signal);
  const auto loudest = [&](size_t first, size_t end) {
    size_t best = 0;
    float most = 0;
    for (size_t level = 0; level < scalogram.levels.size(); ++level) {
      const Scalogram::Level& row = scalogram.levels[level];
      const float here = row.magnitude.over(first / row.unit, end / row.unit).largest;
      if (here > most) best = level;
      most = std::max(most, here);
    }
    return best;
  };
  // Level l (from 1) passes periods 2^l to 2^(l + 1).
  EXPECT_NEAR(static_cast<double>(loudest(600, 1400)), 2, 1.01);
  EXPECT_NEAR(static_cast<double>(loudest(2600, 3400)), 5, 1.01);
  EXPECT_EQ(loudest(2600, 3400) - loudest(600, 1400), 3u) << "three octaves apart";
}

TEST(ScalogramOf, EqualsTheTransformAndKnowsItsEnds) {
  std::vector<float> signal(500);
  for (size_t p = 0; p < signal.size(); ++p)
    signal[p] = static_cast<float>((p * 7919 + p * p * 31) % 997) / 997.0f;
  const Scalogram scalogram = scalogram_of(signal);
  const auto levels = static_cast<uint32_t>(scalogram.levels.size());
  ASSERT_EQ(levels, deepest_level(500, 8));
  const Modwt transform(find_wavelet("la8"), 500, levels, Undecimated::StationaryNormalised);
  Grid<float> details(levels, 500), smooths(levels, 500);
  std::vector<SignalView<float>> detail_views, smooth_views;
  for (size_t level = 0; level < levels; ++level) {
    detail_views.push_back(line_view(details.row(level).data(), 500));
    smooth_views.push_back(line_view(smooths.row(level).data(), 500));
  }
  transform.forward<float>(line_view<const float>(signal.data(), 500), detail_views, smooth_views);
  for (size_t level = 0; level < levels; ++level) {
    const Scalogram::Level& row = scalogram.levels[level];
    EXPECT_EQ(row.valid.first, transform.valid(static_cast<uint32_t>(level + 1)).first);
    EXPECT_EQ(row.valid.count, transform.valid(static_cast<uint32_t>(level + 1)).count);
    for (size_t i = 0; i < row.magnitude.size(); ++i) {
      float wanted = 0;
      for (size_t p = i * row.unit; p < std::min<size_t>((i + 1) * row.unit, 500); ++p)
        wanted = std::max(wanted, std::abs(details(level, p)));
      ASSERT_NEAR(double{row.magnitude.at(i)}, double{wanted}, 1e-6) << level << " " << i;
    }
  }
}

TEST_F(TraceQueriesTest, GrowthNeedsTheShortestWindow) {
  testing::SampleOptions options;
  options.tokens = kShortestGrowth;
  options.layers = 1;
  open(options);
  const auto just = read_map(*trace, kShortestGrowth - 1, kNever);
  for (const float growth : just->growth.all()) EXPECT_FALSE(std::isnan(growth));
  const auto less = read_map(*trace, kShortestGrowth - 2, kNever);
  for (const float growth : less->growth.all()) EXPECT_TRUE(std::isnan(growth));
}

TEST(InnerRange, TakesTheMarginsOff) {
  EXPECT_EQ(inner_range({10, 100}).first, 10 + kBandMargin);
  EXPECT_EQ(inner_range({10, 100}).count, 100 - 2 * kBandMargin);
  EXPECT_EQ(inner_range({0, 2 * kBandMargin}).count, 0u);
}

}  // namespace
}  // namespace dendrokv
