#include "analysis/sample_sums.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <utility>

#include "data/error.h"

namespace dendrokv {
namespace {

constexpr size_t kMostCurveNumbers = size_t{1} << 25;  // of all units together
constexpr size_t kMostCells = size_t{1} << 24;         // of the amplitudes per head

size_t pieces_of_one(size_t positions, const TransformChoice& transform) {
  // Reaching beyond a piece costs its share twice over.
  const size_t stretch = std::max(kStretch, std::bit_ceil(4 * transform_reach(transform)));
  return (positions + stretch - 1) / stretch;
}

void add_to(BinSums& to, const BinSums& sums) {
  const auto add = [](Grid<MeanLog>& into, const Grid<MeanLog>& from) {
    for (size_t i = 0; i < into.all().size(); ++i) into.all()[i].add(from.all()[i]);
  };
  add(to.amplitude, sums.amplitude);
  add(to.size, sums.size);
  for (size_t n = 0; n < to.nulls.size(); ++n) add(to.nulls[n], sums.nulls[n]);
}

/// [band, bin] means over lanes.
DocumentRise rise_of(const BinSums& sums, size_t bands) {
  const size_t bins = sums.size.cols(), lanes = sums.size.rows();
  DocumentRise rise{Grid<double>(bands, bins), std::vector<double>(bins), {}};
  for (size_t bin = 0; bin < bins; ++bin) {
    for (size_t band = 0; band < bands; ++band) {
      MeanLog all;
      for (size_t lane = 0; lane < lanes; ++lane) all.add(sums.amplitude(lane * bands + band, bin));
      rise.amplitude(band, bin) = all.mean();
    }
    MeanLog all;
    for (size_t lane = 0; lane < lanes; ++lane) all.add(sums.size(lane, bin));
    rise.size[bin] = all.mean();
  }
  for (const Grid<MeanLog>& null : sums.nulls) {
    Grid<double>& mean = rise.nulls.emplace_back(bands, bins);
    for (size_t i = 0; i < mean.all().size(); ++i) mean.all()[i] = null.all()[i].mean();
  }
  return rise;
}

/// Of the first band of one lane, less that of `size` where it counts.
float lane_change(const BinSums& sums, size_t bands, size_t lane, double size_share) {
  std::vector<double> curve(sums.size.cols());
  if (curve.size() < 2) return std::numeric_limits<float>::quiet_NaN();
  for (size_t bin = 0; bin < curve.size(); ++bin)
    curve[bin] = sums.amplitude(lane * bands, bin).mean() -
                 size_share * (size_share == 0 ? 0 : sums.size(lane, bin).mean());
  return static_cast<float>(change_over_bins(curve));
}

}  // namespace

std::vector<Piece> pieces_of(const WindowPlan& plan, const TransformChoice& transform) {
  const size_t positions = plan.positions(), count = pieces_of_one(positions, transform);
  const size_t reach = transform_reach(transform);
  const size_t stretch = count == 1 ? positions : std::max(kStretch, std::bit_ceil(4 * reach));
  std::vector<Piece> pieces;
  for (size_t window = 0; window < plan.windows.size(); ++window)
    for (size_t first = 0; first < positions; first += stretch) {
      const size_t end = std::min(first + stretch, positions);
      const size_t from = first - std::min(first, reach), to = std::min(end + reach, positions);
      pieces.push_back({window, {first, end - first}, {from, to - from}});
    }
  return pieces;
}

SampleSums::SampleSums(const PieceSetup& setup, UnitKind kind, size_t origin)
    : setup_(setup),
      kind_(kind),
      lanes_(setup.plan.model.layers.size() * setup.plan.model.heads.size()),
      pieces_of_window_(pieces_of_one(setup.plan.positions(), setup.options.transform)),
      origin_(origin),
      robust_(setup.layout.size()) {
  const size_t positions = setup.plan.positions();
  size_t amplitudes = 0;
  for (const BandPlace& place : setup_.layout) amplitudes += place.count;
  for (std::vector<double>* sums : {&amplitude_, &energy_, &curve_sum_, &curve_square_})
    sums->resize(amplitudes);
  signal_energy_.resize(positions);
  weight_.resize(positions);
  null_mean_.assign(setup.nulls.size(), std::vector<double>(amplitudes));
  null_variance_ = null_mean_;
  const size_t end = origin + positions;
  const size_t rows = setup_.layout.size() * lanes_;
  while (rows * ((end + pool_ - 1) / pool_) > kMostCells && pool_ < end) pool_ *= 2;
  cells_ = (end + pool_ - 1) / pool_;
  by_head_.resize(setup_.layout.size() * lanes_ * cells_);
  const size_t units =
      kind == UnitKind::Window ? setup.plan.windows.size() : setup.plan.documents.size();
  keep_curves_ = units * amplitudes <= kMostCurveNumbers;
  open_.resize(units);
  units_.resize(units);
  for (size_t window = 0; window < setup.plan.windows.size(); ++window) {
    OpenUnit& unit = open_[unit_of(window)];
    ++unit.windows;
    unit.pieces_left += pieces_of_window_;
  }
}

size_t SampleSums::unit_of(size_t window) const {
  return kind_ == UnitKind::Window ? window : setup_.plan.windows[window].document;
}

void SampleSums::add(const Piece& piece, const PieceSums& sums) {
  std::vector<double> lane_sums(sums.magnitude.cols());
  for (size_t lane = 0; lane < lanes_; ++lane)
    for (size_t k = 0; k < lane_sums.size(); ++k) lane_sums[k] += sums.magnitude(lane, k);
  add_profile(piece, sums, lane_sums);
  add_unit(piece, sums, lane_sums);
  for (size_t band = 0; band < robust_.size(); ++band) {
    robust_[band].weighed += sums.robust[band].weighed;
    robust_[band].coefficients += sums.robust[band].coefficients;
  }
  product_ += sums.product;
  square_ += sums.square;
}

/// Amplitudes of runs of positions from `first` on, each position's into its cell.
void SampleSums::add_to_cells(std::span<const double> amplitudes, size_t run, size_t first,
                              std::span<double> cells) const {
  const int shift = std::countr_zero(pool_);
  for (const double amplitude : amplitudes) {
    const size_t end = first + run;
    while (first < end) {
      const size_t cell = first >> shift, next = std::min(end, (cell + 1) << shift);
      cells[cell] += amplitude * static_cast<double>(next - first);
      first = next;
    }
  }
}

size_t SampleSums::amplitude_place(size_t band, const Piece& piece) const {
  return setup_.layout[band].first + piece.own.first / setup_.layout[band].run;
}

void SampleSums::add_profile(const Piece& piece, const PieceSums& sums,
                             std::span<const double> lane_sums) {
  const std::vector<BandPlace> own = own_places(setup_.options.transform, piece.own);
  for (size_t band = 0; band < own.size(); ++band) {
    const size_t to = amplitude_place(band, piece), from = own[band].first;
    for (size_t k = 0; k < own[band].count; ++k) {
      amplitude_[to + k] += lane_sums[from + k];
      energy_[to + k] += sums.energy[from + k];
      for (size_t n = 0; n < null_mean_.size(); ++n) {
        null_mean_[n][to + k] += sums.null_mean[n][from + k];
        null_variance_[n][to + k] += sums.null_variance[n][from + k];
      }
    }
    for (size_t lane = 0; lane < lanes_; ++lane)
      add_to_cells(sums.magnitude.row(lane).subspan(from, own[band].count), own[band].run,
                   origin_ + piece.own.first,
                   std::span(by_head_).subspan((band * lanes_ + lane) * cells_, cells_));
  }
  for (size_t p = 0; p < piece.own.count; ++p) {
    signal_energy_[piece.own.first + p] += sums.signal_energy[p];
    weight_[piece.own.first + p] += sums.weight[p];
  }
}

void SampleSums::add_unit(const Piece& piece, const PieceSums& sums,
                          std::span<const double> lane_sums) {
  const size_t index = unit_of(piece.window);
  OpenUnit& unit = open_[index];
  if (unit.energy.empty()) {
    unit.bins = sums.bins;
    unit.bins_with_ends = sums.bins_with_ends;
    unit.energy.resize(amplitude_.size());
    unit.curve.resize(amplitude_.size());
  } else {
    add_to(unit.bins, sums.bins);
    add_to(unit.bins_with_ends, sums.bins_with_ends);
  }
  const std::vector<BandPlace> own = own_places(setup_.options.transform, piece.own);
  const double share = 1 / static_cast<double>(lanes_ * unit.windows);
  for (size_t band = 0; band < own.size(); ++band)
    for (size_t k = 0; k < own[band].count; ++k) {
      const size_t to = amplitude_place(band, piece) + k, from = own[band].first + k;
      unit.energy[to] += sums.energy[from] * share;
      unit.curve[to] += lane_sums[from] * share;
    }
  if (--unit.pieces_left == 0) close(index);
}

// A unit's sums per lane are large: only what the tests need stays.
void SampleSums::close(size_t index) {
  OpenUnit& unit = open_[index];
  UnitResult& result = units_[index];
  const size_t bands = setup_.layout.size();
  const WindowPlan& plan = setup_.plan;
  if (kind_ == UnitKind::Document) {
    result.name = plan.documents[index];
  } else {
    const SignalWindow& window = plan.windows[index];
    result.name = plan.documents[window.document] + " @ " + std::to_string(window.trace) + ":" +
                  std::to_string(window.positions.first);
  }
  result.rise = rise_of(unit.bins, bands);
  result.rise_with_ends = rise_of(unit.bins_with_ends, bands);
  result.rise_with_ends.nulls.clear();
  for (size_t lane = 0; lane < lanes_; ++lane) {
    result.lane_rise.push_back(lane_change(unit.bins, bands, lane, 0));
    result.lane_relative.push_back(lane_change(unit.bins, bands, lane, 1));
  }
  for (const BandPlace& place : setup_.layout) {
    const IndexRange runs = runs_within(place, setup_.usable);
    double sum = 0;
    for (size_t k = runs.first; k < runs.first + runs.count; ++k)
      sum += unit.energy[place.first + k];
    result.band_energy.push_back(runs.count == 0 ? std::numeric_limits<double>::quiet_NaN()
                                                 : sum / static_cast<double>(runs.count));
  }
  for (size_t k = 0; k < unit.curve.size(); ++k) {
    curve_sum_[k] += unit.curve[k];
    curve_square_[k] += unit.curve[k] * unit.curve[k];
  }
  if (keep_curves_) result.curve = std::move(unit.curve);
  unit = {};
}

std::vector<double> SampleSums::scaled(std::vector<double> sums) const {
  const auto rows = static_cast<double>(lanes_ * setup_.plan.windows.size());
  for (double& sum : sums) sum /= rows;
  return sums;
}

std::vector<double> SampleSums::curve_error() const {
  const auto units = static_cast<double>(units_.size());
  std::vector<double> error(curve_sum_.size());
  for (size_t k = 0; k < error.size(); ++k) {
    const double mean = curve_sum_[k] / units;
    error[k] =
        std::sqrt(std::max(0.0, curve_square_[k] / units - mean * mean) / std::max(units - 1, 1.0));
  }
  return error;
}

std::vector<double> SampleSums::null_mean(size_t null) const {
  std::vector<double> mean = null_mean_[null];
  for (double& value : mean) value /= static_cast<double>(setup_.plan.windows.size());
  return mean;
}

// Draws of different windows are independent.
std::vector<double> SampleSums::null_deviation(size_t null) const {
  std::vector<double> deviation = null_variance_[null];
  for (double& value : deviation)
    value = std::sqrt(value) / static_cast<double>(setup_.plan.windows.size());
  return deviation;
}

float SampleSums::by_head(size_t band, size_t lane, size_t cell) const {
  const size_t first = std::max<size_t>(cell * pool_, origin_);
  const size_t end = std::min<size_t>((cell + 1) * pool_, origin_ + setup_.plan.positions());
  if (end <= first) return std::numeric_limits<float>::quiet_NaN();
  const auto rows = static_cast<double>((end - first) * setup_.plan.windows.size());
  return static_cast<float>(by_head_[(band * lanes_ + lane) * cells_ + cell] / rows);
}

}  // namespace dendrokv
