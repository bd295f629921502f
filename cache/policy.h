#pragma once
// What a cache policy is: after each step's attention it may name rows to drop.
//
// Order of a step in a lane (TreeKV, He et al., IJCAI 2025, algorithm 1; StreamingLLM, H2O and TOVA
// alike): append the new row, attend over all rows present, add the attention to the scores, then
// evict. A lane over its budget holds one row more than that while its query attends.

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "data/catalog.h"
#include "data/grid.h"
#include "data/ids.h"
#include "data/retention.h"

namespace dendrokv {

class QueryStatistics;

/// Slots [first, end).
struct SlotRange {
  size_t first, end;
};

/// Rows of a lane by slot, wherever they lie: row(slot) is [size of a row].
struct RowsView {
  GridView<const float> rows;     // [row, size of a row]
  std::span<const uint32_t> row;  // row of each slot

  std::span<const float> operator[](size_t slot) const { return rows.row(row[slot]); }
};

/// The weights that the last steps gave, [query, slot], the oldest query first. They lie in a ring.
class WindowView {
 public:
  WindowView() = default;
  WindowView(GridView<const float> ring, size_t first, size_t queries)
      : ring_(ring), first_(first), queries_(queries) {}

  size_t rows() const { return queries_; }
  size_t cols() const { return ring_.cols(); }
  std::span<const float> row(size_t query) const {
    const size_t row = first_ + query;
    return ring_.row(row < ring_.rows() ? row : row - ring_.rows());
  }
  float operator()(size_t query, size_t slot) const { return row(query)[slot]; }

 private:
  GridView<const float> ring_;
  size_t first_ = 0, queries_ = 0;
};

/// One lane as a policy sees it, scores of this step included. All spans are [slot], in time order.
/// Weights, their sums and what follows are there when the policy's shape asks for them, else
/// empty.
struct LaneView {
  Layer layer;
  Lane lane;
  Step step;
  std::span<const Position> position;
  std::span<const double> weight_sum = {};  // S: sum of the lane's attention weight since insertion
  std::span<const float> last_weight = {};  // attention weight of this step, reduced over the group

  std::span<const float> value_norm = {};  // L2 norm of the value row; of several, root mean square
  RowsView keys = {}, values = {};         // un-rotated; [head_dim]
  WindowView window = {};                  // reduced; 0 where a row came later
  // of the text so far, the first `sinks` left out; owned by LaneInputs
  const QueryStatistics* queries = nullptr;
  GridView<const float> query = {};     // [query head, head_dim] of this step, un-rotated
  std::span<const double> future = {};  // mean weight that all later queries will give

  /// C: steps since insertion, its own included. A row comes in the step of its position.
  uint32_t steps(size_t slot) const { return step.value + 1 - position[slot].value; }
};

/// A row to drop, and what it lost to.
struct Decision {
  Slot victim;
  std::optional<Slot> rival;
  float score = 0, rival_score = 0;  // NaN when nothing was compared
  Reason reason = Reason::Rule;
};

/// A row that leaves whatever the scores are.
Decision dropped_by_rule(Slot victim, std::optional<Slot> rival = std::nullopt);

/// The decision as it goes into the record: slots become positions.
Eviction eviction_of(const LaneView& lane, const Decision& decision);

/// One instance per lane. Deterministic.
class Policy {
 public:
  virtual ~Policy() = default;
  /// Called for every lane of a layer before step() is called for any of them, where the shape says
  /// that the lanes decide together; else not at all.
  virtual void look(const LaneView& /*lane*/) {}
  /// The rows that this step's query reads, in time order; none = all. Called after the row was
  /// appended and before anything is attended to: the view has no weights of this step.
  virtual std::span<const SlotRange> reads(const LaneView& /*lane*/) { return {}; }
  /// Whether step() reads the weights of this step, after which there are `rows` rows: in this
  /// step, or in a window of a later one if nothing leaves before. If not, they may be left out of
  /// what it sees.
  virtual bool looks_at_weights(Step /*step*/, size_t /*rows*/) const { return true; }
  /// Called once per step after the scores were updated. The rows that leave, in time order; empty
  /// = keep all rows. Valid until the next call.
  virtual std::span<const Decision> step(const LaneView& lane) = 0;
  /// Whether step() can go on when other rows left than those that it named, as in an audit that
  /// follows a record: false where the policy keeps numbers of its own for each row.
  virtual bool can_follow_a_record() const { return true; }
};

/// A policy that never drops more than one row a step.
class OneAtATime : public Policy {
 public:
  std::span<const Decision> step(const LaneView& lane) final;

