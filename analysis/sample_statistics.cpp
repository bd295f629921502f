#include "analysis/sample_statistics.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "analysis/distributions.h"
#include "analysis/multiplicity.h"
#include "analysis/resampling.h"
#include "analysis/rise_claims.h"
#include "analysis/sample_energies.h"
#include "data/error.h"

namespace dendrokv {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
constexpr size_t kMostBandNumbers = size_t{1} << 24;  // draws times columns of a simultaneous band
constexpr size_t kLeastMapUnits = 6;

Resampling resampling_of(const AnalyzeOptions& options) {
  return {options.seed, options.draws};
}

/// Lower and upper ends of the confidence band of every amplitude.
struct CurveBand {
  std::vector<double> low, high;
  std::string kind;
};

/// An end `reach` away from a mean magnitude, as a ratio: a band of few units would pass below 0
/// otherwise.
double end_of_band(double mean, double reach) {
  return mean > 0 ? mean * std::exp(reach / mean) : mean;
}

CurveBand pointwise_band(const SampleSums& sums, const AnalyzeOptions& options) {
  CurveBand band{sums.amplitude(), sums.amplitude(), "pointwise"};
  const std::vector<double> error = sums.curve_error();
  const double reach =
      student_quantile(static_cast<double>(sums.units().size() - 1), 1 - options.significance / 2);
  for (size_t k = 0; k < error.size(); ++k) {
    band.low[k] = end_of_band(band.low[k], -reach * error[k]);
    band.high[k] = end_of_band(band.high[k], reach * error[k]);
  }
  return band;
}

CurveBand curve_band(const SampleSums& sums, const AnalyzeOptions& options) {
  if (sums.units().size() < 2)
    return {std::vector<double>(sums.amplitudes(), kNaN),
            std::vector<double>(sums.amplitudes(), kNaN), "none"};
  const bool fits = std::ranges::all_of(sums.layout(), [&](const BandPlace& place) {
    return place.count * options.draws <= kMostBandNumbers;
  });
  if (!sums.has_curves() || !fits) return pointwise_band(sums, options);
  CurveBand band{sums.amplitude(), sums.amplitude(), "simultaneous over the positions of a band"};
  for (const BandPlace& place : sums.layout()) {
    Grid<double> curves(sums.units().size(), place.count);
    for (size_t u = 0; u < curves.rows(); ++u)
      std::copy_n(sums.units()[u].curve.begin() + static_cast<std::ptrdiff_t>(place.first),
                  place.count, curves.row(u).begin());
    const Band found =
        simultaneous_band(curves.view(), 1 - options.significance, resampling_of(options));
    for (size_t k = 0; k < place.count; ++k) {
      double &low = band.low[place.first + k], &high = band.high[place.first + k];
      low = end_of_band(low, found.lower[k] - found.mean[k]);
      high = end_of_band(high, found.upper[k] - found.mean[k]);
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
    analysis.statistics.null_curves.push_back(
        {std::string(row.name), row.draw == DrawKind::Fixed ? 1 : setup.options.null_draws,
         on_positions(sums, analysis, mean), on_positions(sums, analysis, low),
         on_positions(sums, analysis, high)});
  }
}

void fill_bin_bands(const PieceSetup& setup, const SampleSums& sums, Statistics& statistics) {
  const size_t units = sums.units().size(), bands = sums.layout().size(),
               bins = statistics.bin_first.size();
  if (bins == 0) return;
  const auto add = [&](std::string name, auto yardstick) {
    BinBand result{std::move(name), {}, {}, {}};
    for (size_t band = 0; band < bands; ++band) {
      Grid<double> curves(units, bins);
      for (size_t u = 0; u < units; ++u)
        for (size_t bin = 0; bin < bins; ++bin)
          curves(u, bin) = sums.units()[u].rise.amplitude(band, bin) -
                           yardstick(sums.units()[u].rise, band, bin);
      const Band found = simultaneous_band(curves.view(), 1 - setup.options.significance,
                                           resampling_of(setup.options));
      for (size_t bin = 0; bin < bins; ++bin) {
        result.mean.push_back(found.mean[bin]);
        result.low.push_back(units > 1 ? found.lower[bin] : kNaN);
        result.high.push_back(units > 1 ? found.upper[bin] : kNaN);
      }
      result.page_p.push_back(page_trend_p_value(curves.view()));
      result.sen_change.push_back(sen_slope(found.mean) * static_cast<double>(bins - 1));
    }
    statistics.bands.push_back(std::move(result));
  };
  add("amplitude", [](const DocumentRise&, size_t, size_t) { return 0.0; });
  add("relative", [](const DocumentRise& rise, size_t, size_t bin) { return rise.size[bin]; });
  for (size_t n = 0; n < setup.nulls.size(); ++n)
    add(std::string(setup.nulls[n]->name), [n](const DocumentRise& rise, size_t band, size_t bin) {
      return rise.nulls[n](band, bin);
    });
}

HeadMap head_map(std::string name, std::string statement, const SampleSums& sums,
                 std::vector<float> UnitResult::*field, const AnalyzeOptions& options) {
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
    p_values.push_back(
        testable ? sign_flip_p_value(changes, Alternative::Greater, resampling_of(options)) : kNaN);
  }
  for (const double p : p_values) map.p_value.push_back(static_cast<float>(p));
  for (const double p : adjusted_p_values(p_values, Dependence::Arbitrary))
    map.adjusted_p.push_back(static_cast<float>(p));
  return map;
}

void fill_claims(const PieceSetup& setup, const SampleSums& sums, Statistics& statistics) {
  std::vector<DocumentRise> rises, with_ends;
  for (const UnitResult& unit : sums.units()) {
    rises.push_back(unit.rise);
    with_ends.push_back(unit.rise_with_ends);
  }
  const JudgeOptions options{setup.options.significance, resampling_of(setup.options)};
  const auto judged = [&](const BinMap& bins, std::span<const DocumentRise> documents,
                          std::span<const std::string> nulls) {
    return bins.count() < 2 ? claims_without_bins(nulls, documents.size())
                            : judge_rise(documents, nulls, options);
  };
  statistics.claims = judged(setup.bins, rises, statistics.nulls);
  statistics.claims_with_ends = judged(setup.bins_with_ends, with_ends, {});
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
  analysis.band_by_head.assign(analysis.levels * lanes * analysis.cells(),
                               std::numeric_limits<float>::quiet_NaN());
  float* out = analysis.band_by_head.data();
  for (size_t b = 0; b < analysis.levels; ++b)
    for (size_t lane = 0; lane < lanes; ++lane)
      for (size_t cell = 0; cell < analysis.cells(); ++cell, ++out) {
        const size_t p = cell * analysis.pool, first = analysis.band_first[b];
        if (p + analysis.pool > first && p < first + analysis.band_count[b])
          *out = sums.by_head(b, lane, cell);
      }
}

void fill_statistics(const PieceSetup& setup, const SampleSums& sums, UnitKind kind,
                     Analysis& analysis) {
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
    UnitCurves& curves = statistics.units.emplace_back(
        UnitCurves{unit.name, flat(unit.rise.amplitude), unit.rise.size, {}});
    for (const Grid<double>& null : unit.rise.nulls) curves.nulls.push_back(flat(null));
  }
  fill_bin_bands(setup, sums, statistics);
  fill_claims(setup, sums, statistics);
  const std::string grows = sums.layout()[0].name + " grows towards the end";
  statistics.maps.push_back(head_map("rise", grows, sums, &UnitResult::lane_rise, options));
  statistics.maps.push_back(head_map("relative",
                                     grows + " in relation to the size of the contributions", sums,
                                     &UnitResult::lane_relative, options));
  fill_energies(setup, sums, kind, analysis);
}

}  // namespace dendrokv
