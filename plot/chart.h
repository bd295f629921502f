#pragma once
// Charts as SVG text: curves over an axis, and heat maps with their colour bar.

#include <string>
#include <vector>

#include "data/grid.h"
#include "plot/axis.h"

namespace dendrokv {

enum class LineStyle { Solid, Dashed };

/// Points in data units; a NaN breaks the line.
struct Series {
  std::string name;
  std::string colour;  // CSS
  LineStyle style = LineStyle::Solid;
  std::vector<double> x, y;
  double width = 1.6;                       // pixels
  std::vector<double> low = {}, high = {};  // a band around y, drawn as an area; empty = none
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
  double width = 880, height = 330;
};
/// The y range is that of the points outside of the hatched ranges; what lies beyond it is cut at
/// the frame. A <metadata> element holds the numbers and the frame as JSON, for a page that shows
/// them where the reader points.
std::string line_chart(const LineChart& chart);

struct HeatMapChart {
  std::string title;
  std::string row_title, column_title;
  std::string value_title;        // of the colour bar, with unit
  GridView<const double> values;  // [row, column]; NaN is drawn as absent
  ScaleKind scale = ScaleKind::Linear;
  std::vector<std::string> cell_names;               // tooltips, row-major; may be empty
  std::vector<std::string> row_names, column_names;  // 0, 1, 2, ... where empty
  std::vector<bool> marked;                          // cells with a dot, row-major; may be empty
  double cell_width = 30, cell_height = 15;
};
/// Colours run from the 3rd to the 97th percentile; the bar says how much lies beyond.
std::string heat_map(const HeatMapChart& chart);

}  // namespace dendrokv
