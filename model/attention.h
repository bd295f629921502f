#pragma once
// Attention of every layer under a cache policy: who is cached, who sees whom, who leaves.
//
// A step of a lane, in the order of TreeKV's algorithm 1:
//   append   the token's keys and values
//   attend   every query over all rows present: scores, softmax, weighted sum of the values
//   score    add the queries' weights, reduced to one, to the running scores of the rows
//   evict    the rows that the policy names, if any
//
// A block of tokens does this in one of four ways, which give the same bits:
//   abreast       where nothing can leave: all rows are appended, then tokens attend, some together
//                 so that they share each load of a row, each over the rows up to its own; then the
//                 policies see step after step
//   in sequence   where something may leave: token by token, lanes side by side
//   together      where the lanes of a layer decide together: token by token, all lanes attend,
//                 then all decide
//   one token     lanes side by side; those that the threads cannot share evenly are cut, into runs
//                 of rows for the scores and runs of channels for the sums
//
// In a layer with a window a query does not see rows whose position in the text is further back
// than the window. They stay in the cache, and their weight is 0, as it is told to the observer and
// to the policy.

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <vector>

#include "cache/policies.h"
#include "data/grid.h"
#include "data/retention.h"
#include "model/attention_lane.h"
#include "model/config.h"
#include "model/kernels.h"
#include "model/rotary_table.h"
#include "model/thread_pool.h"

namespace dendrokv {

/// Rows of all lanes together.
struct CacheRows {
  uint64_t held = 0, read = 0, lanes = 0;
};

class Attention {
 public:
  /// References must outlive the object.
  Attention(const Config& config, CachePrecision precision, const PolicyChoice& policy,
            EvictionLog log, const Kernels& kernels, ThreadPool& pool);
  ~Attention();

  /// Throws Error when original positions of a text of `tokens` tokens leave the model's context,
  /// or its keys and values the memory.
  void check(size_t tokens) const;
  /// What the keys and values of a text of `tokens` tokens take at most.
  uint64_t bytes_for(size_t tokens) const;
  /// Makes room for steps [first, first + tokens).
  void prepare(Step first, size_t tokens);
  /// prepare() must have covered the steps of the block; blocks of a layer come in order.
  void run(const AttentionBlock& block);

  /// Departures so far, over a text of `tokens` tokens.
  Retention retention(uint32_t tokens) const;
  uint64_t bytes() const;  // allocated for keys and values
  CacheUse use() const;
  /// Over all lanes, after the newest token: rows held, and rows that its query read.
  CacheRows rows() const;
  const AttentionLane& lane_of(Layer layer, Lane lane) const {
    return this->lane(layer, lane.index());
  }

 private:
  // What a thread needs to work on lanes.
  struct Scratch {
    Grid<float> queries;  // of one KV head
    LaneWork work;
  };
  class Lease;
  struct CutLane;
  // That run abreast between two looks at whether something may leave; bounds what their means
  // take.
  static constexpr size_t kTokensAbreast = 64;

  void grow_rotary(size_t positions);
  bool may_evict(const AttentionBlock& block, TokenRange tokens) const;
  void run_one_token(const AttentionBlock& block);
  void run_abreast(const AttentionBlock& block, TokenRange tokens);
  void run_in_sequence(const AttentionBlock& block, TokenRange tokens);
  void run_together(const AttentionBlock& block, TokenRange tokens);
  void settle_together(const AttentionBlock& block, size_t token, size_t later);
  void attend_abreast(const AttentionBlock& block, size_t lane, TokenRange tokens, size_t rows,
                      Scratch& scratch);
  std::span<float> kept_of_step(const AttentionBlock& block, size_t lane, size_t token,
                                size_t rows);
  void settle_abreast(const AttentionBlock& block, size_t lane, TokenRange tokens);
  void attend(const AttentionBlock& block, size_t lane, TokenRange tokens, size_t rows,
              Scratch& scratch) const;
  void step(const AttentionBlock& block, size_t lane, size_t token, Scratch& scratch);
  std::span<const float> reduce_step(const AttentionBlock& block, size_t lane, size_t token,
                                     LaneWork& work);
  void finish_step(const AttentionBlock& block, size_t lane, size_t token,
                   std::span<const float> reduced);
  size_t lanes_to_cut(const AttentionBlock& block) const;
  void score_piece(const AttentionBlock& block, size_t lane, size_t piece, CutLane& cut);
  void sum_piece(const AttentionBlock& block, size_t lane, size_t piece, CutLane& cut);

  AttentionLane& lane(Layer layer, size_t lane) {
    return lanes_[layer.index() * lanes_of_layer_ + lane];
  }
  const AttentionLane& lane(Layer layer, size_t lane) const {
    return lanes_[layer.index() * lanes_of_layer_ + lane];
  }
  size_t rows_of(const AttentionBlock& block, size_t lane) const;
  uint64_t budget_of(const AttentionBlock& block, size_t lane) const {
    return shapes_[block.layer.index() * lanes_of_layer_ + lane].budget;
  }
  static size_t reduced_place(size_t lane, size_t token);

  const Config& config_;
  const CachePrecision precision_;
  const PolicyShape shape_;  // of the lane with the most rows
  const EvictionLog log_;
  ThreadPool& pool_;
  RotaryTable rotary_,
      sliding_rotary_;  // of layers that see all positions, of layers with a window
  size_t lanes_of_layer_ = 0;
  size_t tokens_at_once_ = 1, most_rows_ = 0, pieces_ = 1;
  std::vector<AttentionLane> lanes_;  // [layer, lane]
  std::vector<PolicyShape> shapes_;   // as lanes_
  std::vector<CutLane> cut_lanes_;    // of one token
  Grid<float> reduced_;               // [lane, token of a run abreast] x [slot]
  std::mutex scratch_mutex_;
  std::vector<std::unique_ptr<Scratch>> scratch_;  // that nobody holds; one per thread in all
};

}  // namespace dendrokv