 private:
  virtual std::optional<Decision> choose(const LaneView& lane) = 0;
  std::optional<Decision> decision_;
};

/// What decisions read of attention: nothing, the weights of single steps, or their sums as well.
enum class ScoreUse { Ignored, Weights, Sums };

/// Where a key is rotated to.
enum class PositionMode {
  Original,  // place in the text
  Rank,      // place in the cache; keys are stored un-rotated
};

/// How the weights of a lane's query heads become one.
enum class GroupRule { Mean, Max };

/// Whether the lanes of a layer must be decided on at the same time.
enum class Deciding { LaneAlone, LayerTogether };

/// What a policy looks at beside the attention weights.
enum class Input : uint8_t { ValueNorms, Keys, Values, Queries, QueryStatistics, Future };
std::span<const Input> all_inputs();

class InputSet {
 public:
  constexpr InputSet() = default;
  constexpr InputSet(std::initializer_list<Input> inputs) {
    for (const Input input : inputs) add(input);
  }
  constexpr void add(Input input) { bits_ = bits_ | (1u << static_cast<unsigned>(input)); }
  constexpr bool has(Input input) const { return bits_ >> static_cast<unsigned>(input) & 1u; }
  constexpr bool empty() const { return bits_ == 0; }

 private:
  unsigned bits_ = 0;
};

/// Whether scores are as large as the weights of a step, or of the window, or grow with the steps
/// that a row has seen: what the rounding of single weights adds up to in them.
enum class ScoreGrowth { None, WithLife };

/// Who competes with a row for its place.
enum class Contest {
  Ranking,     // all rows that could leave, or those of a scope of more than two
  Parts,       // those of its part of the text
  Pair,        // its neighbour
  CursorPair,  // its neighbour, under a cursor that takes them in turn
};

/// What leaves a prompt that was taken in whole: single rows, or blocks with the scores of blocks.
enum class PromptCut { Rows, Blocks };

/// What all policies share, read once from the spec: what engine and replay owe the policy, what
/// its record must keep to, and how its decisions are to be read.
struct PolicyShape {
  uint64_t budget = 0;     // rows per lane that the policy cuts down to; 0 = unbounded
  uint64_t most_rows = 0;  // ever in a lane at once, this step's own included; 0 = unbounded
  // Rows of a lane after a cut: the budget, unless lanes or cuts are uneven.
  uint64_t fewest_kept = 0, most_kept = 0;
  uint64_t prompt = 0;  // tokens that come before the first cut; 0 = none
  uint64_t every = 1;   // rows over the budget that make a cut; 0 = the prompt's end alone does
  uint32_t sinks = 0;   // rows at the start that never leave
  uint32_t recent = 0;  // rows at the end that never leave
  PositionMode positions = PositionMode::Original;
  LaneKind lane_kind = LaneKind::PerKvHead;
  ScoreUse scores = ScoreUse::Ignored;
  GroupRule group = GroupRule::Mean;
  InputSet inputs = {};
  uint32_t window = 0;  // steps whose weights LaneView::window holds
  Deciding deciding = Deciding::LaneAlone;
  uint64_t reads = 0;  // rows that a query reads; 0 = all that are held
  ScoreGrowth growth = ScoreGrowth::None;
  Contest contest = Contest::Ranking;
  PromptCut prompt_cut = PromptCut::Rows;

  bool keeps_and_reads_all() const { return budget == 0 && reads == 0; }
};

/// Where a lane is: known before its first step.
struct LanePlace {
  Layer layer;
  Lane lane;
  uint32_t layers = 1;
  uint32_t lanes = 1;  // of the layer
  /// By how many radians a place in the text turns the pair (2i, 2i + 1) of a key or query; empty =
  /// not known.
  std::span<const double> turns = {};
};

/// A row of the table in cache/policies.cpp.
struct PolicyRow {
  SpecRow spec;
  std::string_view paper;
  // The option that `budget=` fills with what the others leave; empty = no budget.
  std::string_view budget_key;
  PolicyShape (*shape)(const Spec&);
  std::unique_ptr<Policy> (*make)(const Spec&, const LanePlace&);
  /// Refuses options that contradict each other, by an Error about `subject`; null = none can.
  void (*check)(const std::string& subject, const Spec&) = nullptr;
  /// The policies of a layer that decide together, instead of `make`; `place.lane` means nothing.
  std::vector<std::unique_ptr<Policy>> (*make_layer)(const Spec&, const LanePlace&) = nullptr;
  /// Where layers differ: the shape of one of them, which `shape` is the bound of; null = they
  /// don't.
  PolicyShape (*layer_shape)(const Spec&, Layer) = nullptr;
};

}  // namespace dendrokv
