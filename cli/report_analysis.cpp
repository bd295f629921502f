// What an analysis found, as figures: the curves and maps that the verdicts rest on.

#include <algorithm>
#include <cmath>
#include <limits>

#include "analysis/rise.h"
#include "cli/claims_text.h"
#include "cli/format.h"
#include "cli/report_figures.h"
#include "plot/chart.h"
#include "plot/svg.h"

namespace dendrokv {
namespace {

constexpr size_t kMostPoints = 1024;  // of a curve in a picture; longer ones are means of cells
constexpr size_t kMostBands = 8;      // drawn as curves; of packets evenly chosen
constexpr size_t kScalogramColumns = 128;

/// "2", "2.83", "1000", "0.05"
std::string trimmed(double value) {
  std::string text = significant(value);
  if (text.find('.') == std::string::npos) return text;
  text.erase(text.find_last_not_of('0') + 1);
  if (text.back() == '.') text.pop_back();
  return text;
}

std::string band_colour(size_t index) {
  return "var(--band" + std::to_string(index % 5) + ")";
}

std::string band_label(const Analysis& analysis, size_t band) {
  return analysis.band_names[band] + " (" + trimmed(analysis.period_low[band]) + "–" +
         trimmed(analysis.period_high[band]) + " tokens)";
}

std::vector<size_t> shown_bands(const Analysis& analysis) {
  std::vector<size_t> bands;
  const size_t step = (analysis.levels + kMostBands - 1) / kMostBands;
  for (size_t band = 0; band < analysis.levels; band += step) bands.push_back(band);
  return bands;
}

std::span<const double> row_of(const std::vector<double>& rows, const Analysis& analysis,
                               size_t band) {
  return std::span(rows).subspan(band * analysis.positions, analysis.positions);
}

size_t cell_width(const Analysis& analysis) {
  return (analysis.positions + kMostPoints - 1) / kMostPoints;
}

/// Means over cells of `width` positions; NaN where a cell has no number.
std::vector<double> pooled(std::span<const double> row, size_t width) {
  std::vector<double> cells;
  for (size_t first = 0; first < row.size(); first += width) {
    double sum = 0;
    size_t count = 0;
    for (const double value : row.subspan(first, std::min(width, row.size() - first)))
      if (std::isfinite(value)) {
        sum += value;
        ++count;
      }
    cells.push_back(count == 0 ? std::numeric_limits<double>::quiet_NaN()
                               : sum / static_cast<double>(count));
  }
  return cells;
}

/// Of the finite numbers of a range.
double mean_of(std::span<const double> row, IndexRange range) {
  const std::vector<double> cells =
      pooled(row.subspan(range.first, range.count), std::max<size_t>(range.count, 1));
  return cells.empty() ? 1 : cells[0];
}

std::vector<double> cell_positions(const Analysis& analysis, size_t width) {
  std::vector<double> x;
  for (size_t first = 0; first < analysis.positions; first += width)
    x.push_back(static_cast<double>(first) +
                static_cast<double>(std::min<size_t>(width, analysis.positions - first) - 1) / 2);
  return x;
}

std::vector<HatchedRange> left_out(const Analysis& analysis) {
  const IndexRange usable = usable_range(analysis);
  return {
      {0, static_cast<double>(usable.first)},
      {static_cast<double>(usable.first + usable.count), static_cast<double>(analysis.positions)}};
}

std::string pool_words(const Analysis& analysis) {
  const size_t width = cell_width(analysis);
  return width == 1
             ? ""
             : " Drawn as means of " + std::to_string(width) + " positions; the CSV has them all.";
}

}  // namespace

Figure band_figure(const Analysis& analysis) {
  Figure figure;
  figure.title = "Variability along the text";
  LineChart chart;
  chart.title = "Mean magnitude of each band over the positions of the text";
  chart.x_title = "position (token)";
  chart.y_title = "mean magnitude (" + analysis.unit + ", log scale)";
  chart.y_scale = ScaleKind::Log10;
  chart.x_ticks = TickStyle::Binary;
  chart.height = 380;
  chart.hatched = left_out(analysis);
  const size_t width = cell_width(analysis);
  const Statistics& statistics = analysis.statistics;
  for (const size_t band : shown_bands(analysis)) {
    Series series{
        band_label(analysis, band),
        band_colour(chart.series.size()),
        LineStyle::Solid,
        cell_positions(analysis, width),
        pooled(analysis.band_row(band), width),
        analysis.samples == 1 ? 0.7 + 0.3 * static_cast<double>(chart.series.size()) : 1.6,
        {},
        {}};
    if (analysis.band_kind != "none") {
      series.low = pooled(row_of(analysis.low, analysis, band), width);
      series.high = pooled(row_of(analysis.high, analysis, band), width);
    }
    chart.series.push_back(std::move(series));
  }
  if (!statistics.null_curves.empty())
    for (const size_t band : {size_t{0}, size_t{analysis.levels - 1u}}) {
      const NullCurve& null = statistics.null_curves[0];
      chart.series.push_back({analysis.band_names[band] + " under " + null.name, "var(--ink)",
                              LineStyle::Dashed, cell_positions(analysis, width),
                              pooled(row_of(null.mean, analysis, band), width), 1,
                              pooled(row_of(null.low, analysis, band), width),
                              pooled(row_of(null.high, analysis, band), width)});
    }
  figure.picture = line_chart(chart);
  std::string csv = "position,band,mean,low,high";
  for (const NullCurve& null : statistics.null_curves)
    csv += "," + null.name + "," + null.name + "_low," + null.name + "_high";
  csv += ",relative,mean_weight\n";
  for (size_t band = 0; band < analysis.levels; ++band)
    for (size_t p = 0; p < analysis.positions; ++p) {
      const size_t at = band * analysis.positions + p;
      csv += std::to_string(p) + "," + analysis.band_names[band] + "," +
             csv_number(analysis.band[at]) + "," + csv_number(analysis.low[at]) + "," +
             csv_number(analysis.high[at]);
      for (const NullCurve& null : statistics.null_curves)
        csv += "," + csv_number(null.mean[at]) + "," + csv_number(null.low[at]) + "," +
               csv_number(null.high[at]);
      csv += "," + csv_number(statistics.relative[at]) + "," + csv_number(analysis.mean_weight[p]) +
             "\n";
    }
  const std::string bands = analysis.band_kind == "none"
                                ? "One unit gives no confidence band."
                                : "Shaded: 95 % confidence band of the logarithm, " +
                                      analysis.band_kind + ", over " + sample_words(analysis) + ".";
  figure.caption =
      "Mean over " + std::to_string(analysis.layers.size()) + " layers, " +
      std::to_string(analysis.heads.size()) + " heads, all channels and " +
      std::to_string(analysis.samples) + (analysis.samples == 1 ? " window" : " windows") + ". " +
      bands +
      (analysis.statistics.nulls.empty()
           ? ""
           : " Dashed: the mean curve under the null, and where 95 % of its draws lie.") +
      " Hatched: left out of tests (first " + std::to_string(analysis.exclude_first) + ", last " +
      std::to_string(analysis.exclude_last) + " positions). " +
      (analysis.transform == "dwt"
           ? "The transform is decimated: moving the query by one token pairs the tokens anew."
           : "") +
      pool_words(analysis);
  figure.numbers = {"bands.csv", csv};
  return figure;
}

Figure beyond_figure(const Analysis& analysis) {
  Figure figure;
  const Statistics& statistics = analysis.statistics;
  const bool has_null = !statistics.nulls.empty();
  const std::string wanted = has_null ? statistics.nulls[0] : "relative";
  figure.title =
      has_null ? "In relation to the null" : "In relation to the size of the contributions";
  std::string csv = "yardstick,band,first_position,positions,ln_mean,ln_low,ln_high\n";
  LineChart chart;
  chart.title = "Amplitude of each band over that of the null, by position";
  chart.x_title = "position (token, middle of a bin)";
  chart.y_title =
      has_null ? "amplitude / amplitude under " + wanted : "amplitude / local root mean square";
  chart.x_ticks = TickStyle::Binary;
  const size_t bins = statistics.bin_first.size();
  for (const BinBand& band : statistics.bands)
    for (size_t b = 0; b < analysis.levels; ++b)
      for (size_t bin = 0; bin < bins; ++bin) {
        const size_t at = b * bins + bin;
        csv += band.name + "," + analysis.band_names[b] + "," +
               std::to_string(statistics.bin_first[bin]) + "," +
               std::to_string(statistics.bin_count[bin]) + "," + csv_number(band.mean[at]) + "," +
               csv_number(band.low[at]) + "," + csv_number(band.high[at]) + "\n";
      }
  for (const BinBand& band : statistics.bands) {
    if (band.name != wanted) continue;
    for (const size_t b : shown_bands(analysis)) {
      Series series{band_label(analysis, b),
                    band_colour(chart.series.size()),
                    LineStyle::Solid,
                    {},
                    {},
                    2,
                    {},
                    {}};
      for (size_t bin = 0; bin < bins; ++bin) {
        const size_t at = b * bins + bin;
        series.x.push_back(statistics.bin_first[bin] + (statistics.bin_count[bin] - 1) / 2.0);
        series.y.push_back(std::exp(band.mean[at]));
        series.low.push_back(std::exp(band.low[at]));
        series.high.push_back(std::exp(band.high[at]));
      }
      chart.series.push_back(std::move(series));
    }
  }
  if (has_null && !chart.series.empty())
    chart.series.push_back({"as the null",
                            "var(--ink)",
                            LineStyle::Dashed,
                            {chart.series[0].x.front(), chart.series[0].x.back()},
                            {1, 1},
                            1,
                            {},
                            {}});
  figure.picture = line_chart(chart);
  figure.caption =
      "Geometric means over " + sample_words(analysis) +
      (has_null ? ": a flat curve is the rise that the null gives, a rising one is a rise beyond "
                  "it. Below 1 neighbours are more alike than under the null."
                : ".") +
      (statistics.units.size() > 1 ? " Shaded: 95 % band that holds a whole curve at once." : "");
  figure.numbers = {"beyond.csv", csv};
  return figure;
}

Figure head_map_figure(const Analysis& analysis) {
  Figure figure;
  figure.title = "Where it rises: layers and heads";
  const size_t layers = analysis.layers.size(), heads = analysis.heads.size();
  std::string csv = "map,layer,head,ln_effect,p,p_adjusted\n";
  for (const HeadMap& map : analysis.statistics.maps) {
    Grid<double> ratios(layers, heads);
    HeatMapChart chart;
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
        chart.cell_names.push_back("layer " + layer + ", head " + head + ": " +
                                   number(ratios(l, h)) + "×" +
                                   (std::isfinite(p) ? ", p adjusted " + number(p) : ""));
        csv += map.name + "," + layer + "," + head + "," + csv_number(double{map.effect[at]}) +
               "," + csv_number(double{map.p_value[at]}) + "," + csv_number(p) + "\n";
      }
    for (const Layer layer : analysis.layers)
      chart.row_names.push_back(std::to_string(layer.value));
    for (const Head head : analysis.heads) chart.column_names.push_back(std::to_string(head.value));
    chart.title = map.statement;
    chart.row_title = "layer";
    chart.column_title = map.name == "rise" ? "head · growth of " + analysis.band_names[0]
                                            : "head · growth beyond that of the size";
    chart.value_title = analysis.band_names[0] + " end / start (×)";
    chart.values = std::as_const(ratios).view();
    chart.scale = ScaleKind::Log2;
    chart.cell_width = std::clamp(300.0 / static_cast<double>(heads), 9.0, 34.0);
    figure.picture += heat_map(chart);
    figure.findings.push_back(
        "Per head, “" + map.statement + "”: it does in " + std::to_string(rising) + " of " +
        std::to_string(layers * heads) + " heads" +
        (testable ? ", significantly in " + std::to_string(found) : ", not testable one by one") +
        ".");
  }
  figure.picture = "<div class=\"pair\">" + figure.picture + "</div>";
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
  std::string changes;
  for (const BandChange& change : analysis.statistics.changes)
    if (changes.size() < 400)
      changes += (changes.empty() ? "" : ", ") + analysis.band_names[change.band] +
                 " after position " + std::to_string(change.position);
  figure.caption =
      "Relative variability is the root mean square of a band over that of the contributions "
      "there; in white noise it is the same along the text, 1 "
      "everywhere here. Positions that an end of the window touches are "
      "left blank. Change points of the mean curves, by cumulative sums of squares (p ≤ " +
      trimmed(analysis.statistics.significance) + "): " + (changes.empty() ? "none" : changes) +
      ".";
  figure.numbers = {"scalogram.csv", csv};
  return figure;
}

