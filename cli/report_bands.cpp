#include "cli/report_bands.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "cli/format.h"

namespace dendrokv {
namespace {

constexpr size_t kMostBands = 8;
constexpr size_t kColours = 5;  // of the palette

}  // namespace

std::string trimmed(double value) {
  std::string text = significant(value);
  if (text.find('.') == std::string::npos) return text;
  text.erase(text.find_last_not_of('0') + 1);
  if (text.back() == '.') text.pop_back();
  return text;
}

Series band_series(std::string name, size_t index, double width) {
  const SeriesLook look = series_look(index, kColours);
  Series series{
      std::move(name), "var(--band" + std::to_string(look.colour) + ")", look.line, {}, {}, width};
  series.marker = look.marker;
  return series;
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

}  // namespace dendrokv
