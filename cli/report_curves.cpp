// What an analysis found, as curves: bands along the text, beyond the null, and over their periods.

#include <algorithm>
#include <cmath>
#include <utility>

#include "analysis/usable_range.h"
#include "cli/claims_text.h"
#include "cli/report_bands.h"
#include "cli/report_figures.h"
#include "plot/line_chart.h"
#include "plot/svg.h"

namespace dendrokv {
namespace {

constexpr size_t kMostPoints = 1024;  // of a curve in a picture; longer ones are means of cells

Series curve(std::string name, std::string colour, LineStyle style, double width) {
  return {std::move(name), std::move(colour), style, {}, {}, width, {}, {}};
}

size_t cell_width(const Analysis& analysis) {
  return (analysis.positions + kMostPoints - 1) / kMostPoints;
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

// --- bands along the text

void add_band_curves(const Analysis& analysis, LineChart& chart) {
  const size_t width = cell_width(analysis);
  for (const size_t band : shown_bands(analysis)) {
    const size_t place = chart.series.size();
    // One window has no band to tell curves apart by: slow ones are thicker.
    const double stroke = analysis.samples == 1 ? 0.7 + 0.3 * static_cast<double>(place) : 1.6;
    Series series = band_series(band_label(analysis, band), place, stroke);
    series.x = cell_positions(analysis, width);
    series.y = pooled(analysis.band_row(band), width);
    if (analysis.band_kind != "none") {
      series.low = pooled(row_of(analysis.low, analysis, band), width);
      series.high = pooled(row_of(analysis.high, analysis, band), width);
    }
    chart.series.push_back(std::move(series));
  }
}

/// The first null of the highest and the lowest band that are drawn, with the bands' colours and
/// marks; of one window, whose curves cross all the time, in ink.
void add_null_curves(const Analysis& analysis, LineChart& chart) {
  if (analysis.statistics.null_curves.empty()) return;
  const NullCurve& null = analysis.statistics.null_curves[0];
  const size_t width = cell_width(analysis);
  const std::vector<size_t> bands = shown_bands(analysis);
  std::vector<size_t> places = {0};
  if (bands.size() > 1) places.push_back(bands.size() - 1);
  for (const size_t place : places) {
    const size_t band = bands[place];
    Series series = band_series(analysis.band_names[band] + " under " + null.name, place, 1.2);
    series.style = LineStyle::Dashed;
    if (analysis.samples == 1) series.colour = "var(--ink)";
    series.x = cell_positions(analysis, width);
    series.y = pooled(row_of(null.mean, analysis, band), width);
    series.low = pooled(row_of(null.low, analysis, band), width);
    series.high = pooled(row_of(null.high, analysis, band), width);
    chart.series.push_back(std::move(series));
  }
}

std::string bands_csv(const Analysis& analysis) {
  const Statistics& statistics = analysis.statistics;
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
  return csv;
}

std::string bands_caption(const Analysis& analysis) {
  const size_t width = cell_width(analysis);
  std::string text = "Mean over " + std::to_string(analysis.layers.size()) + " layers, " +
                     std::to_string(analysis.heads.size()) + " heads, all channels and " +
                     std::to_string(analysis.samples) +
                     (analysis.samples == 1 ? " window. " : " windows. ");
  text += analysis.band_kind == "none"
              ? "One unit gives no confidence band."
              : "Shaded: " + confidence_words(analysis) + " confidence band of the logarithm, " +
                    analysis.band_kind + ", over " + sample_words(analysis) + ".";
  if (!analysis.statistics.nulls.empty())
    text += " Dashed: the mean curve under the null, and where 95 % of its draws lie.";
  text += " Hatched: left out of tests (first " + std::to_string(analysis.exclude_first) +
          ", last " + std::to_string(analysis.exclude_last) + " positions).";
  if (analysis.transform == "dwt")
    text += " The transform is decimated: moving the query by one token pairs the tokens anew.";
  if (width > 1)
    text += " Drawn as means of " + std::to_string(width) + " positions; the CSV has them all.";
  return text;
}

// --- beyond the null

std::string beyond_csv(const Analysis& analysis) {
  const Statistics& statistics = analysis.statistics;
  const size_t bins = statistics.bin_first.size();
  std::string csv = "yardstick,band,first_position,positions,ln_mean,ln_low,ln_high\n";
  for (const BinBand& band : statistics.bands)
    for (size_t b = 0; b < analysis.levels; ++b)
      for (size_t bin = 0; bin < bins; ++bin) {
        const size_t at = b * bins + bin;
        csv += band.name + "," + analysis.band_names[b] + "," +
               std::to_string(statistics.bin_first[bin]) + "," +
               std::to_string(statistics.bin_count[bin]) + "," + csv_number(band.mean[at]) + "," +
               csv_number(band.low[at]) + "," + csv_number(band.high[at]) + "\n";
      }
  return csv;
}

void add_beyond_curves(const Analysis& analysis, const BinBand& band, LineChart& chart) {
  const Statistics& statistics = analysis.statistics;
  const size_t bins = statistics.bin_first.size();
  for (const size_t b : shown_bands(analysis)) {
    Series series = band_series(band_label(analysis, b), chart.series.size(), 2);
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

/// What ranks say of the first band, without a distribution.
std::string rank_words(const Analysis& analysis, const BinBand& band) {
  if (band.page_p.empty() || band.sen_change.empty() || analysis.statistics.units.size() < 2)
    return {};
  return " By ranks " + analysis.band_names[0] + " changes by " + times(band.sen_change[0]) +
         " from the first bin to the last (slope of Theil and Sen); p of Page’s trend test, "
         "upwards: " +
         p_value_text(band.page_p[0]) + ".";
}

// --- over periods

std::string variance_csv(const Analysis& analysis) {
  const Statistics& statistics = analysis.statistics;
  const auto known = [](const std::vector<double>& values, size_t band) {
    return band < values.size() ? csv_number(values[band]) : std::string();
  };
  std::string csv = "band,period_low,period_high,variance,low,high,red_noise_95,robust,median\n";
  for (size_t band = 0; band < analysis.levels; ++band)
    csv += analysis.band_names[band] + "," + csv_number(analysis.period_low[band]) + "," +
           csv_number(analysis.period_high[band]) + "," + csv_number(statistics.variance[band]) +
           "," + csv_number(statistics.variance_low[band]) + "," +
           csv_number(statistics.variance_high[band]) + "," + known(statistics.significant, band) +
           "," + known(statistics.variance_robust, band) + "," +
           known(statistics.variance_median, band) + "\n";
  return csv;
}

bool has_number(const std::vector<double>& values) {
  return std::ranges::any_of(values, [](double value) { return std::isfinite(value); });
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
  add_band_curves(analysis, chart);
  add_null_curves(analysis, chart);
  figure.picture = line_chart(chart);
  figure.caption = bands_caption(analysis);
  figure.numbers = {"bands.csv", bands_csv(analysis)};
  return figure;
}

Figure beyond_figure(const Analysis& analysis) {
  Figure figure;
  const Statistics& statistics = analysis.statistics;
  const bool has_null = !statistics.nulls.empty();
  const std::string wanted = has_null ? statistics.nulls[0] : "relative";
  figure.title =
      has_null ? "In relation to the null" : "In relation to the size of the contributions";
  LineChart chart;
  chart.title = has_null ? "Amplitude of each band over that of the null, by position"
                         : "Amplitude of each band over the local size, by position";
  chart.x_title = "position (token, middle of a bin)";
  chart.y_title =
      has_null ? "amplitude / amplitude under " + wanted : "amplitude / local root mean square";
  chart.x_ticks = TickStyle::Binary;
  std::string ranks;
  for (const BinBand& band : statistics.bands) {
    if (band.name != wanted) continue;
    add_beyond_curves(analysis, band, chart);
    ranks = rank_words(analysis, band);
  }
  if (has_null && !chart.series.empty()) {
    Series level = curve("as the null", "var(--ink)", LineStyle::Dashed, 1);
    level.x = {chart.series[0].x.front(), chart.series[0].x.back()};
    level.y = {1, 1};
    chart.series.push_back(std::move(level));
  }
  figure.picture = line_chart(chart);
  figure.caption =
      "Geometric means over " + sample_words(analysis) +
      (has_null ? ": a flat curve is the rise that the null gives, a rising one is a rise beyond "
                  "it. Below 1 neighbours are more alike than under the null."
                : ".") +
      (statistics.units.size() > 1
           ? " Shaded: " + confidence_words(analysis) + " band that holds a whole curve at once."
           : "") +
      ranks;
  figure.numbers = {"beyond.csv", beyond_csv(analysis)};
  return figure;
}

Figure variance_figure(const Analysis& analysis) {
  Figure figure;
  figure.title = "Wavelet variance";
  const Statistics& statistics = analysis.statistics;
  LineChart chart;
  chart.title = "Mean energy of each band against its period";
  chart.x_title = "period (tokens, log scale)";
  chart.y_title = "variance (square of " + analysis.unit + ", log scale)";
  chart.x_scale = ScaleKind::Log2;
  chart.y_scale = ScaleKind::Log10;
  chart.height = 300;
  std::vector<double> periods;
  for (size_t band = 0; band < analysis.levels; ++band)
    periods.push_back(std::sqrt(analysis.period_low[band] * analysis.period_high[band]));
  const auto add = [&](const std::string& name, const std::string& colour, LineStyle style,
                       std::vector<double> values) {
    Series series = curve(name, colour, style, style == LineStyle::Solid ? 2 : 1.2);
    series.x.assign(periods.begin(), periods.begin() + static_cast<std::ptrdiff_t>(values.size()));
    series.y = std::move(values);
    chart.series.push_back(std::move(series));
  };
  add("variance of the band", "var(--series0)", LineStyle::Solid, statistics.variance);
  chart.series[0].low = statistics.variance_low;
  chart.series[0].high = statistics.variance_high;
  const bool robust = has_number(statistics.variance_robust);
  if (robust)
    add("robust estimate", "var(--series2)", LineStyle::Solid, statistics.variance_robust);
  std::vector<double> white;
  for (const double period : periods) white.push_back(statistics.variance[0] * periods[0] / period);
  if (analysis.transform != "packet")
    add("white noise of the same variance at the first band", "var(--secondary)", LineStyle::Dashed,
        white);
  if (!statistics.significant.empty())
    add("95 % level of red noise, lag-1 " + number(statistics.lag1), "var(--series3)",
        LineStyle::Dashed, statistics.significant);
  figure.picture = line_chart(chart);
  figure.caption =
      "Mean over the positions that are not left out. Shaded: " + confidence_words(analysis) +
      " interval (" + statistics.variance_interval + ").";
  if (robust)
    figure.caption +=
        " The robust estimate (Tukey’s weights) does not follow a few wild coefficients: far below "
        "the mean, they hold most of it.";
  figure.numbers = {"variance.csv", variance_csv(analysis)};
  return figure;
}

}  // namespace dendrokv
