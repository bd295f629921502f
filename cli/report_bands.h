#pragma once
// What the figures of an analysis share: names and looks of bands, rows of them, means of cells.

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "data/analysis_file.h"
#include "plot/line_chart.h"

namespace dendrokv {

/// "2", "2.83", "1000", "0.05"
std::string trimmed(double value);

/// Without its points; of the bands that are drawn as curves, by their place among them.
Series band_series(std::string name, size_t index, double width);
/// "D1 (2–4 tokens)"
std::string band_label(const Analysis& analysis, size_t band);
/// All of a few; of packets evenly chosen ones.
std::vector<size_t> shown_bands(const Analysis& analysis);

/// One band of rows [band, position].
std::span<const double> row_of(const std::vector<double>& rows, const Analysis& analysis,
                               size_t band);
/// Means over cells of `width` numbers; NaN where a cell has none.
std::vector<double> pooled(std::span<const double> row, size_t width);

}  // namespace dendrokv
