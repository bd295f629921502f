#pragma once
// What a cache policy did: for every lane and position when it left, to whom it lost, with which
// scores, and why.
//
// Under one-way eviction a position leaves a lane at most once, so these arrays are the whole event
// log, and the kept set and every tree level at any step follow from them (TreeKV, He et al., IJCAI
// 2025; file layout in docs/files.md).

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "data/budget_map.h"
#include "data/ids.h"
#include "data/run_numbers.h"

namespace dendrokv {

/// Why a position left its lane. The order is that of reason_names() and of the file's enumeration.
enum class Reason : uint8_t {
  Kept,    // still there
  Sink,    // reserved: protected as one of the first tokens
  Recent,  // reserved: protected as one of the last tokens
  Lost,    // lower score in a duel
  Tie,     // equal scores in a duel, decided by the tie rule
  Rule,    // dropped without a comparison of attention: window, budget, keep-left, keep-right
};
std::span<const std::string_view> reason_names();

/// What the second axis of the arrays is.
enum class LaneKind : uint8_t { PerKvHead, PerQueryHead, PerLayer };
std::string_view lane_kind_name(LaneKind kind);  // "kv-head", "query-head", "layer"

/// How many lanes a layer of a model has.
uint32_t lane_count(LaneKind kind, uint32_t heads, uint32_t kv_heads);

enum class RunMode : uint8_t { ClosedLoop, OpenLoop };
std::string_view run_mode_name(RunMode mode);  // "closed-loop", "open-loop"

/// One departure, as a policy reports it and the arrays below store it.
struct Eviction {
  Position victim;
  Step step;              // it was seen by this step's query, and is gone after it
  int32_t rival = -1;     // position it lost to; -1 = none
  float score = 0;        // NaN when nothing was compared
  float rival_score = 0;  // NaN when nothing was compared
  Reason reason = Reason::Rule;
};

/// What the record of a lane says beside the steps, [position]. The same types as
/// Retention::Arrays.
struct LaneDuels {
  std::vector<int32_t> rival;
  std::vector<float> score, rival_score;
  std::vector<uint8_t> reason;
};

/// Where they are stored. Any thread may ask.
class DuelSource {
 public:
  virtual ~DuelSource() = default;
  virtual LaneDuels read(Layer layer, Lane lane) const = 0;
};

/// Arrays of [layer, lane, position]. `evict_step` -1 = kept to the end.
class Retention {
 public:
  Retention() = default;
  Retention(uint32_t layers, uint32_t lanes, uint32_t tokens);
  /// Nothing ever leaves. Takes the memory of one lane, which stands for all; nothing can be
  /// recorded, and it is not for files.
  static Retention keep_all(uint32_t layers, uint32_t lanes, uint32_t tokens);

  /// Only the steps are in memory, 4 bytes where all is 17; the rest of a lane is read when it is
  /// asked for, and kept for the last few lanes. Checks every lane, as from_arrays().
  static Retention on_demand(std::string_view subject, uint32_t layers, uint32_t lanes,
                             uint32_t tokens, std::vector<int32_t> evict_step,
                             std::shared_ptr<const DuelSource> duels);

  uint32_t layers() const { return layers_; }
  uint32_t lanes() const { return lanes_; }
  uint32_t tokens() const { return tokens_; }

  /// A position may be recorded once per lane (asserted).
  void record(Layer layer, Lane lane, const Eviction& eviction);

  /// Rows of one lane, [position]. What on_demand() made: all but the steps is for one thread, and
  /// stays until other lanes are asked for.
  std::span<const int32_t> evict_step(Layer layer, Lane lane) const;
  std::span<const int32_t> rival(Layer layer, Lane lane) const;
  std::span<const float> score(Layer layer, Lane lane) const;
  std::span<const float> rival_score(Layer layer, Lane lane) const;
  std::span<const uint8_t> reason(Layer layer, Lane lane) const;

  /// What on_demand() made: the lane, read anew, for any thread. Else nothing: all is in memory.
  std::optional<LaneDuels> stored_duels(Layer layer, Lane lane) const;
  size_t bytes() const;

  /// In the cache after the eviction of `step`: position <= step, and not evicted by then.
  bool kept_after(Layer layer, Lane lane, Position position, Step step) const;
  /// Part of what the query of `step` saw: its own step's eviction comes after the attention.
  bool seen_by(Layer layer, Lane lane, Position position, Step step) const;
  /// Kept positions of a lane after `step`, in time order.
  std::vector<Position> kept_positions(Layer layer, Lane lane, Step step) const;
  /// Tree level of every position after `step`, [position]: the number of rivals it has beaten by
  /// then.
  std::vector<uint16_t> levels(Layer layer, Lane lane, Step step) const;

  /// Whole arrays for files, [layer, lane, position] flattened; of what on_demand() made only the
  /// steps.
  struct Arrays {
    std::vector<int32_t> evict_step, rival;
    std::vector<float> score, rival_score;
    std::vector<uint8_t> reason;
  };
  const Arrays& arrays() const { return arrays_; }
  /// Adopts arrays read from a file. Throws Error naming `subject` and the offending entry: sizes,
  /// ranges of steps and rivals, a position evicted before it arrived, a rival that left before its
  /// victim.
  static Retention from_arrays(std::string_view subject, uint32_t layers, uint32_t lanes,
                               uint32_t tokens, Arrays arrays);

 private:
  class RecentLanes;  // of a DuelSource
  size_t offset(Layer layer, Lane lane) const;
  uint32_t layers_ = 0, lanes_ = 0, tokens_ = 0;
  bool one_for_all_ = false;  // arrays_ has one lane
  Arrays arrays_;
  std::shared_ptr<RecentLanes> stored_;  // null = all is in arrays_
};

/// How much of a stored run is read at once.
enum class Records : uint8_t {
  Whole,
  OnDemand,  // for looking at it: Retention::on_demand() where the file allows, and no numbers
};

/// One policy over one text.
struct Run {
  std::string policy;  // the full spec
  RunMode mode = RunMode::ClosedLoop;
  std::string trace_uuid;
  LaneKind lane_kind = LaneKind::PerKvHead;
  uint32_t sinks = 0;                  // rows at the start that never leave
  uint32_t recent = 0;                 // rows at the end that never leave
  uint64_t budget = 0;                 // rows per lane in all; 0 = unbounded
  std::string positions = "original";  // or "rank"
  uint64_t kv_bytes = 0;  // that the engine held for keys and values at the end; 0 = not said
  Retention retention;
  std::optional<RunNumbers> numbers = {};  // where they were measured
  // Rows of each lane, where the spec names a budget map; `budget` is the most of them.
  std::optional<BudgetMap> lane_budget = {};
};

}  // namespace dendrokv
