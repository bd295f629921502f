#pragma once
// One lane driven step by step, as the engine drives it: append, add the step's weights, ask the
// policy, evict.

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "cache/policies.h"
#include "cache/slot_table.h"

namespace dendrokv::testing {

/// Weights of the rows present, [slot].
using RowWeights = std::function<std::vector<float>(Step, std::span<const Position>)>;

struct LaneRun {
  std::vector<std::optional<Eviction>> evictions;  // [step], the oldest of the step
  std::vector<Eviction> all;                       // in the order in which they left
  SlotTable table;                                 // after the last step

  /// "0 4 7 8": the cache after the last step.
  std::string cache() const;
  /// Per row of the cache, the number of rivals it has beaten: "2 1 1 0".
  std::string levels() const;
};

/// Weights that a policy does not look at, where it reads single steps: it gets them all the same,
/// or NaN in their place.
enum class Unread { Given, Spoilt };

/// `after(step, run so far)` looks at every step, when given. Keys, values and queries, where the
/// policy asks for them, are those of synthetic_row().
LaneRun run_lane(const PolicyChoice& choice, uint32_t tokens, const RowWeights& weights,
                 const std::function<void(Step, const LaneRun&)>& after = {},
                 const LanePlace& place = {}, Unread unread = Unread::Given);

constexpr size_t kSyntheticHeadDim = 8;
enum class SyntheticRow : uint32_t { Key = 1, Value, Query };
/// Random numbers in [-1, 1), [kSyntheticHeadDim], that depend on (seed, what, position) alone.
std::vector<float> synthetic_row(uint64_t seed, SyntheticRow what, Position position);

/// The attraction of each position, restricted to the rows present and normalised.
RowWeights attraction(std::vector<float> of_position);
/// Weight [step, position] of a fixed triangular matrix, as it is.
RowWeights matrix_weights(std::vector<float> matrix, size_t columns);
/// A number in [0, 1) that depends on (seed, step, position) alone; with `values` > 0 one of 1, 2,
/// ..., values, so that sums are exact and ties happen.
float random_weight(uint64_t seed, uint32_t values, Step step, Position position);
RowWeights random_weights(uint64_t seed, uint32_t values = 0);

/// Cursor at every eviction by duel: the left row of the pair, counted from 1 behind the sinks.
/// Found from the victims, the rivals and the rows present alone.
std::vector<size_t> cursors(const LaneRun& lane, uint32_t sinks);

/// "1 13 15 17"
std::string join(std::span<const Position> positions);

}  // namespace dendrokv::testing
