#pragma once
// What views read from a trace beside the tiles of the heat map: one step of a lane, one step of
// everything. Pure functions of a reader; the document calls them on its I/O thread.

#include <memory>
#include <optional>
#include <vector>

#include "data/grid.h"
#include "data/trace_reader.h"
#include "gui/envelope.h"
#include "gui/heat_source.h"

namespace dendrokv {

inline constexpr uint32_t kBandLevels = 5;
/// Positions at either end of the window whose bands the edges and the sinks distort.
inline constexpr uint32_t kBandMargin = 32;
/// Shortest window whose start and end can be compared.
inline constexpr uint32_t kShortestGrowth = 2 * kBandMargin + 32;

struct RowRequest {
  std::vector<LayerHeads> heads;
  size_t step_index = 0;
  bool operator==(const RowRequest&) const = default;
};

/// Undecimated, centred wavelet coefficients of a curve (analysis/modwt.h, StationaryNormalised,
/// LA8), as deep as its length allows.
struct Scalogram {
  struct Level {
    Envelope magnitude;  // |W|, the largest of each `unit` positions
    size_t unit = 1;
    IndexRange valid;  // positions that neither end touches: inside of the cone of influence
  };
  std::vector<Level> levels;  // level 1, the finest, first
};
inline constexpr uint32_t kMostScales = 14;
Scalogram scalogram_of(std::span<const float> signal);

/// One step of some heads: mean over them.
struct RowSnapshot {
  RowRequest request;
  std::vector<float> weight;  // [position 0..step], NaN = not in the cache
  // Weight times length of the value row, [position 0..step], 0 = not in the cache.
  std::vector<float> contribution;
  // [level] of positions: mean |Rec(D)|; NaN outside the window; empty if too short
  std::vector<Envelope> bands;
  IndexRange window;    // positions that the bands cover
  Scalogram scalogram;  // of `contribution`

  // Of `weight`, by sum_up(): so that a question about one token does not read the whole row.
  std::vector<float> ranked;  // those of rows in the cache, the largest first
  double total = 0;
  void sum_up();
  /// 1 = it got the most; as many ranks as `ranked` has.
  size_t rank_of(float weight) const;
};

/// Rows that are not in the cache contribute nothing: they count as 0 in the bands.
std::shared_ptr<const RowSnapshot> read_row(const TraceReader& trace, const RowRequest& request,
                                            const Cancelled& cancelled);

/// One step of every recorded layer and head, over the last kMostMapPositions at most.
struct MapSnapshot {
  size_t step_index = 0;
  std::vector<Envelope> bands;  // as RowSnapshot, mean over all layers and heads
  IndexRange window;
  // [layer index, head index]: band 1 in the last quarter of the window over the first
  Grid<float> growth;
  Grid<float> entropy;  // same: of the row's weights, nat
  Grid<float> sink;     // same: weight of position 0
};

std::shared_ptr<const MapSnapshot> read_map(const TraceReader& trace, size_t step_index,
                                            const Cancelled& cancelled);

/// Positions that a map looks at, at the end of what was read.
inline constexpr uint32_t kMostMapPositions = 65536;

/// The window without its margins; empty when nothing is left.
IndexRange inner_range(IndexRange window);

}  // namespace dendrokv
