#pragma once
// The heat map as tiles: what a tile is of, where it lies, and how its values are reduced. Plain
// structs, no window.
//
// A tile has kHeatTile x kHeatTile cells of 2^step_shift recorded steps by 2^position_shift
// positions. Cells of every zoom are exact reductions of all that lies in them; they are made of
// the finest stored level of the trace's pyramid that is affordable.

#include <array>
#include <cmath>
#include <compare>
#include <cstdint>
#include <optional>
#include <vector>

#include "data/grid.h"
#include "data/trace.h"
#include "gui/content.h"
#include "gui/value_scale.h"

namespace dendrokv {

enum class Quantity {
  Weight,        // attention weight
  Contribution,  // attention weight times the Euclidean length of the value row
};
enum class Reduction {
  Max,   // the largest of all heads, steps and positions of a cell
  Mean,  // the mean of those that are there
};

/// What a heat map is of.
struct HeatSubject {
  std::vector<LayerHeads> heads;
  Quantity quantity = Quantity::Weight;
  Reduction reduction = Reduction::Max;
  bool operator==(const HeatSubject&) const = default;
};

inline constexpr size_t kHeatTile = 256;

struct TileKey {
  uint32_t subject = 0;  // number that the document gave it
  uint8_t step_shift = 0, position_shift = 0;
  uint32_t row = 0, column = 0;  // of tiles
  auto operator<=>(const TileKey&) const = default;

  IndexRange steps() const {
    return {size_t{row} * kHeatTile << step_shift, kHeatTile << step_shift};
  }
  IndexRange positions() const {
    return {size_t{column} * kHeatTile << position_shift, kHeatTile << position_shift};
  }
};

/// How a tile came about.
enum class Sampling : uint8_t {
  Exact,    // every sample of every cell
  Bound,    // contributions of a coarse cell: its largest weight times its longest value row
  Preview,  // some of the steps only: the file has no pyramid
};

struct HeatTile {
  TileKey key;
  Grid<float> values;  // [step cell, position cell] up to the edge of the trace; NaN = no sample
  // Steps and positions that one stored value stands for.
  size_t step_grain = 1, position_grain = 1;
  Sampling sampling = Sampling::Exact;
  size_t bytes() const { return values.rows() * values.cols() * sizeof(float) + sizeof(*this); }
};

/// The smallest shift by which cells are at least as large as a device pixel.
uint8_t shift_for(double units_per_pixel);
/// The tiles of a subject that show steps by positions at some zoom, nearest to the middle first.
std::vector<TileKey> tiles_over(uint32_t subject, uint8_t step_shift, uint8_t position_shift,
                                IndexRange steps, IndexRange positions);
/// The one tile that shows all of a trace.
TileKey whole_tile(uint32_t subject, size_t steps, size_t positions);

/// From values to the codes of a colour table, through the upper half of a float's bits: 0.4 % of
/// the value, a table look-up each.
class HeatCodes {
 public:
  static constexpr uint8_t kFuture = 0;  // the position comes after the step
  static constexpr uint8_t kAbsent = 1;  // not in the cache at that step
  static constexpr uint8_t kFirstValue = 2;

  HeatCodes() = default;
  explicit HeatCodes(const ValueScale& scale);
  /// `value` is not NaN; what is negative counts as 0.
  uint8_t code(float value) const;

 private:
  std::vector<uint8_t> codes_ = std::vector<uint8_t>(size_t{1} << 15, kFirstValue);
};

}  // namespace dendrokv
