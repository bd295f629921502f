#include "plot/heat_map.h"

#include <cmath>
#include <gtest/gtest.h>

#include "tests/plot/xml.h"

namespace dendrokv {
namespace {

using testing::count;
using testing::expect_well_formed;

TEST(HeatMap, NamesAndMarks) {
  Grid<double> values(2, 40, 1.0);
  values(0, 0) = 2;
  HeatMapChart chart;
  chart.title = "map";
  chart.values = std::as_const(values).view();
  chart.row_names = {"first row", "second"};
  for (size_t c = 0; c < 40; ++c) chart.column_names.push_back("c" + std::to_string(c));
  chart.marked.assign(80, false);
  chart.marked[3] = chart.marked[41] = true;
  chart.cell_width = 10;
  const std::string svg = heat_map(chart);
  expect_well_formed(svg);
  EXPECT_EQ(count(svg, "<circle"), 2u);
  EXPECT_NE(svg.find(">first row<"), std::string::npos);
  EXPECT_NE(svg.find(">c0<"), std::string::npos);
  EXPECT_EQ(svg.find(">c1<"), std::string::npos);  // its room is taken
}

TEST(HeatMap, OneCellEachAbsentOnesToo) {
  Grid<double> values(3, 4, 1.0);
  values(1, 2) = std::nan("");
  values(2, 3) = 8;
  HeatMapChart chart;
  chart.title = "map";
  chart.row_title = "layer";
  chart.column_title = "head";
  chart.value_title = "ratio";
  chart.values = std::as_const(values).view();
  chart.scale = ScaleKind::Log2;
  const std::string svg = heat_map(chart);
  expect_well_formed(svg);
  EXPECT_EQ(count(svg, "<title>"), 12u);
  EXPECT_EQ(count(svg, "var(--absent)"), 1u);
  EXPECT_NE(svg.find("lie beyond the ends"), std::string::npos);
}

}  // namespace
}  // namespace dendrokv
