#pragma once
// What a run kept, in numbers: how many rows, how old, how densely at which distance, and how much
// of the attention.

#include <optional>
#include <vector>

#include "data/grid.h"
#include "data/retention.h"
#include "data/trace_reader.h"

namespace dendrokv {

/// Rows in the cache after a step, over the lanes of a run.
struct RowsHeld {
  double mean = 0;
  uint32_t fewest = 0, most = 0;
};
RowsHeld rows_held(const Run& run, Step step);

/// How far the cache reaches back after a step, the sinks aside, which are held whatever their age.
/// A lane's newest row has age 0. NaN and nothing when no lane holds more than its sinks.
struct Reach {
  double mean_age;                      // of all rows of all lanes
  std::optional<Position> oldest_kept;  // of any lane
};
Reach reach(const Run& run, Step step);
std::optional<Position> oldest_kept(const Run& run, Layer layer, Lane lane, Step step);

/// Distances [first, last] back from the step's own token, which has distance 1. The sinks are left
/// out.
struct DistanceBin {
  uint32_t first, last;
  // Fraction of the bin's tokens that a lane holds after the step, mean over the lanes.
  double kept;
  double law;  // the same by tree_law()
};
/// Bins of equal width on a log2 axis, `bins_per_octave` of them from one power of two to the next;
/// narrow ones that would hold no whole distance are left out.
std::vector<DistanceBin> density_by_distance(const Run& run, Step step,
                                             unsigned bins_per_octave = 4);

/// Fraction of the tokens at a distance that the structure of a policy keeps. All of the `recent`
/// last ones; then, with a tree of c = budget - sinks - recent rows, 1/2 of the next c tokens, 1/4
/// of the c before them, and so on: exact for TreeKV's advancing cursor at the end of each pass of
/// c evictions, c a power of two, whoever wins; between two ends the generations have moved on by
/// less than c. Without a tree (streaming, sliding): none. Everything while the budget is not full.
/// Where a budget map gives each lane its rows, the mean over the lanes.
double tree_law(const Run& run, Step step, uint32_t distance);

/// Fraction of the full attention of a step's query that falls on the rows which the lane shows it,
/// its own and the one that leaves after this step included; mean over the query heads. `weights`
/// is [query head of the lane, position 0..step]. NaN when a weight is.
double retained_mass(const Run& run, Layer layer, Lane lane, Step step,
                     GridView<const float> weights);

/// The same for every lane, [layer, lane], from a trace of full attention over the run's tokens;
/// NaN where the trace did not record the layer or any head of the lane. Throws Error when the step
/// was not recorded or the trace is another one.
Grid<float> retained_mass(const TraceReader& trace, const Run& run, Step step);

}  // namespace dendrokv
