#pragma once
// The best of many settings by a loss that is measured piece by piece: of texts, say. Pieces are
// the unit: within a piece losses depend on each other, and all settings are compared on the same
// pieces.
//
//   grid      every setting on every piece
//   halving   a few pieces for all settings; the better half goes on with twice as many; and so on
//             (Jamieson and Talwalkar, AISTATS 2016). A setting also leaves when it is worse than
//             the best at the confidence of a paired t interval, and the search ends when only one
//             is left.
//
// The loss of the winner on these pieces is too good: it was chosen for it. What it gains is
// measured on others.

#include <cstddef>
#include <functional>
#include <span>
#include <vector>

#include "data/grid.h"

namespace dendrokv {

/// The losses of some settings on one piece, all at once where that is cheaper. False: it was
/// stopped.
using MeasurePiece =
    std::function<bool(std::span<const size_t> settings, size_t piece, std::span<double> losses)>;

struct Search {
  Grid<double> losses;           // [setting, piece]; NaN = not measured
  size_t best = 0;               // setting
  size_t cost = 0;               // settings times pieces that were measured
  std::vector<size_t> measured;  // pieces of each setting
  bool stopped = false;          // by `measure`: best of what was measured
};

Search grid_search(size_t settings, size_t pieces, const MeasurePiece& measure);

struct HalvingOptions {
  size_t first_pieces = 2;   // of all settings
  double confidence = 0.99;  // at which a setting is worse than the best; of one comparison
  size_t fewest_pieces = 3;  // before an interval is believed
};
Search successive_halving(size_t settings, size_t pieces, const HalvingOptions& options,
                          const MeasurePiece& measure);

/// A mean and its interval.
struct Interval {
  double mean = 0, lower = 0, upper = 0;
};
/// Of loss(a) - loss(b) over the pieces that both were measured on; infinite with fewer than two.
Interval paired_difference(std::span<const double> a, std::span<const double> b, double confidence);

}  // namespace dendrokv
