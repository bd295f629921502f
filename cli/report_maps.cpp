// What an analysis found, as maps: layers by heads, and periods by positions.

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "analysis/usable_range.h"
#include "cli/claims_text.h"
#include "cli/format.h"
#include "cli/report_bands.h"
#include "cli/report_figures.h"
#include "plot/heat_map.h"
#include "plot/svg.h"

namespace dendrokv {
namespace {

constexpr size_t kScalogramColumns = 128;
constexpr size_t kMostChanges = 8;  // named in the caption

/// One map of heads, its rows of the CSV and what it says in words.
struct HeadMapFigure {
  std::string picture, csv, finding;
};

HeadMapFigure head_map_of(const Analysis& analysis, const HeadMap& map) {
  const size_t layers = analysis.layers.size(), heads = analysis.heads.size();
  Grid<double> ratios(layers, heads);
  HeatMapChart chart;
  HeadMapFigure made;
  size_t rising = 0, found = 0, testable = 0;
  for (size_t l = 0; l < layers; ++l)
    for (size_t h = 0; h < heads; ++h) {
      const size_t at = l * heads + h;
      ratios(l, h) = std::exp(double{map.effect[at]});
      const std::string layer = std::to_string(analysis.layers[l].value),
                        head = std::to_string(analysis.heads[h].value);
      const double p = double{map.adjusted_p[at]};
      testable += std::isfinite(p) ? 1 : 0;
      rising += ratios(l, h) > 1 ? 1 : 0;
      chart.marked.push_back(p <= analysis.statistics.significance);
      found += chart.marked.back() ? 1 : 0;
      chart.cell_names.push_back("layer " + layer + ", head " + head + ": " + number(ratios(l, h)) +
                                 "×" + (std::isfinite(p) ? ", p adjusted " + number(p) : ""));
      made.csv += map.name + "," + layer + "," + head + "," + csv_number(double{map.effect[at]}) +
                  "," + csv_number(double{map.p_value[at]}) + "," + csv_number(p) + "\n";
    }
  for (const Layer layer : analysis.layers) chart.row_names.push_back(std::to_string(layer.value));
  for (const Head head : analysis.heads) chart.column_names.push_back(std::to_string(head.value));
  chart.title = map.statement;
  chart.row_title = "layer";
  chart.column_title = map.name == "rise" ? "head · growth of " + analysis.band_names[0]
                                          : "head · growth beyond that of the size";
  chart.value_title = analysis.band_names[0] + " end / start (×)";
  chart.values = std::as_const(ratios).view();
  chart.scale = ScaleKind::Log2;
  chart.cell_width = std::clamp(300.0 / static_cast<double>(heads), 9.0, 34.0);
  made.picture = heat_map(chart);
  made.finding =
      "Per head, “" + xml_escaped(map.statement) + "”: it does in " + std::to_string(rising) +
      " of " + std::to_string(layers * heads) + " heads" +
      (testable ? ", significantly in " + std::to_string(found) : ", not testable one by one") +
      ".";
  return made;
}

/// Of the finite numbers of a range; NaN without one.
double mean_of(std::span<const double> row, IndexRange range) {
  const std::vector<double> cells =
      pooled(row.subspan(range.first, range.count), std::max<size_t>(range.count, 1));
  return cells.empty() ? std::numeric_limits<double>::quiet_NaN() : cells[0];
}

/// Change points by band, the first few.
std::string change_words(const Analysis& analysis) {
  const std::vector<BandChange>& changes = analysis.statistics.changes;
  if (changes.empty()) return "none";
  std::string words;
  for (size_t i = 0; i < std::min(changes.size(), kMostChanges); ++i)
    words += (i ? ", " : "") + analysis.band_names[changes[i].band] + " after position " +
             std::to_string(changes[i].position);
  if (changes.size() > kMostChanges)
    words += " and " + std::to_string(changes.size() - kMostChanges) + " more (analysis file)";
  return words;
}

}  // namespace

Figure head_map_figure(const Analysis& analysis) {
  Figure figure;
  figure.title = "Where it rises: layers and heads";
  std::string csv = "map,layer,head,ln_effect,p,p_adjusted\n", pictures;
  for (const HeadMap& map : analysis.statistics.maps) {
    HeadMapFigure made = head_map_of(analysis, map);
    pictures += made.picture;
    csv += made.csv;
    figure.findings.push_back(std::move(made.finding));
  }
  figure.picture = "<div class=\"pair\">" + pictures + "</div>";
  figure.caption = "Change of the first band from the first bin to the last, mean over " +
                   sample_words(analysis) +
                   ". A dot marks heads that rise significantly, at a false discovery rate of " +
                   trimmed(analysis.statistics.significance * 100) +
                   " % over the whole map (Benjamini and Yekutieli).";
  figure.numbers = {"heads.csv", csv};
  return figure;
}

Figure scalogram_figure(const Analysis& analysis) {
  Figure figure;
  figure.title = "Scalogram";
  const size_t width =
      std::max<size_t>(1, (analysis.positions + kScalogramColumns - 1) / kScalogramColumns);
  const size_t columns = (analysis.positions + width - 1) / width;
  Grid<double> values(analysis.levels, columns, std::numeric_limits<double>::quiet_NaN());
  HeatMapChart chart;
  std::string csv =
      "band,period_low,period_high,first_position,relative_variability,over_its_mean\n";
  for (size_t band = 0; band < analysis.levels; ++band) {
    const std::vector<double> cells =
        pooled(row_of(analysis.statistics.relative, analysis, band), width);
    const double mean =
        mean_of(row_of(analysis.statistics.relative, analysis, band), usable_range(analysis));
    chart.row_names.push_back(analysis.levels <= 12 ? trimmed(analysis.period_low[band]) + "–" +
                                                          trimmed(analysis.period_high[band])
                                                    : trimmed(analysis.period_low[band]));
    for (size_t c = 0; c < columns; ++c) {
      const size_t first = c * width, end = analysis.band_first[band] + analysis.band_count[band];
      if (first >= analysis.band_first[band] && first < end) values(band, c) = cells[c] / mean;
      chart.cell_names.push_back(
          "positions " + std::to_string(first) + " to " +
          std::to_string(std::min<size_t>(first + width, analysis.positions) - 1) + ", periods " +
          chart.row_names.back() + " tokens: " + number(values(band, c)));
      csv += analysis.band_names[band] + "," + csv_number(analysis.period_low[band]) + "," +
             csv_number(analysis.period_high[band]) + "," + std::to_string(first) + "," +
             csv_number(cells[c]) + "," + csv_number(values(band, c)) + "\n";
    }
  }
  for (size_t c = 0; c < columns; ++c) chart.column_names.push_back(std::to_string(c * width));
  chart.title = "Relative variability by position and period";
  chart.row_title = "period (tokens)";
  chart.column_title = "position (token)";
  chart.value_title = "relative variability / its mean along the text";
  chart.values = std::as_const(values).view();
  chart.scale = ScaleKind::Log2;
  chart.cell_width = 760.0 / static_cast<double>(columns);
  chart.cell_height = std::clamp(170.0 / analysis.levels, 6.0, 30.0);
  figure.picture = heat_map(chart);
  figure.caption =
      "Relative variability is the root mean square of a band over that of the contributions "
      "there; in white noise it is the same along the text, 1 "
      "everywhere here. Positions that an end of the window touches are "
      "left blank. Change points of the mean curves, by cumulative sums of squares (p ≤ " +
      trimmed(analysis.statistics.significance) + "): " + change_words(analysis) + ".";
  figure.numbers = {"scalogram.csv", csv};
  return figure;
}

}  // namespace dendrokv
