#pragma once
// Runs tokens through the network under a cache policy: the case of one of model/streams.

#include <cstdint>
#include <memory>
#include <span>

#include "cache/policies.h"
#include "data/grid.h"
#include "data/retention.h"
#include "model/model.h"
#include "model/observer.h"
#include "model/streams.h"

namespace dendrokv {

enum class LogitsOf { None, Last, All };

class Decoder {
 public:
  /// `model` must outlive the decoder. Throws Error: options out of range, or a policy that does
  /// not run in the engine.
  Decoder(const Model& model, const PolicyChoice& policy, const DecoderOptions& options);
  ~Decoder();
  Decoder(const Decoder&) = delete;
  Decoder& operator=(const Decoder&) = delete;

  /// Feeds tokens behind those fed before, in blocks of at most block_tokens. Logits [row,
  /// vocabulary] of the last token or of all tokens, valid until the next call. `observer` may be
  /// null. Throws Error before anything is fed: id outside of the vocabulary, or positions beyond
  /// the model's context under original positions. What an observer throws ends the feed; the
  /// decoder is of no use then.
  GridView<const float> feed(std::span<const int32_t> tokens, LogitsOf logits, Observer* observer);

  /// The same, and the loss of each token given all fed before it, nat: nll[i] belongs to
  /// tokens[i], NaN for the first token of all. Needs room for the logits of one block only.
  void feed_and_score(std::span<const int32_t> tokens, std::span<float> nll, Observer* observer);

  Step next_step() const;
  /// What the policy did so far, over the tokens fed so far. Not with EvictionLog::Discard.
  Run run() const;
  uint64_t kv_bytes() const;  // allocated for the cache now
  CacheRows rows() const;     // held by it, and read by the newest query, over all lanes
  /// The one stream, for those who audit it.
  const Streams& streams() const;
  unsigned threads() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace dendrokv
