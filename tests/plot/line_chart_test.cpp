#include "plot/line_chart.h"

#include <algorithm>
#include <cmath>
#include <gtest/gtest.h>
#include <regex>

#include "tests/plot/xml.h"

namespace dendrokv {
namespace {

using testing::count;
using testing::expect_well_formed;

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

// A place for the eye to tell lines apart at, in the legend too; a lone point would be no line.
TEST(LineChart, MarkersAreSparseAndReachLonePoints) {
  LineChart chart;
  Series dense{"dense", "red", LineStyle::Solid, {}, {}, 1.6};
  dense.marker = Marker::Square;
  for (int i = 0; i < 1000; ++i) {
    dense.x.push_back(i);
    dense.y.push_back(i % 7);
  }
  chart.series = {dense};
  const size_t many = count(line_chart(chart), "Z\"");
  EXPECT_GE(many, 1 + 6u);  // 788 pixels, 96 from one to the next, and the legend
  EXPECT_LE(many, 1 + 9u);
  Series lone{"lone", "blue", LineStyle::Solid, {1, 2, 3}, {std::nan(""), 5, std::nan("")}, 1.6};
  lone.marker = Marker::Cross;
  chart.series = {lone};
  EXPECT_EQ(count(line_chart(chart), "Z\""), 2u);
  expect_well_formed(line_chart(chart));
}

// Two lines over each other keep marks of their own to be told by.
TEST(LineChart, MarkersOfEqualLinesStandApart) {
  LineChart chart;
  for (int series = 0; series < 8; ++series) {
    Series line{"line", "red", LineStyle::Solid, {}, {}, 1.6};
    line.marker = Marker::Circle;
    for (int i = 0; i < 400; ++i) {
      line.x.push_back(i);
      line.y.push_back(1);
    }
    chart.series.push_back(line);
  }
  const std::string svg = line_chart(chart);
  const std::regex mark(R"re(<path d="M([0-9.]+) ([0-9.]+)[^"]*Z")re");
  std::vector<double> places;
  for (std::sregex_iterator it(svg.begin(), svg.end(), mark), end; it != end; ++it)
    if (std::stod((*it)[2]) > 34) places.push_back(std::stod((*it)[1]));  // below the legend
  ASSERT_GE(places.size(), 8 * 6u);
  std::ranges::sort(places);
  for (size_t i = 1; i < places.size(); ++i) EXPECT_GT(places[i] - places[i - 1], 5) << i;
}

// A long legend does not eat the plot.
TEST(LineChart, RowsOfTheLegendComeOnTop) {
  LineChart chart = two_curves();
  const std::regex height(R"re(viewBox="0 0 [0-9.]+ ([0-9.]+)")re");
  const auto height_of = [&] {
    std::smatch match;
    const std::string svg = line_chart(chart);
    EXPECT_TRUE(std::regex_search(svg, match, height));
    return std::stod(match[1]);
  };
  EXPECT_EQ(height_of(), chart.height);
  for (int i = 0; i < 18; ++i)
    chart.series.push_back(
        {"a rather long name of a policy", "red", LineStyle::Solid, {0, 1}, {1, 1}, 1});
  EXPECT_GT(height_of(), chart.height + 80);
}

// The ends of a band count for the range, or it would be cut at the frame.
TEST(LineChart, TheRangeHoldsTheBand) {
  LineChart chart = two_curves();
  chart.series[1].low = {-300, -300, -300, -300, -300};
  chart.series[1].high = {2, 2, 2, 2, 2};
  EXPECT_NE(line_chart(chart).find(">-300<"), std::string::npos);
}

}  // namespace
}  // namespace dendrokv
