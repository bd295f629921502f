#include "plot/chart.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdio>
#include <limits>

#include "data/error.h"
#include "plot/colormap.h"
#include "plot/svg.h"

namespace dendrokv {
namespace {

constexpr double kLeft = 76, kRight = 16, kBottom = 48;
constexpr double kLegendRow = 20, kLegendTop = 14, kLetter = 6.6;
constexpr double kTickRoom = 7;
constexpr std::string_view kTickText = "class=\"tick\"", kTitleText = "class=\"axis-title\"",
                           kRule = "class=\"rule\"";

struct Range {
  double low = std::numeric_limits<double>::infinity(),
         high = -std::numeric_limits<double>::infinity();

  void add(double value) {
    low = std::min(low, value);
    high = std::max(high, value);
  }
  bool empty() const { return low > high; }
};

bool usable(double value, ScaleKind scale) {
  return std::isfinite(value) && (scale == ScaleKind::Linear || value > 0);
}

bool is_hatched(const LineChart& chart, double x) {
  return std::any_of(chart.hatched.begin(), chart.hatched.end(),
                     [&](const HatchedRange& range) { return x >= range.first && x < range.last; });
}

// A little air above and below; an empty or flat range gets a width.
Range padded(Range range, ScaleKind scale) {
  if (range.empty()) return {scale == ScaleKind::Linear ? 0.0 : 0.1, 1};
  if (scale == ScaleKind::Linear) {
    const double air = range.high > range.low ? (range.high - range.low) * 0.04
                                              : std::max(std::abs(range.high), 1.0) * 0.1;
    return {range.low >= 0 && range.low < air * 25 ? 0.0 : range.low - air, range.high + air};
  }
  const double air = range.high > range.low ? std::pow(range.high / range.low, 0.04) : 2;
  return {range.low / air, range.high * air};
}

/// Pixels, estimated from the number of characters (bytes that begin one in UTF-8).
double text_width(std::string_view text) {
  const auto characters = std::count_if(text.begin(), text.end(), [](char byte) {
    return (static_cast<unsigned char>(byte) & 0xC0) != 0x80;
  });
  return kLetter * static_cast<double>(characters);
}

// Where each name of the legend stands: rows above the plot.
std::vector<Point> legend_places(const LineChart& chart) {
  std::vector<Point> places;
  Point at = {kLeft, kLegendTop};
  for (const Series& series : chart.series) {
    const double width = 24 + text_width(series.name) + 20;
    if (at.x + width > chart.width && at.x > kLeft) at = {kLeft, at.y + kLegendRow};
    places.push_back(at);
    at.x += width;
  }
  return places;
}

double top_of(const LineChart& chart) {
  return chart.series.empty() ? kLegendTop : legend_places(chart).back().y + kLegendRow;
}

struct Frame {
  Box box;
  Axis x, y;
};

Frame frame_of(const LineChart& chart) {
  Range x_range, y_range;
  for (const Series& series : chart.series)
    for (size_t i = 0; i < series.x.size(); ++i) {
      if (usable(series.x[i], chart.x_scale)) x_range.add(series.x[i]);
      if (is_hatched(chart, series.x[i])) continue;
      if (usable(series.y[i], chart.y_scale)) y_range.add(series.y[i]);
      for (const std::vector<double>* end : {&series.low, &series.high})
        if (!end->empty() && usable((*end)[i], chart.y_scale)) y_range.add((*end)[i]);
    }
  if (x_range.empty() || x_range.low == x_range.high) x_range = padded(x_range, chart.x_scale);
  y_range = padded(y_range, chart.y_scale);
  Frame frame;
  const double top = top_of(chart);
  frame.box = {kLeft, top, chart.width - kLeft - kRight, chart.height - top - kBottom};
  frame.x = {chart.x_scale, x_range.low, x_range.high, kLeft, kLeft + frame.box.width};
  frame.y = {chart.y_scale, y_range.low, y_range.high, top + frame.box.height, top};
  return frame;
}

void draw_grid(const LineChart& chart, const Frame& frame, Svg& svg) {
  const double bottom = frame.box.y + frame.box.height, right = frame.box.x + frame.box.width;
  for (const Tick& tick : ticks(frame.y, 5)) {
    const double y = frame.y.pixel(tick.value);
    svg.line({frame.box.x, y}, {right, y}, kRule);
    svg.text({frame.box.x - kTickRoom, y + 4}, Anchor::End, tick.label, kTickText);
  }
  const auto x_ticks =
      chart.x_ticks == TickStyle::Binary ? binary_ticks(frame.x, 8) : ticks(frame.x, 8);
  for (const Tick& tick : x_ticks) {
    const double x = frame.x.pixel(tick.value);
    svg.line({x, bottom}, {x, bottom + 4}, "class=\"axis\"");
    svg.text({x, bottom + 18}, Anchor::Middle, tick.label, kTickText);
  }
  svg.line({frame.box.x, bottom}, {right, bottom}, "class=\"axis\"");
  svg.text({frame.box.x + frame.box.width / 2, chart.height - 8}, Anchor::Middle, chart.x_title,
           kTitleText);
  svg.upright_text({16, frame.box.y + frame.box.height / 2}, chart.y_title, kTitleText);
}

std::string stroke(const Series& series) {
  return "stroke=\"" + series.colour + "\" stroke-width=\"" + coordinate(series.width) +
         "\" stroke-linejoin=\"round\"" +
         (series.style == LineStyle::Dashed ? " stroke-dasharray=\"5 4\"" : "");
}

double clamped_pixel(const LineChart& chart, const Frame& frame, double value) {
  // Zero and below lie under the frame of a log axis.
  const double y =
      usable(value, chart.y_scale) ? frame.y.pixel(value) : frame.box.y + frame.box.height + 50;
  return std::clamp(y, frame.box.y - 50, frame.box.y + frame.box.height + 50);
}

void draw_series(const LineChart& chart, const Series& series, const Frame& frame, Svg& svg) {
  std::vector<Point> line;
  const auto flush = [&] {
    svg.path(line, stroke(series));
    line.clear();
  };
  for (size_t i = 0; i < series.x.size(); ++i) {
    if (!usable(series.x[i], chart.x_scale) || std::isnan(series.y[i])) {
      flush();
      continue;
    }
    line.push_back({frame.x.pixel(series.x[i]), clamped_pixel(chart, frame, series.y[i])});
  }
  flush();
}

void draw_area(const LineChart& chart, const Series& series, const Frame& frame, Svg& svg) {
  std::vector<Point> upper, lower;
  const auto flush = [&] {
    upper.insert(upper.end(), lower.rbegin(), lower.rend());
    svg.area(upper, "fill=\"" + series.colour + "\" fill-opacity=\"0.18\"");
    upper.clear();
    lower.clear();
  };
  for (size_t i = 0; i < series.low.size(); ++i) {
    if (!usable(series.x[i], chart.x_scale) || !std::isfinite(series.low[i]) ||
        !std::isfinite(series.high[i])) {
      flush();
      continue;
    }
    const double x = frame.x.pixel(series.x[i]);
    upper.push_back({x, clamped_pixel(chart, frame, series.high[i])});
    lower.push_back({x, clamped_pixel(chart, frame, series.low[i])});
  }
  flush();
}

// --- the numbers for scripts

std::string json_numbers(const std::vector<double>& values) {
  std::string text = "[";
  for (size_t i = 0; i < values.size(); ++i) {
    char buffer[32];
    if (std::isfinite(values[i]))
      std::snprintf(buffer, sizeof buffer, "%.4g", values[i]);
    else
      std::snprintf(buffer, sizeof buffer, "null");
    text += (i ? "," : "") + std::string(buffer);
  }
  return text + "]";
}

/// Control characters become spaces, as in the picture.
std::string json_text(std::string_view text) {
  std::string quoted = "\"";
  for (const char character : text) {
    if (character == '"' || character == '\\') quoted += '\\';
    quoted += static_cast<unsigned char>(character) < 0x20 ? ' ' : character;
  }
  return quoted + "\"";
}

std::string json_of(const LineChart& chart, const Frame& frame) {
  std::string series;
  for (const Series& one : chart.series)
    series += (series.empty() ? "" : ",") + std::string("{\"name\":") + json_text(one.name) +
              ",\"x\":" + json_numbers(one.x) + ",\"y\":" + json_numbers(one.y) + "}";
  const char* kind = chart.x_scale == ScaleKind::Linear ? "linear" : "log";
  return std::string("{\"kind\":\"") + kind +
         "\",\"data\":" + json_numbers({frame.x.data_first, frame.x.data_last}) + ",\"frame\":" +
         json_numbers({frame.box.x, frame.box.y, frame.box.width, frame.box.height}) +
         ",\"title\":" + json_text(chart.x_title) + ",\"series\":[" + series + "]}";
}

void draw_legend(const LineChart& chart, Svg& svg) {
  const std::vector<Point> places = legend_places(chart);
  for (size_t i = 0; i < places.size(); ++i) {
    svg.line(places[i], {places[i].x + 18, places[i].y}, stroke(chart.series[i]));
    svg.text({places[i].x + 24, places[i].y + 4}, Anchor::Start, chart.series[i].name, kTickText);
  }
}

double quantile(std::vector<double> sorted, double fraction) {
  const double at = fraction * static_cast<double>(sorted.size() - 1);
  const auto low = static_cast<size_t>(at);
  const size_t high = std::min(low + 1, sorted.size() - 1);
  return sorted[low] + (at - static_cast<double>(low)) * (sorted[high] - sorted[low]);
}

struct ColourScale {
  Axis axis;          // data -> fraction 0 to 1
  double beyond = 0;  // fraction of the cells outside of the range
};

ColourScale colour_scale(const HeatMapChart& chart) {
  std::vector<double> sorted;
  for (size_t r = 0; r < chart.values.rows(); ++r)
    for (const double value : chart.values.row(r))
      if (usable(value, chart.scale)) sorted.push_back(value);
  if (sorted.empty()) return {{chart.scale, 0.5, 1, 0, 1}, 0};
  std::sort(sorted.begin(), sorted.end());
  double low = quantile(sorted, 0.03), high = quantile(sorted, 0.97);
  if (low == high) high = low == 0 ? 1 : low + std::abs(low) * 0.01;
  const auto outside =
      std::count_if(sorted.begin(), sorted.end(), [&](double v) { return v < low || v > high; });
  return {{chart.scale, low, high, 0, 1},
          static_cast<double>(outside) / static_cast<double>(sorted.size())};
}

void draw_colour_bar(const HeatMapChart& chart, const ColourScale& scale, const Box& bar,
                     Svg& svg) {
  constexpr int kSteps = 64;
  const double step = bar.width / kSteps;
  for (int i = 0; i < kSteps; ++i)
    svg.rect({bar.x + step * i, bar.y, step + 0.5, bar.height},
             "fill=\"" + to_hex(colour_map("viridis").at((i + 0.5) / kSteps)) + "\"");
  Axis axis = scale.axis;
  axis.pixel_first = bar.x;
  axis.pixel_last = bar.x + bar.width;
  for (const Tick& tick : ticks(axis, 4)) {
    const double x = axis.pixel(tick.value);
    svg.line({x, bar.y + bar.height}, {x, bar.y + bar.height + 4}, "class=\"axis\"");
    svg.text({x, bar.y + bar.height + 17}, Anchor::Middle, tick.label, kTickText);
  }
  const int per_cent = static_cast<int>(std::lround(scale.beyond * 100));
  svg.text({bar.x, bar.y + bar.height + 36}, Anchor::Start, chart.value_title, kTitleText);
  if (per_cent > 0)
    svg.text({bar.x, bar.y + bar.height + 53}, Anchor::Start,
             std::to_string(per_cent) + " % of the cells lie beyond the ends", kTitleText);
}

std::string name_of(const std::vector<std::string>& names, size_t index) {
  return index < names.size() ? names[index] : std::to_string(index);
}

struct HeatMapFrame {
  Box map;
  double bar_width, width;  // width of the whole picture: titles may be wider than the map
};

constexpr double kMapTop = 40, kBarRoom = 88;

HeatMapFrame heat_map_frame(const HeatMapChart& chart) {
  double longest = 3 * kLetter;
  for (const std::string& name : chart.row_names) longest = std::max(longest, text_width(name));
  HeatMapFrame frame;
  frame.map = {36 + longest, kMapTop, static_cast<double>(chart.values.cols()) * chart.cell_width,
               static_cast<double>(chart.values.rows()) * chart.cell_height};
  frame.bar_width = std::max(frame.map.width, 260.0);
  const double widest = std::max(text_width(chart.value_title), text_width(chart.column_title));
  frame.width = frame.map.x + std::max(frame.bar_width + 14, widest) + 10;
  return frame;
}

void draw_cells(const HeatMapChart& chart, const ColourScale& scale, const Box& map, Svg& svg) {
  // Narrow cells would be mostly gap; they overlap by a hair instead, so that no seam shows.
  const double gap = chart.cell_width < 8 ? -0.4 : 2;
  const std::string corners = gap > 0 ? " rx=\"2\"" : "";
  for (size_t r = 0; r < chart.values.rows(); ++r)
    for (size_t c = 0; c < chart.values.cols(); ++c) {
      const double value = chart.values(r, c);
      const Box cell = {map.x + static_cast<double>(c) * chart.cell_width,
                        map.y + static_cast<double>(r) * chart.cell_height, chart.cell_width - gap,
                        chart.cell_height - gap};
      const bool known = usable(value, chart.scale);
      const Rgb colour = colour_map("viridis").at(known ? scale.axis.pixel(value) : 0);
      const size_t index = r * chart.values.cols() + c;
      svg.tooltip(
          cell, index < chart.cell_names.size() ? chart.cell_names[index] : "",
          "fill=\"" + (known ? to_hex(colour) : std::string("var(--absent)")) + "\"" + corners);
      if (known && index < chart.marked.size() && chart.marked[index])
        svg.circle({cell.x + cell.width / 2, cell.y + cell.height / 2}, 1.8,
                   "fill=\"" + to_hex(ink_on(colour)) + "\" pointer-events=\"none\"");
    }
}

/// Names beside rows and above columns, thinned by powers of two, so that cells of 8 positions are
/// named 0, 64, 128.
void draw_names(const HeatMapChart& chart, const Box& map, Svg& svg) {
  const auto every = [](double cell, double room) {
    return std::bit_ceil(static_cast<size_t>(std::max(1.0, std::ceil(room / cell))));
  };
  double column_room = 26;
  for (const std::string& name : chart.column_names)
    column_room = std::max(column_room, text_width(name) + 14);
  for (size_t r = 0; r < chart.values.rows(); r += every(chart.cell_height, 16))
    svg.text({map.x - kTickRoom, map.y + (static_cast<double>(r) + 0.5) * chart.cell_height + 4},
             Anchor::End, name_of(chart.row_names, r), kTickText);
  for (size_t c = 0; c < chart.values.cols(); c += every(chart.cell_width, column_room))
    svg.text({map.x + (static_cast<double>(c) + 0.5) * chart.cell_width - 1, map.y - 8},
             Anchor::Middle, name_of(chart.column_names, c), kTickText);
  svg.text({map.x, 14}, Anchor::Start, chart.column_title, kTitleText);
  svg.upright_text({14, map.y + map.height / 2}, chart.row_title, kTitleText);
}

}  // namespace

std::string line_chart(const LineChart& chart) {
  for (const Series& series : chart.series) {
    DENDROKV_ASSERT(series.x.size() == series.y.size());
    DENDROKV_ASSERT(series.low.size() == series.high.size() &&
                    (series.low.empty() || series.low.size() == series.x.size()));
  }
  const Frame frame = frame_of(chart);
  Svg svg(chart.width, chart.height, chart.title);
  for (const HatchedRange& range : chart.hatched) {
    const double left = frame.x.pixel(std::max(range.first, frame.x.data_first));
    const double right = frame.x.pixel(std::min(range.last, frame.x.data_last));
    if (right > left)
      svg.hatch({left, frame.box.y, right - left, frame.box.height}, "var(--hatch)");
  }
  draw_grid(chart, frame, svg);
  svg.begin_clip(frame.box);
  for (const Series& series : chart.series) draw_area(chart, series, frame, svg);
  for (const Series& series : chart.series) draw_series(chart, series, frame, svg);
  svg.end_clip();
  draw_legend(chart, svg);
  svg.metadata(json_of(chart, frame));
  return svg.finish();
}

std::string heat_map(const HeatMapChart& chart) {
  const HeatMapFrame frame = heat_map_frame(chart);
  Svg svg(frame.width, frame.map.y + frame.map.height + kBarRoom, chart.title);
  const ColourScale scale = colour_scale(chart);
  draw_cells(chart, scale, frame.map, svg);
  draw_names(chart, frame.map, svg);
  const double bar_top = frame.map.y + frame.map.height + 14;
  draw_colour_bar(chart, scale, {frame.map.x, bar_top, frame.bar_width, 10}, svg);
  return svg.finish();
}

}  // namespace dendrokv
