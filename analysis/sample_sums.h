#pragma once
// Pieces added up: over windows for the profile, over the windows of a unit for the statistics.
// Pieces come in their order, so the sums are the same for any number of threads.

#include <span>
#include <vector>

#include "analysis/piece_measures.h"

namespace dendrokv {

/// Documents, or windows where there are too few documents to test anything.
enum class UnitKind : uint8_t { Document, Window };

/// What is kept of a unit.
struct UnitResult {
  std::string name;
  DocumentRise rise, rise_with_ends;
  // [lane] change of ln amplitude of the first band; less that of the size
  std::vector<float> lane_rise, lane_relative;
  std::vector<double> band_energy;  // [band] mean over usable positions
  // [amplitude of a window]; empty where it would take too much memory
  std::vector<double> curve;
};

class SampleSums {
 public:
  /// `kind` decides what a unit is; a window begins at `origin` for the cells of by_head(). The
  /// setup outlives the sums.
  SampleSums(const PieceSetup& setup, UnitKind kind, size_t origin);

  void add(const Piece& piece, const PieceSums& sums);

  // --- after the last piece

  size_t amplitudes() const { return amplitude_.size(); }
  const std::vector<BandPlace>& layout() const { return setup_.layout; }
  const std::vector<UnitResult>& units() const { return units_; }
  bool has_curves() const { return keep_curves_; }
  /// Means over lanes and windows, [amplitude of a window] and [position].
  std::vector<double> amplitude() const { return scaled(amplitude_); }
  std::vector<double> energy() const { return scaled(energy_); }
  std::vector<double> signal_energy() const { return scaled(signal_energy_); }
  std::vector<double> weight() const { return scaled(weight_); }
  /// Of unit means, [amplitude of a window].
  std::vector<double> curve_error() const;
  std::vector<double> null_mean(size_t null) const;
  /// Of the mean curve over the draws.
  std::vector<double> null_deviation(size_t null) const;
  double lag1() const { return product_ / square_; }
  /// [band]
  const std::vector<RobustSum>& robust() const { return robust_; }

  /// Mean over windows and the window's positions in a cell, which are `pool()` from cell * pool()
  /// on; NaN where it has none.
  uint32_t pool() const { return pool_; }
  float by_head(size_t band, size_t lane, size_t cell) const;

 private:
  struct OpenUnit {
    size_t pieces_left = 0, windows = 0;
    BinSums bins, bins_with_ends;
    std::vector<double> energy, curve;
  };

  size_t unit_of(size_t window) const;
  std::vector<double> scaled(std::vector<double> sums) const;
  void add_profile(const Piece& piece, const PieceSums& sums, std::span<const double> lane_sums);
  void add_unit(const Piece& piece, const PieceSums& sums, std::span<const double> lane_sums);
  void close(size_t unit);
  size_t amplitude_place(size_t band, const Piece& piece) const;
  void add_to_cells(std::span<const double> amplitudes, size_t run, size_t first,
                    std::span<double> cells) const;

  const PieceSetup& setup_;
  UnitKind kind_;
  size_t lanes_, pieces_of_window_, origin_;
  bool keep_curves_;
  std::vector<double> amplitude_, energy_, signal_energy_, weight_, curve_sum_, curve_square_;
  std::vector<std::vector<double>> null_mean_, null_variance_;
  uint32_t pool_ = 1;
  size_t cells_ = 0;
  std::vector<double> by_head_;
  std::vector<OpenUnit> open_;
  std::vector<UnitResult> units_;
  std::vector<RobustSum> robust_;
  double product_ = 0, square_ = 0;
};

/// Pieces of every window, in order.
std::vector<Piece> pieces_of(const WindowPlan& plan, const TransformChoice& transform);

}  // namespace dendrokv
