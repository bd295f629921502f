#pragma once
// Transforms that grow with the text: a position is appended at the cost of its levels, whatever
// came before.
//
// Before the first position the signal counts as zeros, so coefficients are those of the circular
// transform where Modwt::valid says that the wrap has not touched them.

#include <cstdint>
#include <span>
#include <vector>

#include "analysis/wavelets.h"
#include "data/grid.h"

namespace dendrokv {

/// The causal MODWT, position by position: O(levels * taps) per channel each.
template <class Real>
class ModwtStream {
 public:
  /// Throws Error as Modwt.
  ModwtStream(const Wavelet& wavelet, uint32_t levels, size_t channels);

  size_t positions() const { return positions_; }
  /// Takes a row [channel] and gives its coefficients: `details` [level - 1, channel], `smooth`
  /// [channel]. Throws Error for a sample that is not finite; then nothing has been appended.
  void append(std::span<const Real> row, GridView<Real> details, std::span<Real> smooth);

 private:
  std::vector<Real> low_, high_;
  size_t channels_, positions_ = 0;
  /// Smooths of the level above, the last 2^(level - 1) (taps - 1) + 1 of them, in a ring.
  /// [position % rows, channel]
  std::vector<Grid<Real>> rings_;
  std::vector<Real> row_, next_;
};

/// Mean |Rec(D_l)| over channels of the decimated Haar transform, block by block as blocks are
/// complete: amortised O(channels) a position, at worst O(channels * levels).
class HaarStream {
 public:
  HaarStream(uint32_t levels, size_t channels);

  struct Block {
    uint32_t level;
    size_t index;  // of its 2^level positions from index * 2^level on
    double magnitude;
  };
  /// The blocks that the row completes, level 1 first; valid until the next call. Throws Error for
  /// a sample that is not finite.
  std::span<const Block> append(std::span<const double> row);

 private:
  // [level, channel] sums of blocks of 2^level that wait for their second half
  Grid<double> waiting_;
  size_t positions_ = 0;
  std::vector<double> sum_;
  std::vector<Block> blocks_;
};

}  // namespace dendrokv
