#pragma once
// Curves over an axis as SVG text.

#include <string>
#include <vector>

#include "plot/axis.h"
#include "plot/series_look.h"

namespace dendrokv {

/// Points in data units; a NaN breaks the line.
struct Series {
  std::string name;
  std::string colour;  // CSS
  LineStyle style = LineStyle::Solid;
  std::vector<double> x, y;
  double width = 1.6;                       // pixels
  std::vector<double> low = {}, high = {};  // a band around y, drawn as an area; empty = none
  Marker marker = Marker::None;             // here and there along the line
};

/// A part of the x axis that the reader should not trust or that is left out.
struct HatchedRange {
  double first = 0, last = 0;
};

enum class TickStyle { Decimal, Binary };

struct LineChart {
  std::string title;             // what a screen reader says
  std::string x_title, y_title;  // with units
  ScaleKind x_scale = ScaleKind::Linear, y_scale = ScaleKind::Linear;
  TickStyle x_ticks = TickStyle::Decimal;
  std::vector<Series> series;
  std::vector<HatchedRange> hatched;
  double width = 880, height = 330;  // a legend of several rows comes on top
};
/// The y range is that of the points outside of the hatched ranges; what lies beyond it is cut at
/// the frame. A <metadata> element holds the numbers and the frame as JSON, for a page that shows
/// them where the reader points.
std::string line_chart(const LineChart& chart);

}  // namespace dendrokv
