#include "analysis/sample_statistics.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>
#include <utility>

#include "analysis/change_points.h"
#include "analysis/continuous_wavelets.h"
#include "analysis/distributions.h"
#include "analysis/multiplicity.h"
#include "analysis/red_noise.h"
#include "analysis/resampling.h"
#include "analysis/rise_claims.h"
#include "analysis/wavelet_variance.h"
#include "data/error.h"

namespace dendrokv {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
constexpr size_t kMostBandNumbers = size_t{1} << 24;  // draws times columns of a simultaneous band
constexpr size_t kChangeCells = 2048;                 // that change points are looked for in
constexpr uint32_t kChangeDraws = 499;
constexpr size_t kLeastMapUnits = 6;

Resampling resampling_of(const AnalyzeOptions& options) {
  return {options.seed, options.draws};
}

/// [bands, P] of amplitudes of a window; NaN outside of the places' valid range.
std::vector<double> on_positions(const SampleSums& sums, const Analysis& analysis, std::span<const double> amplitudes) {
  std::vector<double> rows(size_t{analysis.levels} * analysis.positions, kNaN);
  for (size_t band = 0; band < sums.layout().size(); ++band) {
    const BandPlace& place = sums.layout()[band];
    double* out = rows.data() + band * analysis.positions + analysis.valid_first;
    for (size_t p = place.valid.first; p < place.valid.first + place.valid.count; ++p) out[p] = amplitudes[place.first + p / place.run];
  }
  return rows;
}

std::vector<double> on_positions(const Analysis& analysis, std::span<const double> window) {
  std::vector<double> row(analysis.positions, kNaN);
  std::ranges::copy(window, row.begin() + analysis.valid_first);
  return row;
}

/// Lower and upper ends of the confidence band of every amplitude.
struct CurveBand {
  std::vector<double> low, high;
  std::string kind;
};

CurveBand pointwise_band(const SampleSums& sums, const AnalyzeOptions& options) {
  CurveBand band{sums.amplitude(), sums.amplitude(), "pointwise"};
  const std::vector<double> error = sums.curve_error();
  const double reach = normal_quantile(1 - options.significance / 2);
  for (size_t k = 0; k < error.size(); ++k) {
    band.low[k] -= reach * error[k];
    band.high[k] += reach * error[k];
  }
  return band;
}

CurveBand curve_band(const SampleSums& sums, const AnalyzeOptions& options) {
  if (sums.units().size() < 2) return {std::vector<double>(sums.amplitudes(), kNaN), std::vector<double>(sums.amplitudes(), kNaN), "none"};
  const bool fits = std::ranges::all_of(sums.layout(), [&](const BandPlace& place) { return place.count * options.draws <= kMostBandNumbers; });
  if (!sums.has_curves() || !fits) return pointwise_band(sums, options);
  CurveBand band{sums.amplitude(), sums.amplitude(), "simultaneous over the positions of a band"};
  for (const BandPlace& place : sums.layout()) {
    Grid<double> curves(sums.units().size(), place.count);
    for (size_t u = 0; u < curves.rows(); ++u)
      std::copy_n(sums.units()[u].curve.begin() + static_cast<std::ptrdiff_t>(place.first), place.count, curves.row(u).begin());
    const Band found = simultaneous_band(curves.view(), 1 - options.significance, resampling_of(options));
    for (size_t k = 0; k < place.count; ++k) {
      band.low[place.first + k] += found.lower[k] - found.mean[k];
      band.high[place.first + k] += found.upper[k] - found.mean[k];
    }
  }
  return band;
}

void fill_nulls(const PieceSetup& setup, const SampleSums& sums, Analysis& analysis) {
  const double reach = normal_quantile(0.975);
  for (size_t n = 0; n < setup.nulls.size(); ++n) {
    const std::vector<double> mean = sums.null_mean(n), deviation = sums.null_deviation(n);
    std::vector<double> low = mean, high = mean;
    for (size_t k = 0; k < mean.size(); ++k) {
      low[k] -= reach * deviation[k];
      high[k] += reach * deviation[k];
    }
    const Surrogate& row = *setup.nulls[n];
    analysis.statistics.nulls.emplace_back(row.name);
    analysis.statistics.null_curves.push_back({std::string(row.name), row.draw == DrawKind::Fixed ? 1 : setup.options.null_draws,
                                               on_positions(sums, analysis, mean), on_positions(sums, analysis, low),
                                               on_positions(sums, analysis, high)});
  }
}

/// Energies of the mean over windows: relative variability sqrt(E_l / size), and the entropy of the shares of the bands.
void fill_energies(const SampleSums& sums, Analysis& analysis) {
  Statistics& statistics = analysis.statistics;
  const std::vector<double> size = sums.signal_energy();
  statistics.energy = on_positions(sums, analysis, sums.energy());
  statistics.relative.assign(statistics.energy.size(), kNaN);
  statistics.entropy.assign(analysis.positions, kNaN);
  const auto energy = [&](size_t band, size_t p) -> double { return statistics.energy[band * analysis.positions + p]; };
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

void fill_variance(const PieceSetup& setup, const SampleSums& sums, UnitKind kind, Statistics& statistics) {
  const AnalyzeOptions& options = setup.options;
  const size_t units = sums.units().size(), bands = sums.layout().size();
  Grid<double> energies(units, bands);
  for (size_t u = 0; u < units; ++u) std::ranges::copy(sums.units()[u].band_energy, energies.row(u).begin());
  const Band band = percentile_band(energies.view(), 1 - options.significance, resampling_of(options));
  statistics.variance = band.mean;
  statistics.variance_low = band.lower;
  statistics.variance_high = band.upper;
  statistics.variance_interval =
      kind == UnitKind::Document ? "bootstrap over documents" : "bootstrap over windows";
  if (units > 1) return;
  statistics.variance_interval = "chi-squared, degrees of an ideal filter (eta3) of one series";
  for (size_t b = 0; b < bands; ++b) {
    const auto level = options.transform.kind == TransformKind::Packet ? options.transform.levels : static_cast<uint32_t>(b + 1);
    const VarianceInterval interval =
        chi_squared_interval(band.mean[b], degrees_of_ideal_filter(setup.usable.count, level), 1 - options.significance);
    statistics.variance_low[b] = interval.lower;
    statistics.variance_high[b] = interval.upper;
  }
}

/// The relative variability of one band on cells of equal width inside of the usable and valid positions.
void fill_changes(const PieceSetup& setup, const SampleSums& sums, Analysis& analysis) {
  Statistics& statistics = analysis.statistics;
  for (uint32_t band = 0; band < analysis.levels; ++band) {
    const BandPlace& place = sums.layout()[band];
    const size_t first = std::max(setup.usable.first, place.valid.first);
    const size_t end = std::min(setup.usable.first + setup.usable.count, place.valid.first + place.valid.count);
    if (end <= first) continue;
    size_t width = place.run;
    while ((end - first) / width > kChangeCells) width *= 2;
    std::vector<double> cells;
    const size_t start = (first + width - 1) / width * width;
    for (size_t p = start; p + width <= end; p += width) {
      double square = 0;
      for (size_t i = p; i < p + width; ++i)
        square += std::pow(statistics.relative[band * analysis.positions + analysis.valid_first + i], 2) / static_cast<double>(width);
      cells.push_back(std::sqrt(square));
    }
    if (std::ranges::any_of(cells, [](double cell) { return std::isnan(cell); })) continue;
    const size_t block = std::max<size_t>(1, static_cast<size_t>(place.period_low) / width);
    for (const VarianceChange& change :
         variance_changes(cells, block, setup.options.significance, {setup.options.seed, kChangeDraws}))
      statistics.changes.push_back({band, static_cast<uint32_t>(analysis.valid_first + start + (change.after + 1) * width - 1),
                                    change.statistic, change.p_value});
  }
}

void fill_bin_bands(const PieceSetup& setup, const SampleSums& sums, Statistics& statistics) {
  const size_t units = sums.units().size(), bands = sums.layout().size(), bins = statistics.bin_first.size();
  if (bins == 0) return;
  const auto add = [&](std::string name, auto yardstick) {
    BinBand result{std::move(name), {}, {}, {}};
    for (size_t band = 0; band < bands; ++band) {
      Grid<double> curves(units, bins);
      for (size_t u = 0; u < units; ++u)
        for (size_t bin = 0; bin < bins; ++bin)
          curves(u, bin) = sums.units()[u].rise.amplitude(band, bin) - yardstick(sums.units()[u].rise, band, bin);
      const Band found = simultaneous_band(curves.view(), 1 - setup.options.significance, resampling_of(setup.options));
      for (size_t bin = 0; bin < bins; ++bin) {
        result.mean.push_back(found.mean[bin]);
        result.low.push_back(units > 1 ? found.lower[bin] : kNaN);
        result.high.push_back(units > 1 ? found.upper[bin] : kNaN);
      }
    }
    statistics.bands.push_back(std::move(result));
  };
  add("amplitude", [](const DocumentRise&, size_t, size_t) { return 0.0; });
  add("relative", [](const DocumentRise& rise, size_t, size_t bin) { return rise.size[bin]; });
  for (size_t n = 0; n < setup.nulls.size(); ++n)
    add(std::string(setup.nulls[n]->name), [n](const DocumentRise& rise, size_t band, size_t bin) { return rise.nulls[n](band, bin); });
}

HeadMap head_map(std::string name, std::string statement, const SampleSums& sums, std::vector<float> UnitResult::*field,
                 const AnalyzeOptions& options) {
  HeadMap map{std::move(name), std::move(statement), {}, {}, {}};
  const size_t lanes = (sums.units()[0].*field).size(), units = sums.units().size();
  std::vector<double> p_values;
  for (size_t lane = 0; lane < lanes; ++lane) {
    std::vector<double> changes;
    double sum = 0;
    for (const UnitResult& unit : sums.units()) {
      changes.push_back(double{(unit.*field)[lane]});
      sum += changes.back();
    }
    map.effect.push_back(static_cast<float>(sum / static_cast<double>(units)));
    const bool testable = units >= kLeastMapUnits && !std::isnan(sum);
    p_values.push_back(testable ? sign_flip_p_value(changes, Alternative::Greater, resampling_of(options)) : kNaN);
  }
  for (const double p : p_values) map.p_value.push_back(static_cast<float>(p));
  for (const double p : adjusted_p_values(p_values, Dependence::Arbitrary)) map.adjusted_p.push_back(static_cast<float>(p));
  return map;
}

void fill_claims(const PieceSetup& setup, const SampleSums& sums, Statistics& statistics) {
  std::vector<DocumentRise> rises, with_ends;
  for (const UnitResult& unit : sums.units()) {
    rises.push_back(unit.rise);
    with_ends.push_back(unit.rise_with_ends);
  }
  const JudgeOptions options{setup.options.significance, resampling_of(setup.options)};
  const auto judged = [&](const BinMap& bins, std::span<const DocumentRise> documents, std::span<const std::string> nulls) {
    return bins.count() < 2 ? claims_without_bins(nulls, documents.size()) : judge_rise(documents, nulls, options);
  };
  statistics.claims = judged(setup.bins, rises, statistics.nulls);
  statistics.claims_with_ends = judged(setup.bins_with_ends, with_ends, {});
}

/// Power of a continuous transform that red noise of the same lag-1 autocorrelation stays below, averaged over the usable positions
/// (Torrence and Compo, equations 16, 18, 23), in the transform's normalisation.
void fill_significance(const PieceSetup& setup, const SampleSums& sums, Statistics& statistics) {
  statistics.lag1 = kNaN;
  if (setup.options.transform.kind != TransformKind::Cwt) return;
  statistics.lag1 = sums.lag1();
  const ContinuousWavelet wavelet = parse_continuous_wavelet(setup.options.transform.wavelet_name());
  const auto rows = wavelet_facts_table();
  const std::string name = wavelet.family == ContinuousFamily::Dog ? "dog" + std::to_string(static_cast<int>(wavelet.parameter))
                                                                   : setup.options.transform.wavelet_name();
  const auto facts = std::ranges::find(rows, name.substr(0, name.find(':')), &WaveletFacts::name);
  const bool tabled = facts != rows.end() && (wavelet.family == ContinuousFamily::Dog ||
                                              (wavelet.family == ContinuousFamily::Morlet && wavelet.parameter == 6) ||
                                              (wavelet.family == ContinuousFamily::Paul && wavelet.parameter == 4));
  if (!tabled) return;
  double variance = 0;
  for (const double square : sums.signal_energy()) variance += square / static_cast<double>(sums.signal_energy().size());
  const double peak = std::fabs(wavelet.amplitude(wavelet.peak()));
  for (const BandPlace& place : sums.layout()) {
    const double period = std::sqrt(place.period_low * place.period_high), scale = period / wavelet.period();
    const double degrees = time_average_degrees(*facts, static_cast<double>(setup.usable.count), scale);
    const double normalised = std::pow((wavelet.is_real() ? 1 : 2) / peak, 2) / (2 * std::numbers::pi * scale);  // L1 over L2
    statistics.significant.push_back(variance * normalised * red_noise_power(statistics.lag1, 1 / period) *
                                     chi_squared_quantile(degrees, 0.95) / degrees);
  }
}

std::vector<double> flat(const Grid<double>& grid) {
  return {grid.all().begin(), grid.all().end()};
}

}  // namespace

void fill_profile(const PieceSetup& setup, const SampleSums& sums, Analysis& analysis) {
  const CurveBand band = curve_band(sums, setup.options);
  analysis.band = on_positions(sums, analysis, sums.amplitude());
  analysis.low = on_positions(sums, analysis, band.low);
  analysis.high = on_positions(sums, analysis, band.high);
  analysis.band_kind = band.kind;
  analysis.mean_weight = on_positions(analysis, sums.weight());
  const size_t lanes = analysis.layers.size() * analysis.heads.size();
  analysis.pool = sums.pool();
  analysis.band_by_head.assign(analysis.levels * lanes * analysis.cells(), std::numeric_limits<float>::quiet_NaN());
  float* out = analysis.band_by_head.data();
  for (size_t b = 0; b < analysis.levels; ++b)
    for (size_t lane = 0; lane < lanes; ++lane)
      for (size_t cell = 0; cell < analysis.cells(); ++cell, ++out) {
        const size_t p = cell * analysis.pool, first = analysis.band_first[b];
        if (p + analysis.pool > first && p < first + analysis.band_count[b]) *out = sums.by_head(b, lane, cell);
      }
}

void fill_statistics(const PieceSetup& setup, const SampleSums& sums, UnitKind kind, Analysis& analysis) {
  const AnalyzeOptions& options = setup.options;
  Statistics& statistics = analysis.statistics;
  statistics.unit = kind == UnitKind::Document ? "document" : "window";
  statistics.documents = static_cast<uint32_t>(setup.plan.documents.size());
  statistics.windows = static_cast<uint32_t>(setup.plan.windows.size());
  statistics.seed = options.seed;
  statistics.draws = options.draws;
  statistics.stretch = static_cast<uint32_t>(std::min(setup.plan.positions(), kStretch));
  statistics.confidence = 1 - options.significance;
  statistics.significance = options.significance;
  for (const IndexRange& bin : setup.bins.bins()) {
    statistics.bin_first.push_back(static_cast<uint32_t>(analysis.valid_first + bin.first));
    statistics.bin_count.push_back(static_cast<uint32_t>(bin.count));
  }
  fill_nulls(setup, sums, analysis);
  for (const UnitResult& unit : sums.units()) {
    UnitCurves& curves = statistics.units.emplace_back(UnitCurves{unit.name, flat(unit.rise.amplitude), unit.rise.size, {}});
    for (const Grid<double>& null : unit.rise.nulls) curves.nulls.push_back(flat(null));
  }
  fill_bin_bands(setup, sums, statistics);
  fill_claims(setup, sums, statistics);
  statistics.maps.push_back(head_map("rise", "D1 grows towards the end", sums, &UnitResult::lane_rise, options));
  statistics.maps.push_back(head_map("relative", "D1 grows towards the end in relation to the size of the contributions", sums,
                                     &UnitResult::lane_relative, options));
  fill_energies(sums, analysis);
  fill_variance(setup, sums, kind, statistics);
  fill_changes(setup, sums, analysis);
  fill_significance(setup, sums, statistics);
}

}  // namespace dendrokv
