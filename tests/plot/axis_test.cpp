#include "plot/axis.h"

#include <array>
#include <cmath>
#include <gtest/gtest.h>
#include <random>
#include <string>

namespace dendrokv {
namespace {

std::vector<Axis> sample_axes() {
  std::mt19937_64 random(7);
  std::uniform_real_distribution<double> exponent(-6, 7), unit(0, 1);
  std::vector<Axis> axes;
  for (int i = 0; i < 400; ++i) {
    Axis axis;
    axis.kind = std::array{ScaleKind::Linear, ScaleKind::Log10, ScaleKind::Log2}[i % 3];
    axis.data_first = std::pow(10.0, exponent(random));
    axis.data_last = axis.data_first * std::pow(10.0, 0.05 + 6 * unit(random));
    if (axis.kind == ScaleKind::Linear && i % 2 == 0) axis.data_first = -axis.data_first;
    if (i % 5 == 0) std::swap(axis.data_first, axis.data_last);
    axis.pixel_first = 1000 * unit(random);
    axis.pixel_last = axis.pixel_first + (i % 7 == 0 ? -1 : 1) * (50 + 1500 * unit(random));
    axes.push_back(axis);
  }
  return axes;
}

std::string labels(const std::vector<Tick>& ticks) {
  std::string text;
  for (const Tick& tick : ticks) text += (text.empty() ? "" : " ") + tick.label;
  return text;
}

TEST(Axis, EndsMeetAndPixelsComeBack) {
  for (const Axis& axis : sample_axes()) {
    EXPECT_NEAR(axis.pixel(axis.data_first), axis.pixel_first, 1e-9);
    EXPECT_NEAR(axis.pixel(axis.data_last), axis.pixel_last, 1e-9);
    for (const double fraction : {0.0, 0.25, 0.5, 0.9, 1.0}) {
      const double pixel = axis.pixel_first + fraction * (axis.pixel_last - axis.pixel_first);
      // One part in 1e12 of a 1500 pixel axis, times the steepest log slope of the samples.
      EXPECT_NEAR(axis.pixel(axis.data(pixel)), pixel, 1e-6);
    }
  }
}

TEST(Axis, LogAxisMapsEqualRatiosToEqualLengths) {
  const Axis axis{ScaleKind::Log10, 1e-4, 1, 0, 400};
  EXPECT_NEAR(axis.pixel(1e-3), 100, 1e-9);
  EXPECT_NEAR(axis.pixel(1e-2), 200, 1e-9);
  EXPECT_NEAR(axis.data(300), 0.1, 1e-12);
}

TEST(Axis, AnAxisWithoutExtentMapsToItsFirstEnd) {
  const Axis axis{ScaleKind::Linear, 3, 3, 10, 20};
  EXPECT_EQ(axis.pixel(3), 10);
}

TEST(Ticks, StayInsideTheRangeRiseAndAreNotTooMany) {
  for (const Axis& axis : sample_axes()) {
    const double low = std::min(axis.data_first, axis.data_last);
    const double high = std::max(axis.data_first, axis.data_last);
    for (const int wanted : {2, 4, 7, 12}) {
      const std::vector<Tick> found = ticks(axis, wanted);
      EXPECT_LE(found.size(), 2u * static_cast<unsigned>(wanted));
      EXPECT_GE(found.size(), 1u);
      for (size_t i = 0; i < found.size(); ++i) {
        EXPECT_GE(found[i].value, low);
        EXPECT_LE(found[i].value, high);
        EXPECT_FALSE(found[i].label.empty());
        if (i > 0) {
          EXPECT_GT(found[i].value, found[i - 1].value);
          EXPECT_NE(found[i].label, found[i - 1].label) << low << " to " << high;
        }
      }
    }
  }
}

TEST(Ticks, AreRoundNumbers) {
  EXPECT_EQ(labels(ticks({ScaleKind::Linear, 0, 1, 0, 100}, 5)), "0.0 0.2 0.4 0.6 0.8 1.0");
  EXPECT_EQ(labels(ticks({ScaleKind::Linear, -30, 70, 0, 100}, 5)), "-20 0 20 40 60");
  EXPECT_EQ(labels(ticks({ScaleKind::Log10, 1e-6, 1e-2, 0, 100}, 5)), "1e-6 1e-5 1e-4 1e-3 1e-2");
  EXPECT_EQ(labels(ticks({ScaleKind::Log10, 5e-5, 2e-3, 0, 100}, 4)),
            "5e-5 1e-4 2e-4 5e-4 1e-3 2e-3");
  EXPECT_EQ(labels(ticks({ScaleKind::Log2, 1, 64, 0, 100}, 7)), "1 2 4 8 16 32 64");
  EXPECT_EQ(labels(ticks({ScaleKind::Linear, 0, 4e-4, 0, 100}, 4)), "0 1e-4 2e-4 3e-4 4e-4");
}

TEST(BinaryTicks, AreWholeMultiplesOfAPowerOfTwo) {
  EXPECT_EQ(labels(binary_ticks({ScaleKind::Linear, 0, 512, 0, 1000}, 8)),
            "0 64 128 192 256 320 384 448 512");
  EXPECT_EQ(labels(binary_ticks({ScaleKind::Linear, 3, 7, 0, 1000}, 8)), "3 4 5 6 7");
  for (const Axis& axis : sample_axes()) {
    const std::vector<Tick> found = binary_ticks(axis, 6);
    EXPECT_LE(found.size(), 12u);
    for (const Tick& tick : found) EXPECT_EQ(tick.value, std::round(tick.value));
  }
}

}  // namespace
}  // namespace dendrokv
