#pragma once
// Runs the same tokens through the network in several caches at once, each under a policy of its
// own. A pass over the weights serves all of them; each gives bit for bit what it gives alone.
//
// A block of tokens goes through layer by layer: the matrix products of a layer are done for the
// whole block and all streams at once, its attention stream by stream, as model/attention.h says. A
// layer's attention at step t needs nothing of later tokens, so a block gives bit for bit what
// single steps give, under every policy.

#include <cstdint>
#include <functional>
#include <memory>
#include <span>

#include "cache/policies.h"
#include "data/grid.h"
#include "data/retention.h"
#include "model/attention.h"
#include "model/kernels.h"
#include "model/model.h"
#include "model/observer.h"

namespace dendrokv {

struct DecoderOptions {
  unsigned threads = 0;  // 0 = usable physical cores
  Isa isa = best_isa();
  uint32_t block_tokens = 64;  // of a prefill block
  // Discard: an endless stream needs no more memory than its cache
  EvictionLog evictions = EvictionLog::Keep;
};

class Streams {
 public:
  /// One stream per policy, at least one. `model` must outlive the object. Throws Error: options
  /// out of range, or a policy that does not run in the engine.
  Streams(const Model& model, std::span<const PolicyChoice> policies,
          const DecoderOptions& options);
  ~Streams();
  Streams(const Streams&) = delete;
  Streams& operator=(const Streams&) = delete;

  /// Tokens that went through all layers, in every stream.
  struct Block {
    size_t offset, tokens;         // of the tokens fed in this call
    GridView<const float> states;  // what logits are made of, [stream * tokens + token, width]
    GridView<const float> of(size_t stream) const {
      return states.rows_from(stream * tokens, tokens);
    }
  };
  /// Feeds tokens behind those fed before, in blocks of at most block_tokens; `done` is called
  /// after each. `observers` [stream], some of them null, or none at all. Throws Error before
  /// anything is fed: id outside of the vocabulary, positions beyond the model's context under
  /// original positions, keys and values beyond the memory. What an observer or `done` throws ends
  /// the feed; the object is of no use then.
  void feed(std::span<const int32_t> tokens, std::span<Observer* const> observers,
            const std::function<void(const Block&)>& done);
  /// Throws Error as feed() would on the way, when a text of `tokens` tokens in all has no room in
  /// the context or in memory.
  void check_room(size_t tokens) const;
  /// out: [state, vocabulary]; any number of states.
  void logits(GridView<const float> states, GridView<float> out);
  /// body(first, count) over [0, items), on the threads of the engine.
  void for_each(size_t items, const std::function<void(size_t first, size_t count)>& body);

  size_t count() const;
  Step next_step() const;
  /// What the policy did so far, over the tokens fed so far. Not with EvictionLog::Discard.
  Run run(size_t stream) const;
  uint64_t kv_bytes(size_t stream) const;  // allocated for the cache now
  CacheUse use(size_t stream) const;       // so far
  CacheRows rows(size_t stream) const;     // held now, and read by the newest query, over all lanes
  /// What a lane holds, for those who audit it.
  const AttentionLane& lane(size_t stream, Layer layer, Lane lane) const;
  size_t block_tokens() const;
  unsigned threads() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace dendrokv
