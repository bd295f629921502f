#include "plot/chart.h"

#include <cmath>
#include <gtest/gtest.h>
#include <regex>

#include "plot/svg.h"

namespace dendrokv {
namespace {

size_t count(const std::string& text, const std::string& part) {
  size_t found = 0;
  for (size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + part.size()))
    ++found;
  return found;
}

// Every element closes in order, and no attribute holds a raw < or &.
void expect_well_formed(const std::string& xml) {
  std::vector<std::string> open;
  const std::regex tag(R"(<(/?)([a-zA-Z]+)((?:\s+[a-zA-Z0-9:-]+="[^"<]*")*)\s*(/?)>)");
  size_t expected = 0;
  for (std::sregex_iterator it(xml.begin(), xml.end(), tag), end; it != end; ++it, ++expected) {
    const std::smatch& match = *it;
    if (match[4] == "/") continue;
    if (match[1] == "/") {
      ASSERT_FALSE(open.empty());
      EXPECT_EQ(open.back(), match[2]);
      open.pop_back();
    } else {
      open.push_back(match[2]);
    }
  }
  EXPECT_TRUE(open.empty());
  EXPECT_EQ(expected, count(xml, "<"));
}

LineChart two_curves() {
  LineChart chart;
  chart.title = "a < b & \"c\"";
  chart.x_title = "position";
  chart.y_title = "amplitude";
  chart.series = {
      {"one", "red", LineStyle::Solid, {0, 1, 2, 3, 4}, {1, 2, std::nan(""), 2, 1}, 1.6},
      {"two", "blue", LineStyle::Dashed, {0, 1, 2, 3, 4}, {2, 2, 2, 2, 2}, 1.6}};
  return chart;
}

TEST(Svg, EscapesAndRounds) {
  EXPECT_EQ(xml_escaped("<a href=\"x\">&'\x01"), "&lt;a href=&quot;x&quot;&gt;&amp;&#39; ");
  EXPECT_EQ(coordinate(1.5), "1.5");
  EXPECT_EQ(coordinate(2), "2");
  EXPECT_EQ(coordinate(0.126), "0.13");
  EXPECT_EQ(coordinate(-0.001), "0");
}

TEST(LineChart, IsWellFormedAndBreaksAtGaps) {
  const std::string svg = line_chart(two_curves());
  expect_well_formed(svg);
  EXPECT_EQ(count(svg, "<path"), 3u);             // the first curve has a gap
  EXPECT_EQ(count(svg, "stroke-dasharray"), 2u);  // the curve and its legend
  EXPECT_NE(svg.find("a &lt; b &amp; &quot;c&quot;"), std::string::npos);
}

TEST(LineChart, TheRangeIgnoresWhatIsHatched) {
  LineChart chart = two_curves();
  chart.series[0].y[0] = 1e9;
  chart.hatched = {{0, 1}};
  const std::string svg = line_chart(chart);
  expect_well_formed(svg);
  EXPECT_EQ(count(svg, "<pattern"), 1u);
  EXPECT_EQ(svg.find("1e+9"), std::string::npos);
  EXPECT_EQ(svg.find("e9"), std::string::npos);
}

// Two pictures of one page may have the same title; a clip is found by its name in the whole page.
TEST(LineChart, PicturesOfOnePageKeepTheirOwnClips) {
  LineChart chart = two_curves();
  const std::regex name(R"re(<clipPath id="([^"]+)")re");
  const auto clip = [&](const LineChart& picture) {
    const std::string svg = line_chart(picture);
    std::smatch match;
    EXPECT_TRUE(std::regex_search(svg, match, name));
    EXPECT_EQ(count(svg, "url(#" + match[1].str() + ")"), 1u);
    return match[1].str();
  };
  const std::string first = clip(chart);
  EXPECT_EQ(clip(chart), first);
  chart.height += 40;
  EXPECT_NE(clip(chart), first);
}

// A name from a file may hold anything: the numbers stay JSON.
TEST(LineChart, NumbersAreJsonWhateverTheNames) {
  LineChart chart = two_curves();
  chart.series[0].name = "a\"b\\c\nd\te";
  const std::string svg = line_chart(chart);
  const size_t first = svg.find("<metadata>") + 10;
  const std::string numbers = svg.substr(first, svg.find("</metadata>") - first);
  EXPECT_NE(numbers.find("a\\&quot;b\\\\c d e"), std::string::npos) << numbers;
  EXPECT_EQ(numbers.find('\n'), std::string::npos);
}

// A character of three bytes is as wide as one.
TEST(LineChart, NamesAreMeasuredInCharacters) {
  const auto second_name_at = [](const std::string& name) {
    LineChart chart = two_curves();
    chart.series[0].name = name;
    const std::string svg = line_chart(chart);
    const std::regex place(R"re(<text x="([0-9.]+)" y="[0-9.]+" text-anchor="start" [^>]*>two<)re");
    std::smatch match;
    EXPECT_TRUE(std::regex_search(svg, match, place));
    return match[1].str();
  };
  EXPECT_EQ(second_name_at("2\xE2\x80\x93"
                           "4"),
            second_name_at("2-4"));
}

TEST(LineChart, ALogAxisTakesZerosAndNothingAtAll) {
  LineChart chart = two_curves();
  chart.y_scale = ScaleKind::Log10;
  chart.series[0].y = {0, 0, 0, 0, 0};
  expect_well_formed(line_chart(chart));
  chart.series.clear();
  expect_well_formed(line_chart(chart));
}

TEST(LineChart, ALongLegendTakesMoreRows) {
  LineChart chart = two_curves();
  for (int i = 0; i < 12; ++i)
    chart.series.push_back(
        {"a rather long name of a policy", "red", LineStyle::Solid, {0, 1}, {1, 1}, 1});
  const std::string svg = line_chart(chart);
  const std::regex place(R"re(<text x="([0-9.]+)" y="[0-9.]+" text-anchor="start")re");
  for (std::sregex_iterator it(svg.begin(), svg.end(), place), end; it != end; ++it)
    EXPECT_LT(std::stod((*it)[1]) + 6.6 * 30, chart.width + 24);
}

TEST(LineChart, ABandIsAnAreaWithGapsAndItsNumbersAreInThePicture) {
  LineChart chart = two_curves();
  chart.series[0].low = {0.5, 1.5, 1, 1.5, 0.5};
  chart.series[0].high = {1.5, 2.5, std::nan(""), 2.5, 1.5};
  const std::string svg = line_chart(chart);
  expect_well_formed(svg);
  EXPECT_EQ(count(svg, "fill-opacity"), 2u);  // one on each side of the gap
  EXPECT_EQ(count(svg, "<metadata>"), 1u);
  EXPECT_NE(svg.find("&quot;name&quot;:&quot;one&quot;,&quot;x&quot;:[0,1,2,3,4],&quot;y&quot;:[1,"
                     "2,null,2,1]"),
            std::string::npos);
}

// The ends of a band count for the range, or it would be cut at the frame.
TEST(LineChart, TheRangeHoldsTheBand) {
  LineChart chart = two_curves();
  chart.series[1].low = {-300, -300, -300, -300, -300};
  chart.series[1].high = {2, 2, 2, 2, 2};
  EXPECT_NE(line_chart(chart).find(">-300<"), std::string::npos);
}

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
