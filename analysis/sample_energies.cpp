#include "analysis/sample_energies.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numbers>
#include <string_view>
#include <utility>

#include "analysis/change_points.h"
#include "analysis/continuous_wavelets.h"
#include "analysis/distributions.h"
#include "analysis/red_noise.h"
#include "analysis/resampling.h"
#include "analysis/wavelet_variance.h"

namespace dendrokv {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
constexpr size_t kChangeCells = 2048;  // that change points are looked for in
constexpr uint32_t kChangeDraws = 499;

/// Wavelets whose significance is tabled (analysis/red_noise.h).
struct FactName {
  std::string_view wavelet, facts;
};
constexpr std::array<FactName, 4> kFactNames = {
    {{"morlet:6", "morlet"}, {"paul:4", "paul"}, {"dog:2", "dog2"}, {"dog:6", "dog6"}}};

/// Energies of the mean over windows: relative variability sqrt(E_l / size), and the entropy of the
/// shares of the bands.
void fill_relative(const SampleSums& sums, Analysis& analysis) {
  Statistics& statistics = analysis.statistics;
  const std::vector<double> size = sums.signal_energy();
  statistics.energy = on_positions(sums, analysis, sums.energy());
  statistics.relative.assign(statistics.energy.size(), kNaN);
  statistics.entropy.assign(analysis.positions, kNaN);
  const auto energy = [&](size_t band, size_t p) -> double {
    return statistics.energy[band * analysis.positions + p];
  };
  for (size_t band = 0; band < analysis.levels; ++band) {
    const size_t run = sums.layout()[band].run;
    for (size_t block = 0; block + run <= size.size(); block += run) {
      double mean = 0;
      for (size_t p = block; p < block + run; ++p) mean += size[p] / static_cast<double>(run);
      for (size_t p = block; p < block + run; ++p)
        statistics.relative[band * analysis.positions + analysis.valid_first + p] =
            std::sqrt(energy(band, analysis.valid_first + p) / mean);
    }
  }
  for (size_t p = analysis.valid_first; p < analysis.positions && analysis.levels > 1; ++p) {
    double total = 0, sum = 0;
    for (size_t band = 0; band < analysis.levels; ++band) total += energy(band, p);
    for (size_t band = 0; band < analysis.levels; ++band) {
      const double share = energy(band, p) / total;
      if (share != 0) sum -= share * std::log(share);
    }
    statistics.entropy[p] = sum / std::log(static_cast<double>(analysis.levels));
  }
}

void fill_variance(const PieceSetup& setup, const SampleSums& sums, UnitKind kind,
                   Statistics& statistics) {
  const AnalyzeOptions& options = setup.options;
  const size_t units = sums.units().size(), bands = sums.layout().size();
  Grid<double> energies(units, bands);
  for (size_t u = 0; u < units; ++u)
    std::ranges::copy(sums.units()[u].band_energy, energies.row(u).begin());
  const Band band = expanded_percentile_band(energies.view(), 1 - options.significance,
                                             {options.seed, options.draws});
  statistics.variance = band.mean;
  statistics.variance_low = band.lower;
  statistics.variance_high = band.upper;
  statistics.variance_interval =
      kind == UnitKind::Document ? "bootstrap over documents" : "bootstrap over windows";
  if (units > 1) return;
  statistics.variance_interval = "chi-squared, degrees of an ideal filter (eta3) of one series";
  for (size_t b = 0; b < bands; ++b) {
    const auto level = options.transform.kind == TransformKind::Packet
                           ? options.transform.levels
                           : static_cast<uint32_t>(b + 1);
    const BandPlace& place = sums.layout()[b];
    const size_t positions = runs_within(place, setup.usable).count * place.run;
    const VarianceInterval interval = chi_squared_interval(
        band.mean[b], degrees_of_ideal_filter(positions, level), 1 - options.significance);
    statistics.variance_low[b] = interval.lower;
    statistics.variance_high[b] = interval.upper;
  }
}

/// A few positions (a sink) may hold most of a mean. Beside it the mean of the series' M-estimates,
/// and the median over positions.
void fill_robust_variance(const PieceSetup& setup, const SampleSums& sums, Statistics& statistics) {
  const std::vector<double> energy = sums.energy();
  for (size_t band = 0; band < sums.layout().size(); ++band) {
    const RobustSum& sum = sums.robust()[band];
    statistics.variance_robust.push_back(
        sum.coefficients > 0 ? sum.weighed / static_cast<double>(sum.coefficients) : kNaN);
    const BandPlace& place = sums.layout()[band];
    const IndexRange runs = runs_within(place, setup.usable);
    std::vector<double> at_run(
        energy.begin() + static_cast<std::ptrdiff_t>(place.first + runs.first),
        energy.begin() + static_cast<std::ptrdiff_t>(place.first + runs.first + runs.count));
    const auto middle = at_run.begin() + static_cast<std::ptrdiff_t>(at_run.size() / 2);
    std::ranges::nth_element(at_run, middle);
    statistics.variance_median.push_back(at_run.empty() ? kNaN : *middle);
  }
}

/// The relative variability of one band on cells of equal width inside of the usable and valid
/// positions.
void fill_changes(const PieceSetup& setup, const SampleSums& sums, Analysis& analysis) {
  Statistics& statistics = analysis.statistics;
  for (uint32_t band = 0; band < analysis.levels; ++band) {
    const BandPlace& place = sums.layout()[band];
    const IndexRange counted = intersection(setup.usable, place.valid);
    if (counted.count == 0) continue;
    const size_t first = counted.first, end = counted.first + counted.count;
    size_t width = place.run;
    while ((end - first) / width > kChangeCells) width *= 2;
    std::vector<double> cells;
    const size_t start = (first + width - 1) / width * width;
    for (size_t p = start; p + width <= end; p += width) {
      double square = 0;
      for (size_t i = p; i < p + width; ++i)
        square +=
            std::pow(statistics.relative[band * analysis.positions + analysis.valid_first + i], 2) /
            static_cast<double>(width);
      cells.push_back(std::sqrt(square));
    }
    if (std::ranges::any_of(cells, [](double cell) { return std::isnan(cell); })) continue;
    const size_t block = std::max<size_t>(1, static_cast<size_t>(place.period_low) / width);
    for (const VarianceChange& change : variance_changes(cells, block, setup.options.significance,
                                                         {setup.options.seed, kChangeDraws}))
      statistics.changes.push_back(
          {band,
           static_cast<uint32_t>(analysis.valid_first + start + (change.after + 1) * width - 1),
           change.statistic, change.p_value});
  }
}

/// Power of a continuous transform that red noise of the same lag-1 autocorrelation stays below,
/// averaged over the usable positions (Torrence and Compo, equations 16, 18, 23), in the
/// transform's normalisation.
void fill_significance(const PieceSetup& setup, const SampleSums& sums, Statistics& statistics) {
  statistics.lag1 = kNaN;
  if (setup.options.transform.kind != TransformKind::Cwt) return;
  statistics.lag1 = sums.lag1();
  const ContinuousWavelet wavelet =
      parse_continuous_wavelet(setup.options.transform.wavelet_name());
  const auto facts = std::ranges::find(kFactNames, wavelet.name(), &FactName::wavelet);
  if (facts == kFactNames.end()) return;
  const std::vector<double> sizes = sums.signal_energy();
  double variance = 0;
  for (size_t p = setup.usable.first; p < setup.usable.first + setup.usable.count; ++p)
    variance += sizes[p] / static_cast<double>(setup.usable.count);
  const double peak = std::fabs(wavelet.amplitude(wavelet.peak()));
  for (const BandPlace& place : sums.layout()) {
    const double period = std::sqrt(place.period_low * place.period_high),
                 scale = period / wavelet.period();
    const double degrees = time_average_degrees(wavelet_facts(facts->facts),
                                                static_cast<double>(setup.usable.count), scale);
    // L1 over L2
    const double normalised =
        std::pow((wavelet.is_real() ? 1 : 2) / peak, 2) / (2 * std::numbers::pi * scale);
    statistics.significant.push_back(variance * normalised *
                                     red_noise_power(statistics.lag1, 1 / period) *
                                     chi_squared_quantile(degrees, 0.95) / degrees);
  }
}

}  // namespace

std::vector<double> on_positions(const SampleSums& sums, const Analysis& analysis,
                                 std::span<const double> amplitudes) {
  std::vector<double> rows(size_t{analysis.levels} * analysis.positions, kNaN);
  for (size_t band = 0; band < sums.layout().size(); ++band) {
    const BandPlace& place = sums.layout()[band];
    double* out = rows.data() + band * analysis.positions + analysis.valid_first;
    for (size_t p = place.valid.first; p < place.valid.first + place.valid.count; ++p)
      out[p] = amplitudes[place.first + p / place.run];
  }
  return rows;
}

std::vector<double> on_positions(const Analysis& analysis, std::span<const double> window) {
  std::vector<double> row(analysis.positions, kNaN);
  std::ranges::copy(window, row.begin() + analysis.valid_first);
  return row;
}

void fill_energies(const PieceSetup& setup, const SampleSums& sums, UnitKind kind,
                   Analysis& analysis) {
  fill_relative(sums, analysis);
  fill_variance(setup, sums, kind, analysis.statistics);
  fill_robust_variance(setup, sums, analysis.statistics);
  fill_changes(setup, sums, analysis);
  fill_significance(setup, sums, analysis.statistics);
}

}  // namespace dendrokv
