#pragma once
// Made-up weight tensors with their decoded values.

#include <cstddef>
#include <cstdint>
#include <random>
#include <vector>

#include "model/gguf.h"

namespace dendrokv::testing {

inline constexpr uint32_t kF32 = 0, kF16 = 1, kQ4_0 = 2, kQ4_1 = 3, kQ5_0 = 6, kQ5_1 = 7, kQ8_0 = 8,
                          kQ2_K = 10, kQ3_K = 11, kQ4_K = 12, kQ5_K = 13, kQ6_K = 14, kBF16 = 30;

std::vector<uint32_t> every_type();

struct OwnedTensor {
  std::vector<std::byte> bytes;
  // [row, col], as the blocks say; their decoders have a test of their own
  std::vector<float> values;
  GgufTensor tensor;  // named "w"; refers to `bytes`, so only moves keep it valid
};

OwnedTensor tensor_of(uint32_t type, size_t rows, size_t cols, std::vector<std::byte> bytes);
/// Random scales and minima, of either sign, for all blocks of a quantised type.
void set_halves(uint32_t type, std::vector<std::byte>& bytes, std::mt19937& random);
/// Random blocks of a type. `cols` is a multiple of the type's block. The same seed gives the same
/// tensor.
OwnedTensor random_tensor(uint32_t type, size_t rows, size_t cols, uint32_t seed);

}  // namespace dendrokv::testing
