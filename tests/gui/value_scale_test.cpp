#include "gui/value_scale.h"

#include <cmath>
#include <gtest/gtest.h>
#include <limits>

namespace dendrokv {
namespace {

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
constexpr float kInfinity = std::numeric_limits<float>::infinity();

std::vector<float> one_to(int last) {
  std::vector<float> values;
  for (int i = 1; i <= last; ++i) values.push_back(static_cast<float>(i));
  return values;
}

TEST(ValueScale, LinearIsAStraightLine) {
  const ValueScale scale{.shape = ScaleShape::Linear, .low = 2, .high = 6};
  EXPECT_DOUBLE_EQ(scale.fraction(2), 0);
  EXPECT_DOUBLE_EQ(scale.fraction(3), 0.25);
  EXPECT_DOUBLE_EQ(scale.fraction(6), 1);
  EXPECT_DOUBLE_EQ(scale.value(0.5), 4);
}

TEST(ValueScale, LogHasEqualRatios) {
  const ValueScale scale{.shape = ScaleShape::Log, .low = 0.01, .high = 100};
  EXPECT_NEAR(scale.fraction(0.1), 0.25, 1e-12);
  EXPECT_NEAR(scale.fraction(1), 0.5, 1e-12);
  EXPECT_NEAR(scale.value(0.75), 10, 1e-9);
}

TEST(ValueScale, AsinhIsLinearBelowTheKneeAndLogarithmicAbove) {
  const ValueScale scale{.shape = ScaleShape::Asinh, .low = 0, .high = 1e6, .knee = 1};
  EXPECT_DOUBLE_EQ(scale.fraction(0), 0);
  // asinh(x) = x - x^3/6: at a tenth of the knee linear within 0.2 %.
  EXPECT_NEAR(scale.fraction(0.1) / scale.fraction(0.05), 2, 4e-3);
  // Far above, a decade is a constant step.
  EXPECT_NEAR(scale.fraction(1e5) - scale.fraction(1e4), scale.fraction(1e4) - scale.fraction(1e3),
              1e-6);
}

TEST(ValueScale, FractionAndValueAreInverseAndClamped) {
  for (const ScaleShape shape : {ScaleShape::Linear, ScaleShape::Asinh, ScaleShape::Log}) {
    const ValueScale scale{.shape = shape, .low = 0.5, .high = 40, .knee = 2};
    double before = -1;
    for (int i = 0; i <= 20; ++i) {
      const double value = scale.value(i / 20.0);
      EXPECT_NEAR(scale.fraction(value), i / 20.0, 1e-9) << scale_shape_name(shape);
      EXPECT_GT(value, before);
      before = value;
    }
    EXPECT_DOUBLE_EQ(scale.fraction(1e9), 1);
    EXPECT_DOUBLE_EQ(scale.fraction(-3), 0);
  }
}

TEST(AsinhScale, EndsAtTheQuantileAndCountsWhatItClips) {
  const ValueScale scale = asinh_scale(one_to(1000));
  EXPECT_DOUBLE_EQ(scale.low, 0);
  // place = floor(0.995 * 999) = 994, the 995th value; five lie above.
  EXPECT_DOUBLE_EQ(scale.high, 995);
  EXPECT_DOUBLE_EQ(scale.clipped_above, 0.005);
  EXPECT_DOUBLE_EQ(scale.clipped_below, 0);
  EXPECT_DOUBLE_EQ(scale.knee, 500);
}

TEST(AsinhScale, IgnoresWhatIsNoWeight) {
  std::vector<float> values = one_to(100);
  const ValueScale clean = asinh_scale(values);
  for (const float odd : {kNan, kInfinity, -kInfinity, -5.0f}) values.push_back(odd);
  const ValueScale scale = asinh_scale(values);
  EXPECT_DOUBLE_EQ(scale.high, clean.high);
  EXPECT_DOUBLE_EQ(scale.clipped_above, clean.clipped_above);
}

TEST(AsinhScale, StillMapsWithoutValues) {
  for (const std::vector<float>& values :
       {std::vector<float>{}, std::vector<float>{0, 0, 0}, std::vector<float>{kNan, kNan}}) {
    const ValueScale scale = asinh_scale(values);
    EXPECT_LT(scale.low, scale.high);
    EXPECT_TRUE(std::isfinite(scale.fraction(0.5)));
    EXPECT_EQ(scale.clipped_above, 0);
  }
  const ValueScale equal = asinh_scale({0.25f, 0.25f});
  EXPECT_DOUBLE_EQ(equal.fraction(0.25), 1);
}

TEST(LogScale, LiesBetweenTheOuterQuantiles) {
  const ValueScale scale = log_scale(one_to(101));
  EXPECT_DOUBLE_EQ(scale.low, 4);
  EXPECT_DOUBLE_EQ(scale.high, 98);
  EXPECT_DOUBLE_EQ(scale.clipped_below, 3.0 / 101);
  EXPECT_DOUBLE_EQ(scale.clipped_above, 3.0 / 101);
}

TEST(LogScale, EqualValuesLieInTheMiddle) {
  const ValueScale scale = log_scale({3, 3, 3, 0, -1, kNan});
  EXPECT_NEAR(scale.fraction(3), 0.5, 1e-12);
  EXPECT_NEAR(log_scale({}).fraction(1), 0.5, 1e-12);
}

TEST(ScaleTicks, LieInsideTheScaleAndRise) {
  const ValueScale scales[] = {
      {.shape = ScaleShape::Linear, .low = 0, .high = 1},
      {.shape = ScaleShape::Asinh, .low = 0, .high = 0.3, .knee = 1e-3},
      {.shape = ScaleShape::Log, .low = 0.4, .high = 12},
      {.shape = ScaleShape::Log, .low = 0.9, .high = 1.2},
  };
  for (const ValueScale& scale : scales) {
    const std::vector<Tick> found = scale_ticks(scale, 4);
    ASSERT_GE(found.size(), 2u) << scale_shape_name(scale.shape);
    double before = -1;
    for (const Tick& tick : found) {
      EXPECT_GE(tick.value, scale.low);
      EXPECT_LE(tick.value, scale.high);
      EXPECT_GT(tick.value, before);
      EXPECT_FALSE(tick.label.empty());
      before = tick.value;
    }
  }
}

TEST(ShortNumber, HasThreeDigitsOrAllOfAWholeNumber) {
  EXPECT_EQ(short_number(0), "0");
  EXPECT_EQ(short_number(0.25), "0.25");
  EXPECT_EQ(short_number(999.7), "1000");
  EXPECT_EQ(short_number(-12345), "-12345");
  EXPECT_EQ(short_number(0.00012), "1.20e-4");
  EXPECT_EQ(short_number(-3.5e-7), "-3.50e-7");
  EXPECT_EQ(short_number(2.5e6), "2.50e6");
  EXPECT_EQ(short_number(double{kNan}), "none");
}

}  // namespace
}  // namespace dendrokv
