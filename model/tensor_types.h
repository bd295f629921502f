#pragma once
// The table of tensor types: GGUF id, name, block size, bytes, and how a row becomes floats.

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace dendrokv {

inline constexpr size_t kCodedValues = 32;

/// 32 weights in a row of a quantised type, as integers: weight i = scales[i / 16] * codes[i] +
/// minima[i / 16]. Types with one scale for all 32 have it twice. Types without minima have zeros
/// there and signed codes; codes of the others are 0 to 31.
struct CodedBlock {
  int8_t codes[kCodedValues];
  float scales[2], minima[2];

  float value(size_t i) const {
    return scales[i / 16] * static_cast<float>(codes[i]) + minima[i / 16];
  }
};

struct TensorType {
  uint32_t id;
  std::string_view name;
  size_t block_values, block_bytes;
  /// values.size() is a multiple of block_values.
  void (*to_float)(std::span<const std::byte> blocks, std::span<float> values);
  /// coded.size() * 32 is a multiple of block_values. Null for the types that are floats in the
  /// file.
  void (*to_codes)(std::span<const std::byte> blocks, std::span<CodedBlock> coded);
};

/// Block size of any type that GGUF defines, so that files can be measured whose tensors are not
/// supported.
struct TensorLayout {
  uint32_t id;
  std::string_view name;
  size_t block_values, block_bytes;  // 0: not published
};

std::span<const TensorType> tensor_type_table();
/// Null when the id is not in the table.
const TensorType* find_tensor_type(uint32_t id);
/// Null when GGUF does not define the id.
const TensorLayout* find_tensor_layout(uint32_t id);
/// The name of any id that GGUF defines, for errors; "type 99" for others.
std::string tensor_type_name(uint32_t id);

}  // namespace dendrokv
