#include "plot/heat_map.h"

#include <algorithm>
#include <bit>
#include <cmath>

#include "plot/colormap.h"
#include "plot/svg.h"

namespace dendrokv {
namespace {

constexpr double kTickRoom = 7;

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
      if (has_place(value, chart.scale)) sorted.push_back(value);
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
  double longest = 3 * kLetterWidth;
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
      const bool known = has_place(value, chart.scale);
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
