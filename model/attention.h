#pragma once
// Attention of every layer under a cache policy: who is cached, who sees whom, who leaves.
//
// A step of a lane (one KV head and the query heads that share it), in the order of TreeKV's algorithm 1:
//   append   the token's key and value
//   attend   every query over all rows present: scores, softmax, weighted sum of the values
//   score    add the mean of the queries' weights to the running scores of the rows
//   evict    the row that the policy names, if any
// A block of tokens does this token by token, lanes in parallel. Where nothing can leave within the block and nobody asks for
// scores, all rows are appended first and tokens attend in parallel, each over the rows up to its own: the same numbers.
//
// In a layer with a window a query does not see rows whose position in the text is further back than the window. They stay in the
// cache, and their weight is 0, as it is told to the observer and to the policy.

#include <cstdint>
#include <memory>
#include <vector>

#include "cache/policies.h"
#include "data/grid.h"
#include "data/retention.h"
#include "model/activations.h"
#include "model/config.h"
#include "model/kernels.h"
#include "model/kv_cache.h"
#include "model/observer.h"
#include "model/rotary_table.h"
#include "model/thread_pool.h"

namespace dendrokv {

/// Whether departures are remembered: 24 bytes per lane and step.
enum class EvictionLog { Keep, Discard };

/// One layer's share of a block of tokens.
struct AttentionBlock {
  Layer layer;
  Step first;  // of the block
  GridView<const float>
      qkv;           // [token, heads + 2 * kv_heads heads of head_dim]: queries, keys, values
  Activations& out;  // floats of [token, heads * head_dim] are filled
  Observer* observer = nullptr;  // or null
};

class Attention {
 public:
  /// References must outlive the object. Throws Error when the policy's lanes are not the KV heads.
  Attention(const Config& config, CachePrecision precision, const PolicyChoice& policy,
            EvictionLog log, const Kernels& kernels, ThreadPool& pool);

  /// Throws Error when original positions of a text of `tokens` tokens leave the model's context, or its keys and values the memory.
  void check(size_t tokens) const;
  /// Makes room for steps [first, first + tokens).
  void prepare(Step first, size_t tokens);
  /// prepare() must have covered the steps of the block; blocks of a layer come in order.
  void run(const AttentionBlock& block);

  /// Departures so far, over a text of `tokens` tokens.
  Retention retention(uint32_t tokens) const;
  uint64_t bytes() const;  // held for keys and values

 private:
  struct CachedLane {
    KvLane rows;
    std::unique_ptr<Policy> policy;
    std::vector<Eviction> evictions;
  };
  // What one thread needs to work on a lane; grown by prepare().
  struct Scratch {
    Grid<float> queries;      // [query, head_dim], rotated
    Grid<float> weights;      // [query, slot]
    std::vector<float> mean;  // [slot]
  };
  // Some query heads of a lane at one token, over the first `rows` slots.
  struct Item {
    KvHead kv_head;
    size_t first_query, queries;  // within the group
    size_t token;                 // of the block
    size_t rows;
  };

  bool may_evict(const AttentionBlock& block) const;
  void run_in_sequence(const AttentionBlock& block);
  void run_in_parallel(const AttentionBlock& block);
  void append(const AttentionBlock& block, KvHead kv_head, size_t token);
  GridView<float> attend(const AttentionBlock& block, const Item& item, Scratch& scratch);
  void score_and_evict(const AttentionBlock& block, const Item& item, GridView<const float> weights,
                       Scratch& scratch);
  std::vector<Item> items_of(const AttentionBlock& block) const;
  const RotaryTable& rotary_of(size_t layer) const;
  size_t first_seen(Layer layer, std::span<const Position> positions) const;
  CachedLane& lane(Layer layer, KvHead kv_head);
  size_t group() const { return config_.heads / config_.kv_heads; }

  const Config& config_;
  const CachePrecision precision_;
  const PolicyShape shape_;
  const EvictionLog log_;
  const Kernels& kernels_;
  ThreadPool& pool_;
  RotaryTable rotary_,
      sliding_rotary_;             // of layers that see all positions, of layers with a window
  std::vector<CachedLane> lanes_;  // [layer, kv_head]
  std::vector<Scratch> scratch_;   // [thread]
};

}  // namespace dendrokv
