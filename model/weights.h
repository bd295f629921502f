#pragma once
// The network's parameters, packed for the kernels. Matrices are [output row, input column].

#include <vector>

#include "model/config.h"
#include "model/gguf.h"
#include "model/model.h"
#include "model/packed_matrix.h"

namespace dendrokv {

/// Vectors that an architecture or a file does not have are empty.
struct LayerWeights {
  std::vector<float> attention_norm;  // [width]
  // [heads * head_dim + 2 * kv_heads * head_dim, width]: q, k, v below one another
  PackedMatrix query_key_value;
  // As many as rows above; zeros where only some of them have one.
  std::vector<float> query_key_value_bias;
  std::vector<float> query_norm, key_norm;     // [head_dim], of every head
  PackedMatrix attention_output;               // [width, heads * head_dim]
  std::vector<float> attention_output_bias;    // [width]
  std::vector<float> attention_after_norm;     // [width], of what attention adds to the stream
  std::vector<float> feed_forward_norm;        // [width]
  PackedMatrix gate_up;                        // [2 * hidden, width]: gate, then up
  PackedMatrix down;                           // [width, hidden]
  std::vector<float> feed_forward_after_norm;  // [width], of what the feed-forward adds
};

struct Weights {
  // [vocabulary, width]; also the output matrix when `output` is empty (tied)
  PackedMatrix embedding;
  PackedMatrix output;             // [vocabulary, width] or empty
  std::vector<float> output_norm;  // [width]
  std::vector<LayerWeights> layers;

  const PackedMatrix& head() const { return output.rows() > 0 ? output : embedding; }
};

/// Checks name, shape and type of every tensor that the configuration implies. Throws Error naming
/// the tensor.
void check_tensors(const Gguf& gguf, const Config& config);
/// check_tensors() must have passed. Throws Error before anything is allocated when memory is too
/// small, and naming a tensor with a scale that is not finite.
Weights load_weights(const Gguf& gguf, const Config& config, Arithmetic arithmetic);
/// The same, with matrices in a file that all processes of this machine map (model/packed_file.h).
/// Throws Error, too, when there is no place for that file.
Weights share_weights(const Gguf& gguf, const Config& config, Arithmetic arithmetic,
                      const std::string& sha256);

}  // namespace dendrokv
