#pragma once
// The network (Touvron et al., 2023, arXiv 2302.13971, and its kin in model/architectures) for a block of tokens.

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

class Network {
 public:
  /// References must outlive the object. Buffers are for blocks of at most `block_tokens` tokens.
  Network(const Config& config, const Weights& weights, Arithmetic arithmetic, size_t block_tokens,
          const Kernels& kernels, ThreadPool& pool, Attention& attention);

  /// Runs the tokens of steps [first, first + ids.size()) through all layers; attention has been prepared for them.
  /// Gives the states that logits are made of, [token, width], valid until the next call.
  GridView<const float> run(std::span<const int32_t> ids, Step first, Observer* observer);
  /// out: [state, vocabulary]; at most block_tokens states.
  void logits(GridView<const float> states, GridView<float> out);

 private:
  struct Block {
    size_t tokens;
    Step first;
    Observer* observer;
  };

  void run_layer(size_t layer, const Block& block);
  void finish_heads(const LayerWeights& weights, GridView<float> qkv);
  void add_branch(std::span<const float> norm, size_t token);
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
  Attention& attention_;

  Grid<float> x_;         // [token, width]
  Activations normed_;    // norm(x)
  Grid<float> qkv_;       // [token, (heads + 2 * kv_heads) * head_dim]
  Activations attended_;  // [token, heads * head_dim]
  Grid<float> branch_;    // what a half of a layer adds to x, [token, width]
  Grid<float> gate_up_;   // [token, 2 * hidden]
  Activations hidden_;    // f(gate) * up
};

}  // namespace dendrokv
