#include "gui/trace_queries.h"

#include <cmath>
#include <gtest/gtest.h>

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
  double value_length(size_t layer, size_t head, size_t position) const {
    Grid<float> row(1, info().model.head_dim);
    trace->read_values(layer, info().kv_head_of(info().heads[head]), {position, 1}, row.view());
    double sum = 0;
    for (const float v : row.all()) sum += double{v} * double{v};
    return std::sqrt(sum);
  }

  /// The largest cell of a block, each the mean over the heads that have it; NaN = none has.
  double brute_cell(const HeatRequest& request, size_t row_factor, size_t column_factor, size_t row,
                    size_t column) const {
    double best = std::nan("");
    for (size_t s = row * row_factor; s < std::min((row + 1) * row_factor, request.steps.count);
         ++s)
      for (size_t c = column * column_factor;
           c < std::min((column + 1) * column_factor, request.positions.count); ++c) {
        double sum = 0;
        int count = 0;
        const size_t p = request.positions.first + c;
        for (const size_t head : request.heads) {
          const float w = weight(request.layer_index, head, request.steps.first + s, p);
          if (std::isnan(w)) continue;
          sum += double{w} * (request.quantity == Quantity::Weight
                                  ? 1.0
                                  : value_length(request.layer_index, head, p));
          ++count;
        }
        if (count > 0 && !(best >= sum / count)) best = sum / count;
      }
    return best;
  }

  void expect_equals_brute_force(const HeatRequest& request) {
    const auto heat = read_heat(*trace, request, kNever);
    ASSERT_TRUE(heat);
    ASSERT_LE(heat->values.rows(), request.most_rows);
    ASSERT_LE(heat->values.cols(), request.most_columns);
    for (size_t r = 0; r < heat->values.rows(); ++r)
      for (size_t c = 0; c < heat->values.cols(); ++c) {
        const double wanted = brute_cell(request, heat->row_factor, heat->column_factor, r, c);
        const float got = heat->values(r, c);
        ASSERT_EQ(std::isnan(got), std::isnan(wanted)) << r << " " << c;
        // Sums of up to four float products in another order.
        if (!std::isnan(wanted)) {
          ASSERT_NEAR(double{got}, wanted, 1e-6 * std::abs(wanted));
        }
      }
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

TEST_F(TraceQueriesTest, HeatIsTheWeightItselfWhereEveryCellFits) {
  open(small());
  expect_equals_brute_force({1, {2}, Quantity::Weight, {0, 40}, {0, 40}, 400, 400, 1});
}

TEST_F(TraceQueriesTest, HeatIsTheMeanOverHeadsAndTheLargestOfABlock) {
  open(small());
  for (const Quantity quantity : {Quantity::Weight, Quantity::Contribution})
    expect_equals_brute_force({0, {0, 1, 2, 3}, quantity, {0, 40}, {3, 35}, 7, 9, 1});
}

TEST_F(TraceQueriesTest, HeatOfAClosedLoopLeavesOutWhatIsAbsent) {
  open(closed_loop());
  for (const Quantity quantity : {Quantity::Weight, Quantity::Contribution})
    expect_equals_brute_force({1, {0, 1, 2, 3}, quantity, {5, 35}, {0, 40}, 35, 20, 2});
}

TEST_F(TraceQueriesTest, CodesTellValueFromAbsentFromFuture) {
  open(closed_loop());
  const HeatRequest request{1, {2, 3}, Quantity::Weight, {0, 40}, {0, 40}, 40, 40, 2};
  const auto heat = read_heat(*trace, request, kNever);
  int absent = 0;
  for (size_t step = 0; step < 40; ++step)
    for (size_t p = 0; p < 40; ++p) {
      const uint8_t code = (*heat->codes)(step, p);
      if (p > step) {
        ASSERT_EQ(code, kFutureCode);
      } else if (std::isnan(weight(1, 2, step, p))) {
        ASSERT_EQ(code, kAbsentCode);
        ++absent;
      } else {
        const double fraction = heat->scale.fraction(double{heat->values(step, p)});
        ASSERT_EQ(code, kFirstValueCode + std::lround(fraction * (255 - kFirstValueCode)));
      }
    }
  EXPECT_GT(absent, 100);
}

TEST_F(TraceQueriesTest, TheScaleDoesNotSeeTheSinks) {
  open(small());
  HeatRequest request{0, {0}, Quantity::Weight, {0, 40}, {0, 40}, 40, 40, 0};
  const double with_sink = read_heat(*trace, request, kNever)->scale.high;
  request.unscaled = 1;
  const auto heat = read_heat(*trace, request, kNever);
  EXPECT_LT(heat->scale.high, 0.8 * with_sink) << "the sample's sink outweighs all else";
  std::vector<float> rest;
  for (size_t step = 0; step < 40; ++step)
    for (size_t p = 1; p <= step; ++p) rest.push_back(weight(0, 0, step, p));
  const ValueScale wanted = asinh_scale(rest);
  EXPECT_EQ(heat->scale.high, wanted.high);
  EXPECT_EQ(heat->scale.knee, wanted.knee);
  EXPECT_EQ(heat->scale.clipped_above, wanted.clipped_above);
}

TEST_F(TraceQueriesTest, ARangeBehindTheSinksIsScaledWhole) {
  open(small());
  const auto heat =
      read_heat(*trace, {0, {0}, Quantity::Weight, {0, 40}, {10, 20}, 40, 40, 4}, kNever);
  std::vector<float> all;
  for (size_t step = 10; step < 40; ++step)
    for (size_t p = 10; p <= std::min<size_t>(step, 29); ++p) all.push_back(weight(0, 0, step, p));
  EXPECT_EQ(heat->scale.high, asinh_scale(all).high);
}

TEST_F(TraceQueriesTest, ACancelledReadGivesNothing) {
  open(small());
  EXPECT_FALSE(read_heat(*trace, {0, {0}, Quantity::Weight, {0, 40}, {0, 40}, 9, 9, 1},
                         [] { return true; }));
  EXPECT_FALSE(read_row(*trace, {0, {0}, 39}, [] { return true; }));
  EXPECT_FALSE(read_map(*trace, 39, [] { return true; }));
}

TEST_F(TraceQueriesTest, RowWeightsAreTheMeanOverHeads) {
  open(closed_loop());
  for (const size_t step : {size_t{0}, size_t{12}, size_t{39}}) {
    const auto row = read_row(*trace, {1, {0, 1}, step}, kNever);
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

/// mean over channels of |block mean of 2^(l-1) less block mean of 2^l|, blocks counted from the window's start.
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
  const RowRequest request{1, {1, 2, 3}, 38};
  const auto row = read_row(*trace, request, kNever);
  // 39 positions: one block of 32, that ends at the query.
  ASSERT_EQ(row->window.first, 7u);
  ASSERT_EQ(row->window.count, 32u);
  ASSERT_EQ(row->bands.rows(), kBandLevels);
  ASSERT_EQ(row->bands.cols(), 39u);
  Grid<double> wanted(kBandLevels, 32);
  for (const size_t head : request.heads) {
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
    for (size_t p = 0; p < 7; ++p) EXPECT_TRUE(std::isnan(row->bands(level, p)));
    for (size_t p = 0; p < 32; ++p)
      // Differences of float products of the size of 0.1.
      EXPECT_NEAR(row->bands(level, 7 + p), wanted(level, p), 1e-7) << level << " " << p;
  }
}

TEST_F(TraceQueriesTest, ShortStepsHaveNoBands) {
  open(small());
  EXPECT_EQ(read_row(*trace, {0, {0}, 30}, kNever)->window.count, 0u);
  EXPECT_EQ(read_row(*trace, {0, {0}, 31}, kNever)->window.count, 32u);
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
      const auto row = read_row(*trace, {layer, {head}, 129}, kNever);
      for (size_t level = 0; level < kBandLevels; ++level)
        for (size_t p = 2; p < 130; ++p) mean(level, p) += row->bands(level, p) / 8;
      // 128 less margins of 32 leave 64: quarters of 16.
      double start = 0, end = 0;
      for (size_t p = 0; p < 16; ++p) {
        start += row->bands(0, 2 + 32 + p);
        end += row->bands(0, 2 + 32 + 48 + p);
      }
      EXPECT_NEAR(double{map->growth(layer, head)}, end / start, 1e-5 * end / start);
    }
  for (size_t level = 0; level < kBandLevels; ++level)
    for (size_t p = 2; p < 130; ++p) EXPECT_NEAR(map->bands(level, p), mean(level, p), 1e-12);
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
