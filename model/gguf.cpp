// GGUF, all little-endian and packed:
//   magic "GGUF", version u32, tensor count u64, metadata count u64
//   metadata: key string, value type u32, value
//             string = u64 length + bytes; array = u32 type, u64 count, elements
//   tensors:  name string, dimensions u32, sizes u64 (innermost first), type u32, offset u64 into
//             the data
//   zero padding to general.alignment (32 unless said), then the data

#include "model/gguf.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <limits>
#include <unordered_set>

#include "data/error.h"
#include "model/tensor_types.h"

namespace dendrokv {
namespace {

constexpr uint64_t kMostPairs = 100'000, kMostTensors = 65'535;
constexpr uint64_t kLongestKey = 65'535, kLongestString = uint64_t{1} << 26,
                   kLongestArray = uint64_t{1} << 26;
constexpr uint64_t kLongestTensorName = 63, kMostElements = uint64_t{1} << 40;
constexpr std::string_view kAlignmentKey = "general.alignment";
constexpr uint64_t kStandardAlignment = 32, kLargestAlignment = uint64_t{1} << 20;

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

// The only way to the bytes: every read checks what is left.
class Cursor {
 public:
  Cursor(const std::string& subject, std::span<const std::byte> bytes)
      : subject_(subject), bytes_(bytes) {}

  uint64_t at() const { return at_; }
  uint64_t left() const { return bytes_.size() - at_; }
  const std::string& subject() const { return subject_; }

  /// What is being read, "key x" or "tensor y", for errors.
  void enter(std::string thing) { thing_ = std::move(thing); }

  std::span<const std::byte> take(uint64_t count, const char* what) {
    if (count > left())
      fail(subject_, "ends inside " + named(what) + " at byte " + std::to_string(at_),
           "wanted " + std::to_string(count) + " more bytes", "the file is truncated or damaged");
    at_ += count;
    return bytes_.subspan(at_ - count, count);
  }

  template <class T>
  T read(const char* what) {
    T value;
    std::memcpy(&value, take(sizeof(T), what).data(), sizeof(T));
    return value;
  }

  std::string text(uint64_t longest, const char* what) {
    const auto length = read<uint64_t>(what);
    if (length > longest)
      fail(subject_, named(what) + " has " + std::to_string(length) + " bytes",
           "wanted at most " + std::to_string(longest), "the file is damaged");
    const auto bytes = take(length, what);
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
  }

 private:
  std::string named(const char* what) const {
    return thing_.empty() ? what : std::string(what) + " of " + thing_;
  }

