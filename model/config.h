#pragma once
// Hyper-parameters of a model, read from GGUF keys and range-checked once.

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "model/gguf.h"

namespace dendrokv {

struct Config {
  std::string architecture, name;
  uint32_t layers = 0;
  uint32_t width = 0;   // embedding_length
  uint32_t hidden = 0;  // feed_forward_length
  uint32_t heads = 0, kv_heads = 0;
  uint32_t head_dim = 0;
  uint32_t vocabulary = 0;  // rows of token_embd
  uint32_t context_length = 0;
  float rms_epsilon = 0;
  double rope_base = 10000;
  std::vector<float> rope_divisors;  // [head_dim / 2]; from rope_freqs.weight, else ones
};

/// Values of general.architecture that the engine runs.
std::span<const std::string_view> architecture_names();

/// Throws Error naming the key: missing, wrong type, out of range, or a feature that is not supported.
Config read_config(const Gguf& gguf);

}  // namespace dendrokv
