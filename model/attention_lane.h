#pragma once
// One lane of attention: its rows, its policy, and the parts of a step, for some tokens at a time.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "cache/lane_inputs.h"
#include "cache/policy.h"
#include "data/grid.h"
#include "data/retention.h"
#include "model/activations.h"
#include "model/kernels.h"
#include "model/kv_cache.h"
#include "model/lane_heads.h"
#include "model/observer.h"
#include "model/read_rows.h"
#include "model/rotary_table.h"

namespace dendrokv {

/// Whether departures are remembered: 24 bytes per lane and step.
enum class EvictionLog { Keep, Discard };

/// One layer's share of a block of tokens.
struct AttentionBlock {
  Layer layer;
  Step first;  // of the block
  // [token, heads + 2 * kv_heads heads of head_dim]: queries, keys, values
  GridView<const float> qkv;
  Activations& out;              // floats of [first_column + token, heads * head_dim] are filled
  Observer* observer = nullptr;  // or null
  size_t first_column = 0;
};

/// Tokens [first, end) of a block, one after the other in the text.
struct TokenRange {
  size_t first, end;
  size_t count() const { return end - first; }
};

/// How the queries of a layer look at the rows of a lane.
struct QueryRule {
  float scale;          // of the product of a query and a key
  uint32_t window = 0;  // positions of the text that a query sees, its own the last of them; 0: all
};

/// What a cache has held and what its queries have read, over the steps so far. Bytes are those of
/// keys and values as they are stored: an un-rotated key beside the rotated one counts as held, and
/// is not read.
struct CacheUse {
  uint64_t lanes = 0;
  uint64_t most_rows = 0, most_bytes = 0;  // sums over lanes of the most that each held at once
  uint64_t rows_read = 0,
           bytes_read = 0;  // over all lanes and steps; rows behind a window are not read

  CacheUse& operator+=(const CacheUse& other);
};

/// What the queries of some tokens give. Room for so many queries and slots.
struct LaneWork {
  Grid<float> weights;                   // [query, slot]; query = head * tokens + token
  Grid<float> sums;                      // [query, head_dim]
  std::vector<float> reduced;            // [slot]
  std::vector<AttentionRow> shown = {};  // to the observer
  // [head, slot] that it is shown where only some rows were read
  Grid<float> of_slots = {};
};

class AttentionLane {
 public:
  /// `kernels` and `rotary` must outlive the lane.
  AttentionLane(const LaneHeads& heads, const KvShape& shape, const QueryRule& rule,
                const Kernels& kernels, const RotaryTable& rotary, const PolicyShape& policy_shape,
                std::unique_ptr<Policy> policy);

  // The parts of a step. `rows`: slots up to the one of the first of the tokens; each later token
  // has one more, and all of these are there. A token sees those that are not behind its window.
  // Where the policy chose rows to read, which is for one token at a time, work.weights has columns
  // for these alone.

  void append(const AttentionBlock& block,
              size_t token);  // and, where the policy reads some rows only, which
  /// Columns of work.weights for one token.
  size_t columns(size_t rows) const { return read_.empty() ? rows : read_.size(); }
  /// Scaled scores of a range of columns into work.weights. `queries` is room for those of one KV
  /// head, [query, head_dim].
  void score(const AttentionBlock& block, TokenRange tokens, size_t rows, SlotRange range,
             Grid<float>& queries, LaneWork& work) const;
  /// Scores to weights: each query over the slots that it sees; 0 for those behind its window.
  void soften(TokenRange tokens, size_t rows, LaneWork& work) const;
  void show(const AttentionBlock& block, TokenRange tokens, size_t rows, LaneWork& work) const;
  /// Some work after show(), before a row leaves, from the same thread.
  void finish_show(const AttentionBlock& block, const LaneWork& work) const;
  /// Some channels of the weighted sums of the values, into work.sums and from there into
  /// block.out.
  void sum(const AttentionBlock& block, TokenRange tokens, size_t rows, size_t first_channel,
           size_t channels, LaneWork& work) const;
  /// reduced[slot] = mean or largest weight over the lane's heads, of token number `token` of those
  /// of `work`.
  void reduce_weights(TokenRange tokens, size_t token, const LaneWork& work,
                      std::span<float> reduced) const;
  /// Whether the reduced weights of a step that sees `rows` rows are wanted by add_weights() and
  /// settle().
  bool wants_weights(Step step, size_t rows) const;
  /// Adds the reduced weights of a step, [slot], to the scores; nothing where there are none.
  /// Before settle(), step by step.
  void add_weights(std::span<const float> reduced);
  /// Asks the policy about a step whose reduced weights were added. Who leaves, in time order;
  /// valid until the next call.
  std::span<const Decision> settle(const AttentionBlock& block, Lane lane, size_t token,
                                   size_t rows, std::span<const float> reduced) {
    return decide(take_in(block, lane, token, rows, reduced));
  }
  /// The parts of settle(), for lanes that decide together: all take in, all look, all decide.
  LaneView take_in(const AttentionBlock& block, Lane lane, size_t token, size_t rows,
                   std::span<const float> reduced);
  void look(const LaneView& view) { policy_->look(view); }
  std::span<const Decision> decide(const LaneView& view) { return policy_->step(view); }
  /// Those that settle() has named for the newest step.
  void evict(const AttentionBlock& block, Lane lane, size_t token,
             std::span<const Decision> decisions, EvictionLog log);

  const LaneHeads& heads() const { return heads_; }
  KvLane& rows() { return rows_; }
  const KvLane& rows() const { return rows_; }
  std::span<const Eviction> evictions() const { return evictions_; }
  CacheUse use() const;
  /// That the newest query read.
  size_t rows_read() const;

 private:
  size_t first_seen(size_t rows) const;
  void ask_for_decision() const;
  void choose_rows_to_read(const AttentionBlock& block, size_t token);
  void score_read_rows(const AttentionBlock& block, size_t token, SlotRange columns,
                       Grid<float>& queries, LaneWork& work) const;
  GridView<float> turn_queries(const AttentionBlock& block, TokenRange tokens, size_t rows,
                               size_t kv_head, size_t frame, Grid<float>& queries) const;
  void sum_seen_rows(size_t kv_head, TokenRange tokens, size_t rows, size_t first_channel,
                     GridView<const float> weights, GridView<float> sums) const;
  std::span<const float> weights_of_slots(size_t lane_head, LaneWork& work) const;

  LaneHeads heads_;
  size_t head_dim_;
  QueryRule rule_;
  const Kernels& kernels_;
  KvLane rows_;
  ScoreUse scores_;
  InputSet wanted_;
  GroupRule group_rule_;
  LaneInputs inputs_;
  bool reads_some_;
  ReadRows read_;  // by the newest query; empty = all
  std::unique_ptr<Policy> policy_;
  std::vector<Slot> victims_;  // of a step
  std::vector<Eviction> evictions_;
  uint64_t most_rows_ = 0, rows_read_ = 0;
};

}  // namespace dendrokv
