#pragma once
// Hyper-parameters of a model, read from GGUF keys and range-checked once.

#include <cstdint>
#include <string>
#include <vector>

#include "model/architectures.h"
#include "model/gguf.h"
#include "model/rotary_table.h"

namespace dendrokv {

/// How far back the queries of a layer see: all positions, or the last Config::window ones.
enum class LayerSpan : uint8_t { All, Window };

struct Config {
  const Architecture* architecture = nullptr;  // row of the table, never null once read
  std::string name;
  uint32_t layers = 0;
  uint32_t width = 0;   // embedding_length
  uint32_t hidden = 0;  // feed_forward_length
  uint32_t heads = 0, kv_heads = 0;
  uint32_t head_dim = 0;
  uint32_t vocabulary = 0;  // rows of token_embd
  uint32_t context_length = 0;
  float rms_epsilon = 0;
  float score_scale = 0;         // of the product of a query and a key
  float embedding_scale = 1;     // of an embedding row on its way in
  uint32_t window = 0;           // positions, the query's own included; 0: no layer has one
  std::vector<LayerSpan> spans;  // [layer]
  RotaryShape rotary;            // of layers that see all positions
  RotaryShape sliding_rotary;    // of layers with a window
};

/// Throws Error naming the key: missing, wrong type, out of range, or a feature that is not
/// supported.
Config read_config(const Gguf& gguf);

}  // namespace dendrokv
