#pragma once
// Heat maps with their colour bar as SVG text.

#include <string>
#include <vector>

#include "data/grid.h"
#include "plot/axis.h"

namespace dendrokv {

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
