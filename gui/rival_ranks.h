#pragma once
// How other policies would have ranked the rows of a lane when it dropped one: their scores, from
// the recorded weights of the same steps. Pure functions of a reader; the document calls them on
// its I/O thread.

#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "data/trace_reader.h"
#include "gui/content.h"
#include "gui/inspection.h"
#include "gui/selection.h"

namespace dendrokv {

struct RankRequest {
  size_t run = 0;
  LaneId lane;
  Step step;
  bool operator==(const RankRequest&) const = default;
};

/// Scores of the rows that the query of a step saw and that could leave, after that step. What the
/// lane's query heads gave is rescaled to the rows that the lane held, head by head, and the mean
/// over the heads is taken, as a replay does (cache/lane_replay.h): of a trace that kept all rows
/// an open loop, else what was measured.
struct RankSnapshot {
  RankRequest request;
  std::vector<Position> rows;       // rising
  std::vector<double> accumulated;  // [row] the sum since it came: H2O
  std::vector<double> mean;         // [row] that by its steps: TreeKV
  std::vector<double> last;         // [row] of this step: TOVA
  /// Rows that would leave before the one at `place`, by a score: lower ones, and older ones of the
  /// same.
  static size_t before(const std::vector<double>& scores, size_t place);
};

/// Of the locked token: at the step when it left, or now. Nothing where the trace cannot say: means
/// of lanes, no such token, a token that is protected, rows or steps that were not recorded, a lane
/// too long to be read for it (kMostRankCells).
std::optional<RankRequest> rank_request(const Content& content, const Selection& selection);
inline constexpr uint64_t kMostRankCells = uint64_t{1} << 27;

/// Null when cancelled. Throws Error.
std::shared_ptr<const RankSnapshot> read_ranks(const TraceReader& trace, const Run& run,
                                               const RankRequest& request,
                                               const std::function<bool()>& cancelled);

/// "H2O · sum of attention: 3 of 124 to go" and the like; empty when the snapshot does not tell of
/// the position.
Section rank_section(const Content& content, const RankSnapshot& snapshot, Position position);

}  // namespace dendrokv
