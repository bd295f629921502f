#pragma once
// Made-up weight tensors with their exact decoded values.

#include <cstddef>
#include <cstdint>
#include <vector>

#include "model/gguf.h"

namespace dendrokv::testing {

inline constexpr uint32_t kF32 = 0, kF16 = 1, kQ4_1 = 3, kQ8_0 = 8;

struct OwnedTensor {
  std::vector<std::byte> bytes;
  std::vector<float> values;  // [row, col], as the blocks say
  GgufTensor tensor;          // named "w"; refers to `bytes`, so only moves keep it valid
};

/// Random blocks of a type. `cols` is a multiple of 32 for the quantised ones. The same seed gives the same tensor.
OwnedTensor random_tensor(uint32_t type, size_t rows, size_t cols, uint32_t seed);

}  // namespace dendrokv::testing
