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
#include <unordered_set>

#include "data/error.h"
#include "model/gguf_cursor.h"
#include "model/gguf_metadata.h"
#include "model/tensor_types.h"

namespace dendrokv {
namespace {

constexpr uint64_t kMostPairs = 100'000, kMostTensors = 65'535;
constexpr uint64_t kLongestTensorName = 63, kMostElements = uint64_t{1} << 40;
constexpr uint64_t kStandardAlignment = 32, kLargestAlignment = uint64_t{1} << 20;

uint64_t alignment_of(const Gguf& gguf) {
  const GgufValue* value = gguf.find(kGgufAlignmentKey);
  if (!value) return kStandardAlignment;
  const uint64_t alignment = std::get<uint64_t>(*value);
  if (!std::has_single_bit(alignment) || alignment < 8 || alignment > kLargestAlignment)
    fail(gguf.subject(), std::string(kGgufAlignmentKey) + " is " + std::to_string(alignment),
         "wanted a power of two from 8 to 1048576");
  return alignment;
}

struct Place {
  uint64_t offset, bytes;
};

std::vector<uint64_t> read_shape(GgufCursor& cursor, const std::string& name) {
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

GgufTensor read_tensor(GgufCursor& cursor, uint64_t alignment, std::vector<Place>& places) {
  GgufTensor tensor;
  cursor.enter("");
  tensor.name = read_gguf_name(cursor, kLongestTensorName, "a tensor name");
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

std::vector<GgufTensor> read_tensors(GgufCursor& cursor, uint64_t count, uint64_t alignment,
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

uint32_t read_version(GgufCursor& cursor) {
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
  GgufCursor cursor(gguf.subject_, bytes);
  gguf.version_ = read_version(cursor);
  const auto tensors = cursor.read<uint64_t>("the header"),
             pairs = cursor.read<uint64_t>("the header");
  if (tensors > kMostTensors || pairs > kMostPairs)
    fail(gguf.subject_,
         std::to_string(tensors) + " tensors and " + std::to_string(pairs) + " metadata pairs",
         "wanted at most 65535 and 100000", "the file is damaged");
  gguf.metadata_ = read_gguf_metadata(cursor, pairs);
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
