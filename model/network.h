#pragma once
// The network (Touvron et al., 2023, arXiv 2302.13971, and its kin in model/architectures) for a
// block of tokens, in one cache or in several side by side.

#include <cstdint>
#include <span>

#include "data/grid.h"
#include "data/ids.h"
#include "model/activations.h"
#include "model/attention.h"
#include "model/kernels.h"
#include "model/model.h"
#include "model/observer.h"
#include "model/thread_pool.h"
#include "model/weights.h"

namespace dendrokv {

/// A cache that tokens go into, and who watches it, or null.
struct Stream {
  Attention* attention;
  Observer* observer;
};

class Network {
 public:
  /// References must outlive the object. Buffers are for blocks of at most `most_columns` tokens
  /// times streams.
  Network(const Config& config, const Weights& weights, Arithmetic arithmetic, size_t most_columns,
          const Kernels& kernels, ThreadPool& pool);

  /// Runs the tokens of steps [first, first + ids.size()) through all layers, once for each stream;
  /// all attentions have been prepared for them. The matrices are read once for all streams. Gives
  /// the states that logits are made of, [stream * ids.size() + token, width], valid until the next
  /// call.
  GridView<const float> run(std::span<const int32_t> ids, Step first,
                            std::span<const Stream> streams);
  /// out: [state, vocabulary]; at most most_columns states.
  void logits(GridView<const float> states, GridView<float> out);

 private:
  struct Block {
    size_t tokens;
    Step first;
    std::span<const Stream> streams;
    size_t columns() const { return streams.size() * tokens; }
  };

  void run_layer(size_t layer, const Block& block);
  void finish_heads(const LayerWeights& weights, GridView<float> qkv);
  void attend(size_t layer, const Block& block, GridView<const float> qkv);
  void add_branch(std::span<const float> norm, size_t column);
  void normalise(std::span<const float> x, std::span<const float> weight,
                 const PackedMatrix& reader, size_t column);
  void quantise_for(const PackedMatrix& reader, Activations& activations, size_t column);
  void multiply(const PackedMatrix& matrix, const Activations& activations, GridView<float> out);
  template <class Body>
  void for_each_column(size_t columns, const Body& body);

  const Config& config_;
  const Weights& weights_;
  const Kernels& kernels_;
  ThreadPool& pool_;

  // A column is a token of a stream: stream * tokens + token.
  Grid<float> x_;         // [column, width]
  Activations normed_;    // norm(x)
  Grid<float> qkv_;       // [column, (heads + 2 * kv_heads) * head_dim]
  Activations attended_;  // [column, heads * head_dim]
  Grid<float> branch_;    // what a half of a layer adds to x, [column, width]
  Grid<float> gate_up_;   // [column, 2 * hidden]
  Activations hidden_;    // f(gate) * up
};

}  // namespace dendrokv
