#include "plot/series_look.h"

#include <algorithm>
#include <cmath>
#include <gtest/gtest.h>
#include <set>
#include <tuple>

namespace dendrokv {
namespace {

// What is left in grey print: dashes and marks.
TEST(SeriesLook, ManySeriesDifferWithoutColour) {
  for (const size_t colours : {5u, 6u}) {
    std::set<std::pair<LineStyle, Marker>> seen;
    for (size_t i = 0; i < 5 * colours; ++i) {
      const SeriesLook look = series_look(i, colours);
      EXPECT_LT(look.colour, colours);
      EXPECT_TRUE(seen.insert({look.line, look.marker}).second) << i << " of " << colours;
    }
  }
}

// Where marks are too small to see: colour and dashes.
TEST(SeriesLook, ManySeriesDifferWithoutMarks) {
  for (const size_t colours : {5u, 6u}) {
    std::set<std::pair<size_t, LineStyle>> seen;
    for (size_t i = 0; i < 5 * colours; ++i) {
      const SeriesLook look = series_look(i, colours);
      EXPECT_TRUE(seen.insert({look.colour, look.line}).second) << i << " of " << colours;
    }
  }
}

TEST(SeriesLook, AFewAreSolidAndReferencesKeepTheirDashes) {
  for (size_t i = 0; i < 60; ++i) {
    EXPECT_EQ(series_look(i, 6).line == LineStyle::Solid, i % 30 < 6) << i;
    EXPECT_NE(series_look(i, 6).line, LineStyle::Dashed) << i;
    EXPECT_NE(series_look(i, 6).marker, Marker::None) << i;
  }
}

// A dash and the gap behind it, in turn.
TEST(SeriesLook, EveryPatternIsItsOwn) {
  std::set<std::vector<double>> seen;
  for (const LineStyle style : {LineStyle::Solid, LineStyle::Dashed, LineStyle::LongDashes,
                                LineStyle::Dots, LineStyle::DashDot, LineStyle::DashDotDot}) {
    const auto pattern = dashes(style);
    EXPECT_EQ(pattern.size() % 2, 0u);
    EXPECT_TRUE(seen.insert({pattern.begin(), pattern.end()}).second);
  }
}

// Equal weight to the eye: areas within a factor of 2, all around the centre.
TEST(SeriesLook, MarkersAreOfOneSizeAndCentred) {
  double least = 1e9, most = 0;
  EXPECT_TRUE(marker_outline(Marker::None, {0, 0}, 4).empty());
  for (const Marker marker : {Marker::Circle, Marker::Square, Marker::Triangle, Marker::Diamond,
                              Marker::Cross, Marker::Wedge}) {
    const std::vector<Point> outline = marker_outline(marker, {10, 20}, 4);
    double twice = 0;
    for (size_t i = 0; i < outline.size(); ++i) {
      const Point one = outline[i], next = outline[(i + 1) % outline.size()];
      twice += one.x * next.y - next.x * one.y;
      EXPECT_LE(std::hypot(one.x - 10, one.y - 20), 4 * 1.3);
    }
    least = std::min(least, std::abs(twice) / 2);
    most = std::max(most, std::abs(twice) / 2);
  }
  EXPECT_LE(most, 2 * least);
}

}  // namespace
}  // namespace dendrokv
