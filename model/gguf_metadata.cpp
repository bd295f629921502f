#include "model/gguf_metadata.h"

#include <algorithm>
#include <unordered_set>

#include "data/error.h"

namespace dendrokv {
namespace {

constexpr uint64_t kLongestKey = 65'535, kLongestString = uint64_t{1} << 26,
                   kLongestArray = uint64_t{1} << 26;

enum class ValueType : uint32_t {
  U8,
  I8,
  U16,
  I16,
  U32,
  I32,
  F32,
  Bool,
  String,
  Array,
  U64,
  I64,
  F64
};

uint64_t least_bytes(ValueType type) {
  constexpr uint64_t kBytes[] = {1, 1, 2, 2, 4, 4, 4, 1, 8, 12, 8, 8, 8};
  return kBytes[static_cast<size_t>(type)];
}

ValueType value_type(GgufCursor& cursor, const std::string& key) {
  const auto type = cursor.read<uint32_t>("the value type");
  if (type > static_cast<uint32_t>(ValueType::F64))
    fail(cursor.subject(), "key " + key + " has value type " + std::to_string(type),
         "wanted 0 to 12");
  return static_cast<ValueType>(type);
}

bool read_bool(GgufCursor& cursor, const std::string& key) {
  const auto byte = cursor.read<uint8_t>("a bool");
  if (byte > 1)
    fail(cursor.subject(), "key " + key + " is a bool of " + std::to_string(byte), "wanted 0 or 1");
  return byte == 1;
}

GgufValue read_scalar(GgufCursor& cursor, ValueType type, const std::string& key) {
  switch (type) {
    case ValueType::U8:
      return uint64_t{cursor.read<uint8_t>("a number")};
    case ValueType::U16:
      return uint64_t{cursor.read<uint16_t>("a number")};
    case ValueType::U32:
      return uint64_t{cursor.read<uint32_t>("a number")};
    case ValueType::U64:
      return cursor.read<uint64_t>("a number");
    case ValueType::I8:
      return int64_t{cursor.read<int8_t>("a number")};
    case ValueType::I16:
      return int64_t{cursor.read<int16_t>("a number")};
    case ValueType::I32:
      return int64_t{cursor.read<int32_t>("a number")};
    case ValueType::I64:
      return cursor.read<int64_t>("a number");
    case ValueType::F32:
      return double{cursor.read<float>("a number")};
    case ValueType::F64:
      return cursor.read<double>("a number");
    case ValueType::Bool:
      return read_bool(cursor, key);
    case ValueType::String:
      return cursor.text(kLongestString, "a string");
    case ValueType::Array:
      break;
  }
  fail(cursor.subject(), "key " + key + " is an array of arrays", "wanted a flat array");
}

template <class T>
GgufValue read_elements(GgufCursor& cursor, ValueType type, uint64_t count,
                        const std::string& key) {
  std::vector<T> elements;
  elements.reserve(count);
  for (uint64_t i = 0; i < count; ++i)
    elements.push_back(std::get<T>(read_scalar(cursor, type, key)));
  return elements;
}

GgufValue read_array(GgufCursor& cursor, const std::string& key) {
  const ValueType type = value_type(cursor, key);
  const auto count = cursor.read<uint64_t>("the length");
  if (type == ValueType::Array) return read_scalar(cursor, type, key);
  // Checked before anything is allocated, by division so that nothing overflows.
  if (count > kLongestArray || count > cursor.left() / least_bytes(type))
    fail(cursor.subject(), "key " + key + " announces " + std::to_string(count) + " elements",
         "wanted no more than the file holds", "the file is truncated or damaged");
  switch (type) {
    case ValueType::U8:
    case ValueType::U16:
    case ValueType::U32:
    case ValueType::U64:
      return read_elements<uint64_t>(cursor, type, count, key);
    case ValueType::I8:
    case ValueType::I16:
    case ValueType::I32:
    case ValueType::I64:
      return read_elements<int64_t>(cursor, type, count, key);
    case ValueType::F32:
    case ValueType::F64:
      return read_elements<double>(cursor, type, count, key);
    case ValueType::Bool:
      return read_elements<bool>(cursor, type, count, key);
    default:
      return read_elements<std::string>(cursor, type, count, key);
  }
}

}  // namespace

std::string read_gguf_name(GgufCursor& cursor, uint64_t longest, const std::string& what) {
  std::string name = cursor.text(longest, what.c_str());
  const bool plain =
      std::all_of(name.begin(), name.end(), [](char c) { return c > ' ' && c < 127; });
  if (name.empty() || !plain)
    fail(cursor.subject(), what + " that is empty or not printable ASCII", "wanted a dotted name");
  return name;
}

GgufMetadata read_gguf_metadata(GgufCursor& cursor, uint64_t count) {
  GgufMetadata metadata;
  std::unordered_set<std::string> seen;
  for (uint64_t i = 0; i < count; ++i) {
    cursor.enter("");
    std::string key = read_gguf_name(cursor, kLongestKey, "a key");
    cursor.enter("key " + key);
    if (!seen.insert(key).second)
      fail(cursor.subject(), "key " + key + " twice", "wanted each key once");
    const ValueType type = value_type(cursor, key);
    if (key == kGgufAlignmentKey && type != ValueType::U32)
      fail(cursor.subject(), key + " is not a u32", "wanted a power of two");
    GgufValue value =
        type == ValueType::Array ? read_array(cursor, key) : read_scalar(cursor, type, key);
    metadata.emplace_back(std::move(key), std::move(value));
  }
  return metadata;
}

}  // namespace dendrokv
