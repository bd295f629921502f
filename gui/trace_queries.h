#pragma once
// What views read from a trace: a head's weights over steps, one step of a lane, one step of everything.
// Pure functions of a reader; the document calls them on its I/O thread.

#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "data/grid.h"
#include "data/trace_reader.h"
#include "gui/tiles.h"
#include "gui/value_scale.h"

namespace dendrokv {

using Cancelled = std::function<bool()>;

enum class Quantity {
  Weight,        // attention weight
  Contribution,  // attention weight times the Euclidean length of the value row
};

struct HeatRequest {
  size_t layer_index = 0;
  std::vector<size_t> heads;  // indices of recorded heads; their mean is shown
  Quantity quantity = Quantity::Weight;
  IndexRange steps;  // indices of recorded steps
  IndexRange positions;
  size_t most_rows = 1, most_columns = 1;  // of the answer
  uint32_t unscaled = 1;  // positions at the start that do not count for the colour scale

  bool operator==(const HeatRequest& other) const;
};

/// Rows are steps, columns positions. A cell is the largest value of row_factor x column_factor.
struct HeatSnapshot {
  HeatRequest request;
  size_t row_factor = 1, column_factor = 1;
  Grid<float> values;  // NaN where the code is kAbsentCode or kFutureCode
  std::shared_ptr<const CodeGrid> codes;
  ValueScale scale;
};
inline constexpr uint8_t kFutureCode = 0;  // the position comes after the step
inline constexpr uint8_t kAbsentCode = 1;  // not in the cache at that step
inline constexpr uint8_t kFirstValueCode = 2;

std::shared_ptr<const HeatSnapshot> read_heat(const TraceReader& trace, const HeatRequest& request,
                                              const Cancelled& cancelled);

inline constexpr uint32_t kBandLevels = 5;
/// Positions at either end of the window whose bands the edges and the sinks distort.
inline constexpr uint32_t kBandMargin = 32;
/// Shortest window whose start and end can be compared.
inline constexpr uint32_t kShortestGrowth = 2 * kBandMargin + 32;

struct RowRequest {
  size_t layer_index = 0;
  std::vector<size_t> heads;
  size_t step_index = 0;
  bool operator==(const RowRequest&) const = default;
};

/// One step of some heads: mean over them.
struct RowSnapshot {
  RowRequest request;
  std::vector<float> weight;  // [position 0..step], NaN = not in the cache
  Grid<double>
      bands;  // [level, position 0..step]: mean |Rec(D)|; NaN outside the window; empty if too short
  IndexRange window;  // positions that the bands cover
};

/// Rows that are not in the cache contribute nothing: they count as 0 in the bands.
std::shared_ptr<const RowSnapshot> read_row(const TraceReader& trace, const RowRequest& request,
                                            const Cancelled& cancelled);

/// One step of every recorded layer and head.
struct MapSnapshot {
  size_t step_index = 0;
  Grid<double> bands;  // as RowSnapshot, mean over all layers and heads
  IndexRange window;
  Grid<float>
      growth;  // [layer index, head index]: band 1 in the last quarter of the window over the first
};

std::shared_ptr<const MapSnapshot> read_map(const TraceReader& trace, size_t step_index,
                                            const Cancelled& cancelled);

/// The window without its margins; empty when nothing is left.
IndexRange inner_range(IndexRange window);

}  // namespace dendrokv
