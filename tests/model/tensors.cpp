#include "tests/model/tensors.h"

#include <bit>
#include <cstring>
#include <random>

#include "data/half.h"
#include "model/tensor_types.h"

namespace dendrokv::testing {

namespace {

// Where the f16 scales and minima of a block lie.
std::vector<size_t> halves_of(uint32_t type) {
  switch (type) {
    case kQ4_1:
    case kQ5_1:
    case kQ4_K:
    case kQ5_K:
      return {0, 2};
    case kQ2_K:
      return {80, 82};
    case kQ3_K:
      return {108};
    case kQ6_K:
      return {208};
    default:
      return {0};
  }
}

std::vector<std::byte> floats(uint32_t type, size_t size, std::mt19937& random) {
  std::vector<std::byte> bytes;
  std::normal_distribution<float> normal;
  for (size_t i = 0; i < size; ++i) {
    const float value = normal(random);
    const uint32_t bits = std::bit_cast<uint32_t>(value);
    const uint16_t half = type == kF16 ? to_half(value) : static_cast<uint16_t>(bits >> 16);
    const size_t width = type == kF32 ? sizeof bits : sizeof half;
    bytes.resize(bytes.size() + width);
    std::memcpy(&bytes[bytes.size() - width],
                type == kF32 ? static_cast<const void*>(&bits) : &half, width);
  }
  return bytes;
}

}  // namespace

std::vector<uint32_t> every_type() {
  std::vector<uint32_t> types;
  for (const TensorType& type : tensor_type_table()) types.push_back(type.id);
  return types;
}

OwnedTensor tensor_of(uint32_t type, size_t rows, size_t cols, std::vector<std::byte> bytes) {
  OwnedTensor made;
  made.bytes = std::move(bytes);
  made.values.resize(rows * cols);
  find_tensor_type(type)->to_float(made.bytes, made.values);
  made.tensor = {.name = "w", .shape = {cols, rows}, .type = type, .data = made.bytes};
  return made;
}

void set_halves(uint32_t type, std::vector<std::byte>& bytes, std::mt19937& random) {
  std::uniform_real_distribution<float> uniform(-0.01f, 0.01f);
  for (size_t block = 0; block < bytes.size(); block += find_tensor_type(type)->block_bytes)
    for (const size_t at : halves_of(type)) {
      const uint16_t half = to_half(uniform(random));
      std::memcpy(&bytes[block + at], &half, sizeof half);
    }
}

OwnedTensor random_tensor(uint32_t type, size_t rows, size_t cols, uint32_t seed) {
  std::mt19937 random(seed);
  const TensorType& row = *find_tensor_type(type);
  if (row.block_values == 1) return tensor_of(type, rows, cols, floats(type, rows * cols, random));
  std::vector<std::byte> bytes(rows * cols / row.block_values * row.block_bytes);
  for (std::byte& byte : bytes) byte = static_cast<std::byte>(random());
  set_halves(type, bytes, random);
  return tensor_of(type, rows, cols, std::move(bytes));
}

}  // namespace dendrokv::testing
