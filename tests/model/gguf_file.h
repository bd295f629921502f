#pragma once
// GGUF files written by the tests: sound ones, and ones that are wrong in one place.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <type_traits>
#include <vector>

namespace dendrokv::testing {

enum class GgufType : uint32_t {
  U8 = 0,
  I8 = 1,
  U16 = 2,
  I16 = 3,
  U32 = 4,
  I32 = 5,
  F32 = 6,
  Bool = 7,
  String = 8,
  Array = 9,
  U64 = 10,
  I64 = 11,
  F64 = 12
};

template <class T>
void append(std::string& bytes, T number) {
  static_assert(std::is_arithmetic_v<T>);
  bytes.append(reinterpret_cast<const char*>(&number), sizeof number);
}
/// Length as u64, then the bytes.
void append_text(std::string& bytes, const std::string& text);

/// What a file says, part by part; bytes() writes it down without a check.
struct GgufFile {
  struct Key {
    std::string name;
    GgufType type;
    std::string value;  // as in the file
  };
  struct Tensor {
    std::string name;
    std::vector<uint64_t> shape;
    uint32_t type;
    std::string data;
    std::optional<uint64_t> offset;  // else behind the one before, aligned
  };

  uint32_t version = 3;
  uint64_t alignment = 32;
  std::optional<uint64_t> key_count, tensor_count;  // else the true ones
  std::vector<Key> keys;
  std::vector<Tensor> tensors;

  /// These replace a key of that name.
  void set(const std::string& name, GgufType type, const std::string& value);
  void set_u32(const std::string& name, uint32_t number);
  void set_f32(const std::string& name, float number);
  void set_bool(const std::string& name, uint8_t byte);
  void set_text(const std::string& name, const std::string& text);
  void set_texts(const std::string& name, const std::vector<std::string>& texts);
  void set_i32s(const std::string& name, const std::vector<int32_t>& numbers);
  void erase(const std::string& name);
  /// F32 tensor of small, different numbers; replaces one of that name.
  void set_floats(const std::string& name, const std::vector<uint64_t>& shape);
  void erase_tensor(const std::string& name);
  Tensor& tensor(const std::string& name);

  std::string bytes() const;
};

std::span<const std::byte> as_bytes(const std::string& text);

/// A sound llama model in F32: 2 layers, width 16, hidden 32, 4 heads of 4 on 2 KV heads, tied; 256
/// byte tokens, the merges "t h", "th e", "Ġ the" with their results, and the control tokens
/// <|im_start|>, <|im_end|> and the user-defined token <tool>.
GgufFile tiny_model();
/// Token texts of the 256 bytes in byte order, as byte-level BPE writes them.
std::vector<std::string> byte_texts();

}  // namespace dendrokv::testing