Figure variance_figure(const Analysis& analysis) {
  Figure figure;
  figure.title = "Wavelet variance";
  const Statistics& statistics = analysis.statistics;
  LineChart chart;
  chart.title = "Mean energy of each band against its period";
  chart.x_title = "period (tokens, log scale)";
  chart.y_title = "variance (square of " + analysis.unit + ")";
  chart.x_scale = ScaleKind::Log2;
  chart.y_scale = ScaleKind::Log10;
  chart.height = 300;
  Series series{"variance of the band", "var(--series0)", LineStyle::Solid, {}, {}, 2, {}, {}};
  Series white{"white noise of the same variance at the first band",
               "var(--secondary)",
               LineStyle::Dashed,
               {},
               {},
               1,
               {},
               {}};
  Series red{"95 % level of red noise, lag-1 " + number(statistics.lag1),
             "var(--series3)",
             LineStyle::Dashed,
             {},
             {},
             1,
             {},
             {}};
  Series median{
      "the median over the positions", "var(--series2)", LineStyle::Dashed, {}, {}, 2, {}, {}};
  std::string csv = "band,period_low,period_high,variance,low,high,red_noise_95,median\n";
  for (size_t band = 0; band < analysis.levels; ++band) {
    const double period = std::sqrt(analysis.period_low[band] * analysis.period_high[band]);
    series.x.push_back(period);
    series.y.push_back(statistics.variance[band]);
    series.low.push_back(statistics.variance_low[band]);
    series.high.push_back(statistics.variance_high[band]);
    white.x.push_back(period);
    white.y.push_back(statistics.variance[0] * series.x[0] / period);
    const bool known = band < statistics.significant.size(),
               has_median = band < statistics.variance_median.size();
    if (has_median)
      median.x.push_back(period), median.y.push_back(statistics.variance_median[band]);
    if (known) red.x.push_back(period), red.y.push_back(statistics.significant[band]);
    csv += analysis.band_names[band] + "," + csv_number(analysis.period_low[band]) + "," +
           csv_number(analysis.period_high[band]) + "," + csv_number(statistics.variance[band]) +
           "," + csv_number(statistics.variance_low[band]) + "," +
           csv_number(statistics.variance_high[band]) + "," +
           (known ? csv_number(statistics.significant[band]) : "") + "," +
           (has_median ? csv_number(statistics.variance_median[band]) : "") + "\n";
  }
  const bool octaves = analysis.transform != "packet";
  chart.series = {series};
  if (!median.x.empty()) chart.series.push_back(median);
  if (octaves) chart.series.push_back(white);
  if (!red.x.empty()) chart.series.push_back(red);
  figure.picture = line_chart(chart);
  figure.caption = "Mean over the positions that are not left out. Shaded: 95 % interval (" +
                   statistics.variance_interval + ").";
  if (!median.x.empty())
    figure.caption +=
        " The median is what half of the positions stay below: far below the mean, a few positions "
        "hold most of it.";
  figure.numbers = {"variance.csv", csv};
  return figure;
}

}  // namespace dendrokv