  const std::string& subject_;
  std::string thing_;
  std::span<const std::byte> bytes_;
  uint64_t at_ = 0;
};

uint64_t least_bytes(ValueType type) {
  constexpr uint64_t kBytes[] = {1, 1, 2, 2, 4, 4, 4, 1, 8, 12, 8, 8, 8};
  return kBytes[static_cast<size_t>(type)];
}

ValueType value_type(Cursor& cursor, const std::string& key) {
  const auto type = cursor.read<uint32_t>("the value type");
  if (type > static_cast<uint32_t>(ValueType::F64))
    fail(cursor.subject(), "key " + key + " has value type " + std::to_string(type),
         "wanted 0 to 12");
  return static_cast<ValueType>(type);
}

bool read_bool(Cursor& cursor, const std::string& key) {
  const auto byte = cursor.read<uint8_t>("a bool");
  if (byte > 1)
    fail(cursor.subject(), "key " + key + " is a bool of " + std::to_string(byte), "wanted 0 or 1");
  return byte == 1;
}

GgufValue read_scalar(Cursor& cursor, ValueType type, const std::string& key) {
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
GgufValue read_elements(Cursor& cursor, ValueType type, uint64_t count, const std::string& key) {
  std::vector<T> elements;
  elements.reserve(count);
  for (uint64_t i = 0; i < count; ++i)
    elements.push_back(std::get<T>(read_scalar(cursor, type, key)));
  return elements;
}

GgufValue read_array(Cursor& cursor, const std::string& key) {
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

// Keys and tensor names. Both stand in errors and reports, so they have to be plain.
std::string read_name(Cursor& cursor, uint64_t longest, const std::string& what) {
  std::string name = cursor.text(longest, what.c_str());
  const bool plain =
      std::all_of(name.begin(), name.end(), [](char c) { return c > ' ' && c < 127; });
  if (name.empty() || !plain)
    fail(cursor.subject(), what + " that is empty or not printable ASCII", "wanted a dotted name");
  return name;
}

using Metadata = std::vector<std::pair<std::string, GgufValue>>;

Metadata read_metadata(Cursor& cursor, uint64_t count) {
  Metadata metadata;
  std::unordered_set<std::string> seen;
  for (uint64_t i = 0; i < count; ++i) {
    cursor.enter("");
    std::string key = read_name(cursor, kLongestKey, "a key");
    cursor.enter("key " + key);
    if (!seen.insert(key).second)
      fail(cursor.subject(), "key " + key + " twice", "wanted each key once");
    const ValueType type = value_type(cursor, key);
    if (key == kAlignmentKey && type != ValueType::U32)
      fail(cursor.subject(), key + " is not a u32", "wanted a power of two");
    GgufValue value =
        type == ValueType::Array ? read_array(cursor, key) : read_scalar(cursor, type, key);
    metadata.emplace_back(std::move(key), std::move(value));
  }
  return metadata;
}

uint64_t alignment_of(const Gguf& gguf) {
  const GgufValue* value = gguf.find(kAlignmentKey);
  if (!value) return kStandardAlignment;
  const uint64_t alignment = std::get<uint64_t>(*value);
  if (!std::has_single_bit(alignment) || alignment < 8 || alignment > kLargestAlignment)
    fail(gguf.subject(), std::string(kAlignmentKey) + " is " + std::to_string(alignment),
         "wanted a power of two from 8 to 1048576");
  return alignment;
}

struct Place {
  uint64_t offset, bytes;
};

std::vector<uint64_t> read_shape(Cursor& cursor, const std::string& name) {
  const auto dimensions = cursor.read<uint32_t>("the shape");
  if (dimensions < 1 || dimensions > 4)
    fail(cursor.subject(), "tensor " + name + " has " + std::to_string(dimensions) + " dimensions",
         "wanted 1 to 4");
  std::vector<uint64_t> shape;
  uint64_t elements = 1;
  for (uint32_t i = 0; i < dimensions; ++i) {
    shape.push_back(cursor.read<uint64_t>("the shape"));
    if (shape.back() == 0 || shape.back() > kMostElements / elements)
      fail(cursor.subject(), "tensor " + name + " has size " + std::to_string(shape.back()),
           "wanted 1 to 2^40 elements in all");
    elements *= shape.back();
  }
  return shape;
}

uint64_t bytes_of(const std::string& subject, const GgufTensor& tensor) {
  const TensorLayout* layout = find_tensor_layout(tensor.type);
  if (!layout || layout->block_values == 0)
    fail(subject, "tensor " + tensor.name + " has type " + std::to_string(tensor.type),
         "wanted a known tensor type");
  if (tensor.shape[0] % layout->block_values != 0)
    fail(subject, "tensor " + tensor.name + " has rows of " + std::to_string(tensor.shape[0]),
         "wanted whole blocks of " + std::to_string(layout->block_values) + " for " +
             std::string(layout->name));
  // At most 2^40 elements of at most 8 bytes: no overflow.
  uint64_t blocks = tensor.shape[0] / layout->block_values;
  for (size_t i = 1; i < tensor.shape.size(); ++i) blocks *= tensor.shape[i];
  return blocks * layout->block_bytes;
}

GgufTensor read_tensor(Cursor& cursor, uint64_t alignment, std::vector<Place>& places) {
  GgufTensor tensor;
  cursor.enter("");
  tensor.name = read_name(cursor, kLongestTensorName, "a tensor name");
  cursor.enter("tensor " + tensor.name);
  tensor.shape = read_shape(cursor, tensor.name);
  tensor.type = cursor.read<uint32_t>("the type");
  const auto offset = cursor.read<uint64_t>("the offset");
  if (offset % alignment != 0)
    fail(cursor.subject(), "tensor " + tensor.name + " at offset " + std::to_string(offset),
         "wanted a multiple of " + std::to_string(alignment));
  places.push_back({offset, bytes_of(cursor.subject(), tensor)});
  return tensor;
}

std::vector<GgufTensor> read_tensors(Cursor& cursor, uint64_t count, uint64_t alignment,
                                     std::vector<Place>& places) {
  std::vector<GgufTensor> tensors;
  std::unordered_set<std::string> seen;
  for (uint64_t i = 0; i < count; ++i) {
    tensors.push_back(read_tensor(cursor, alignment, places));
    const std::string& name = tensors.back().name;
    if (!seen.insert(name).second)
      fail(cursor.subject(), "tensor " + name + " twice", "wanted each name once");
  }
  return tensors;
}

void check_overlap(const std::string& subject, std::vector<Place> places) {
  std::sort(places.begin(), places.end(),
            [](const Place& a, const Place& b) { return a.offset < b.offset; });
  for (size_t i = 1; i < places.size(); ++i)
    if (places[i - 1].offset + places[i - 1].bytes > places[i].offset)
      fail(subject, "two tensors share the bytes at offset " + std::to_string(places[i].offset),
           "wanted no overlap");
}

void place_data(const std::string& subject, std::span<const std::byte> data,
                const std::vector<Place>& places, std::vector<GgufTensor>& tensors) {
  for (size_t i = 0; i < tensors.size(); ++i) {
    const Place& place = places[i];
    if (place.offset > data.size() || place.bytes > data.size() - place.offset)
      fail(subject, "tensor " + tensors[i].name + " reaches past the end of the file",
           "wanted the whole tensor", "the file is truncated");
    tensors[i].data = data.subspan(place.offset, place.bytes);
  }
  check_overlap(subject, places);
}

uint32_t read_version(Cursor& cursor) {
  const auto magic = cursor.take(4, "the header");
  if (std::memcmp(magic.data(), "GGUF", 4) != 0)
    fail(cursor.subject(), "does not begin with GGUF", "wanted a GGUF model file");
  const auto version = cursor.read<uint32_t>("the header");
  if (version != 2 && version != 3)
    fail(cursor.subject(), "GGUF version " + std::to_string(version), "wanted version 2 or 3",
         (version & 0xFFFF) == 0 ? "the file is big-endian: convert it" : "convert the model anew");
  return version;
}

}  // namespace

Gguf Gguf::parse(std::string subject, std::span<const std::byte> bytes) {
  Gguf gguf;
  gguf.subject_ = std::move(subject);
  Cursor cursor(gguf.subject_, bytes);
  gguf.version_ = read_version(cursor);
  const auto tensors = cursor.read<uint64_t>("the header"),
             pairs = cursor.read<uint64_t>("the header");
  if (tensors > kMostTensors || pairs > kMostPairs)
    fail(gguf.subject_,
         std::to_string(tensors) + " tensors and " + std::to_string(pairs) + " metadata pairs",
         "wanted at most 65535 and 100000", "the file is damaged");
  gguf.metadata_ = read_metadata(cursor, pairs);
  const uint64_t alignment = alignment_of(gguf);
  std::vector<Place> places;
  gguf.tensors_ = read_tensors(cursor, tensors, alignment, places);
  const uint64_t start = (cursor.at() + alignment - 1) / alignment * alignment;
  if (start > bytes.size() && tensors > 0)
    fail(gguf.subject_, "ends before its data", "wanted the tensors' bytes",
         "the file is truncated");
  place_data(gguf.subject_, bytes.subspan(std::min<uint64_t>(start, bytes.size())), places,
             gguf.tensors_);
  return gguf;
}

const GgufValue* Gguf::find(std::string_view key) const {
  for (const auto& [name, value] : metadata_)
    if (name == key) return &value;
  return nullptr;
}

const GgufTensor* Gguf::find_tensor(std::string_view name) const {
  for (const GgufTensor& tensor : tensors_)
    if (tensor.name == name) return &tensor;
  return nullptr;
}

}  // namespace dendrokv
