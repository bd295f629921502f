#pragma once
// The pyramid of a trace beside the weights that it was made of, brute force.

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "data/grid.h"
#include "data/hdf5.h"
#include "data/ids.h"

namespace dendrokv {

/// Of one (layer, head): gets the rows of weights in order, then compares. Faults are texts; empty
/// = none.
class PyramidCheck {
 public:
  /// `steps` and `positions` are those of the weights; `steps` outlives the object. The file must
  /// have /pyramid/1.
  PyramidCheck(const h5::File& file, size_t layer_index, size_t head_index,
               std::span<const Step> steps, size_t positions);

  /// Rows [step, position], all positions, from step `first` on, a multiple of four; NaN = absent.
  void add(size_t first, GridView<const float> rows);
  /// After the last row.
  const std::string& finish();
  uint64_t cells() const { return cells_; }

 private:
  struct Cells {
    size_t rows = 0, cols = 0;
    std::vector<float> highest;
    std::vector<double> sum;
    std::vector<uint64_t> count;
    h5::Type sum_type = h5::Type::F32;
  };
  static Cells make_cells(size_t rows, size_t cols);
  Cells read(size_t level, size_t rows, size_t cols) const;
  void compare(size_t level, const Cells& wanted);
  static Cells raised(const Cells& cells);

  const h5::File& file_;
  const std::span<const Step> steps_;
  const size_t layer_, head_;
  Cells first_level_;
  std::string fault_;
  uint64_t cells_ = 0;
};

}  // namespace dendrokv
