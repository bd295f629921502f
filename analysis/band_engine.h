#pragma once
// The bands of one head's signal by each kind of transform: what BandTransform adds up over heads.

#include <cstddef>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "analysis/transform_choice.h"
#include "data/grid.h"

namespace dendrokv {

/// Of one band: rows of coefficients, to be multiplied by `scale`. Row k is of the positions from
/// k * run on, and of those that are not more than `reach` away from them.
struct BandValues {
  size_t band;
  GridView<const float> values;  // [row, channel]
  double scale = 1;
  size_t run = 1, reach = 0;
};
using BandVisitor = std::function<void(const BandValues&)>;

/// Of signals [position, channel] of one length. Never changes, so that threads may share it.
class BandEngine {
 public:
  virtual ~BandEngine() = default;
  /// Adds |band| and band^2 of each channel to the rows of amplitudes.
  virtual void add(const Grid<float>& signal, std::span<double> magnitude,
                   std::span<double> energy) const = 0;
  /// Coefficients of every band once, in any order; of no band where there are none.
  virtual void each_series(const Grid<float>& /*signal*/, const BandVisitor& /*visit*/) const {}
};

/// `places` are band_places() of the same signals.
std::unique_ptr<BandEngine> band_engine(const TransformChoice& choice,
                                        const std::vector<BandPlace>& places, size_t positions);

}  // namespace dendrokv
