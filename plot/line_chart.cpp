#include "plot/line_chart.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <limits>
#include <numbers>
#include <optional>

#include "data/error.h"
#include "plot/svg.h"

namespace dendrokv {
namespace {

constexpr double kLeft = 76, kRight = 16, kBottom = 48;
constexpr double kLegendRow = 20, kLegendTop = 14, kSwatch = 36;
constexpr double kTickRoom = 7;
constexpr double kMarkerRadius = 4, kMarkerRoom = 96;  // from one to the next along a line
constexpr std::string_view kRule = "class=\"rule\"";

struct Range {
  double low = std::numeric_limits<double>::infinity(),
         high = -std::numeric_limits<double>::infinity();

  void add(double value) {
    low = std::min(low, value);
    high = std::max(high, value);
  }
  bool empty() const { return low > high; }
};

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

// Where each name of the legend stands: rows above the plot.
std::vector<Point> legend_places(const LineChart& chart) {
  std::vector<Point> places;
  Point at = {kLeft, kLegendTop};
  for (const Series& series : chart.series) {
    const double width = kSwatch + 6 + text_width(series.name) + 20;
    if (at.x + width > chart.width && at.x > kLeft) at = {kLeft, at.y + kLegendRow};
    places.push_back(at);
    at.x += width;
  }
  return places;
}

double top_of(const LineChart& chart) {
  return chart.series.empty() ? kLegendTop : legend_places(chart).back().y + kLegendRow;
}

double height_of(const LineChart& chart) {
  return chart.height + std::max(0.0, top_of(chart) - kLegendTop - kLegendRow);
}

struct Frame {
  Box box;
  Axis x, y;
};

Frame frame_of(const LineChart& chart) {
  Range x_range, y_range;
  for (const Series& series : chart.series)
    for (size_t i = 0; i < series.x.size(); ++i) {
      if (has_place(series.x[i], chart.x_scale)) x_range.add(series.x[i]);
      if (is_hatched(chart, series.x[i])) continue;
      if (has_place(series.y[i], chart.y_scale)) y_range.add(series.y[i]);
      for (const std::vector<double>* end : {&series.low, &series.high})
        if (!end->empty() && has_place((*end)[i], chart.y_scale)) y_range.add((*end)[i]);
    }
  if (x_range.empty() || x_range.low == x_range.high) x_range = padded(x_range, chart.x_scale);
  y_range = padded(y_range, chart.y_scale);
  Frame frame;
  const double top = top_of(chart);
  frame.box = {kLeft, top, chart.width - kLeft - kRight, height_of(chart) - top - kBottom};
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
  svg.text({frame.box.x + frame.box.width / 2, height_of(chart) - 8}, Anchor::Middle, chart.x_title,
           kTitleText);
  svg.upright_text({16, frame.box.y + frame.box.height / 2}, chart.y_title, kTitleText);
}

std::string stroke(const Series& series) {
  std::string pattern;
  for (const double length : dashes(series.style))
    pattern += (pattern.empty() ? "" : " ") + coordinate(length);
  return "stroke=\"" + series.colour + "\" stroke-width=\"" + coordinate(series.width) +
         "\" stroke-linejoin=\"round\"" +
         (pattern.empty() ? pattern : " stroke-dasharray=\"" + pattern + "\"");
}

double clamped_pixel(const LineChart& chart, const Frame& frame, double value) {
  // Zero and below lie under the frame of a log axis.
  const double y =
      has_place(value, chart.y_scale) ? frame.y.pixel(value) : frame.box.y + frame.box.height + 50;
  return std::clamp(y, frame.box.y - 50, frame.box.y + frame.box.height + 50);
}

/// The line in runs without gaps.
std::vector<std::vector<Point>> runs_of(const LineChart& chart, const Series& series,
                                        const Frame& frame) {
  std::vector<std::vector<Point>> runs;
  bool broken = true;
  for (size_t i = 0; i < series.x.size(); ++i) {
    if (!has_place(series.x[i], chart.x_scale) || !std::isfinite(series.y[i])) {
      broken = true;
      continue;
    }
    if (broken) runs.emplace_back();
    broken = false;
    runs.back().push_back({frame.x.pixel(series.x[i]), clamped_pixel(chart, frame, series.y[i])});
  }
  return runs;
}

void draw_marker(const Series& series, Point at, Svg& svg) {
  svg.area(marker_outline(series.marker, at, kMarkerRadius),
           "style=\"stroke:var(--panel)\" fill=\"" + series.colour + "\"");
}

/// Outside of the clip, so that none is cut at the frame. The first one `start` of the way from one
/// to the next, so that those of several lines do not hide each other; a point between gaps has one
/// anyway, for no line shows it.
void draw_markers(const Series& series, const std::vector<std::vector<Point>>& runs,
                  const Frame& frame, double start, Svg& svg) {
  if (series.marker == Marker::None) return;
  double next = frame.box.x + start * kMarkerRoom;
  std::optional<Point> last;
  bool any = false;
  for (const std::vector<Point>& run : runs)
    for (const Point point : run) {
      if (point.y < frame.box.y || point.y > frame.box.y + frame.box.height) continue;
      last = point;
      if (run.size() > 1 && point.x < next) continue;
      draw_marker(series, point, svg);
      any = true;
      while (next <= point.x) next += kMarkerRoom;
    }
  if (!any && last) draw_marker(series, *last, svg);
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
    if (!has_place(series.x[i], chart.x_scale) || !std::isfinite(series.low[i]) ||
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

void draw_curves(const LineChart& chart, const Frame& frame, Svg& svg) {
  std::vector<std::vector<std::vector<Point>>> runs;
  svg.begin_clip(frame.box);
  for (const Series& series : chart.series) draw_area(chart, series, frame, svg);
  for (const Series& series : chart.series) {
    runs.push_back(runs_of(chart, series, frame));
    for (const std::vector<Point>& run : runs.back()) svg.path(run, stroke(series));
  }
  svg.end_clip();
  for (size_t i = 0; i < runs.size(); ++i) {
    // Multiples of the golden ratio lie evenly however many there are.
    const double turns = static_cast<double>(i) * std::numbers::phi;
    draw_markers(chart.series[i], runs[i], frame, turns - std::floor(turns), svg);
  }
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
    const Point at = places[i];
    svg.line(at, {at.x + kSwatch, at.y}, stroke(chart.series[i]));
    draw_marker(chart.series[i], {at.x + kSwatch / 2, at.y}, svg);
    svg.text({at.x + kSwatch + 6, at.y + 4}, Anchor::Start, chart.series[i].name, kTickText);
  }
}

}  // namespace

std::string line_chart(const LineChart& chart) {
  for (const Series& series : chart.series) {
    DENDROKV_ASSERT(series.x.size() == series.y.size());
    DENDROKV_ASSERT(series.low.size() == series.high.size() &&
                    (series.low.empty() || series.low.size() == series.x.size()));
  }
  const Frame frame = frame_of(chart);
  Svg svg(chart.width, height_of(chart), chart.title);
  for (const HatchedRange& range : chart.hatched) {
    const double left = frame.x.pixel(std::max(range.first, frame.x.data_first));
    const double right = frame.x.pixel(std::min(range.last, frame.x.data_last));
    if (right > left)
      svg.hatch({left, frame.box.y, right - left, frame.box.height}, "var(--hatch)");
  }
  draw_grid(chart, frame, svg);
  draw_curves(chart, frame, svg);
  draw_legend(chart, svg);
  svg.metadata(json_of(chart, frame));
  return svg.finish();
}

}  // namespace dendrokv
