#pragma once
// What a cache policy is: after each step's attention it may name one row to drop.
//
// Order of a step in a lane (TreeKV, He et al., IJCAI 2025, algorithm 1; StreamingLLM, H2O and TOVA
// alike): append the new row, attend over all rows present, add the attention to the scores, then
// evict. A lane over its budget holds one row more than that while its query attends.

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>

#include "data/catalog.h"
#include "data/ids.h"
#include "data/retention.h"

namespace dendrokv {

/// One lane as a policy sees it, scores of this step included. All spans are [slot], in time order.
struct LaneView {
  Layer layer;
  Lane lane;
  Step step;
  std::span<const Position> position;
  std::span<const double> weight_sum;  // S: sum of the lane's attention weight since insertion
  std::span<const uint32_t> steps;     // C: steps since insertion, its own included
  std::span<const float> last_weight;  // attention weight of this step, reduced over the group
};

/// The row to drop, and what it lost to.
struct Decision {
  Slot victim;
  std::optional<Slot> rival;
  float score = 0, rival_score = 0;  // NaN when nothing was compared
  Reason reason = Reason::Rule;
};

/// The decision as it goes into the record: slots become positions.
Eviction eviction_of(const LaneView& lane, const Decision& decision);

/// One instance per lane. Deterministic; allocates nothing after construction; never sees keys or
/// values.
class Policy {
 public:
  virtual ~Policy() = default;
  /// Called once per step after the scores were updated. Nothing = keep all rows.
  virtual std::optional<Decision> step(const LaneView& lane) = 0;
};

/// Whether decisions depend on attention at all. A policy that ignores it finds any numbers in the
/// scores of its lane.
enum class ScoreUse { Ignored, Needed };

/// Where a key is rotated to.
enum class PositionMode {
  Original,  // place in the text
  Rank,      // place in the cache; keys are stored un-rotated
};

/// What all policies share, read once from the spec.
struct PolicyShape {
  uint64_t budget = 0;  // rows per lane after a step; 0 = unbounded
  uint32_t sinks = 0;   // rows at the start that never leave
  uint32_t recent = 0;  // rows at the end that never leave
  PositionMode positions = PositionMode::Original;
  LaneKind lane_kind = LaneKind::PerKvHead;
  ScoreUse scores = ScoreUse::Ignored;
};

/// A row of the table in cache/policies.cpp.
struct PolicyRow {
  SpecRow spec;
  std::string_view paper;
  std::string_view
      budget_key;  // the option that `budget=` fills with what the others leave; empty = no budget
  PolicyShape (*shape)(const Spec&);
  std::unique_ptr<Policy> (*make)(const Spec&);
};

}  // namespace dendrokv
