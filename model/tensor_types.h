#pragma once
// The table of tensor types: GGUF id, name, block size, bytes, and how a row becomes floats.

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace dendrokv {

struct TensorType {
  uint32_t id;
  std::string_view name;
  size_t block_values, block_bytes;
  /// values.size() is a multiple of block_values.
  void (*to_float)(std::span<const std::byte> blocks, std::span<float> values);
};

/// Block size of any type that GGUF defines, so that files can be measured whose tensors are not supported.
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
