// Repacks the rows of a file's tensors into groups of 16. Codes, scales and minima keep their
// values: only exact arithmetic makes floats of them.

#include "model/packed_section.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <string>
#include <vector>

#include "data/error.h"
#include "data/half.h"
#include "model/tensor_types.h"

namespace dendrokv {

namespace {

struct PackingRow {
  uint32_t type;
  PackedKind kind;
};

// How each tensor type of the file is stored for fast arithmetic. To add one: its row in
// tensor_types.cpp, then a row here.
constexpr PackingRow kPackings[] = {
    {0, PackedKind::F32},               // F32
    {1, PackedKind::F16},               // F16
    {30, PackedKind::BF16},             // BF16
    {2, PackedKind::W4},                // Q4_0
    {3, PackedKind::W4Minimum},         // Q4_1
    {12, PackedKind::W4WideMinimum},    // Q4_K: scale of the block * 6 bits
    {8, PackedKind::W8},                // Q8_0
    {6, PackedKind::W8},                // Q5_0
    {7, PackedKind::W8Minimum},         // Q5_1
    {13, PackedKind::W8WideMinimum},    // Q5_K
    {14, PackedKind::W8Halves},         // Q6_K
    {11, PackedKind::W8Halves},         // Q3_K
    {10, PackedKind::W8HalvesMinimum},  // Q2_K
};

size_t rows_of(const GgufTensor& tensor) {
  return tensor.shape[1];
}

// One row of a tensor on its way into a lane of a group.
struct SourceRow {
  std::string_view subject;
  const GgufTensor& tensor;
  size_t row;

  std::span<const std::byte> bytes() const {
    const size_t size = tensor.data.size() / rows_of(tensor);
    return tensor.data.subspan(row * size, size);
  }
};

[[noreturn]] void fail_not_finite(const SourceRow& source, std::string_view what, size_t place) {
  fail(std::string(source.subject),
       "tensor " + source.tensor.name + " has a " + std::string(what) +
           " that is not finite at row " + std::to_string(source.row) + ", column " +
           std::to_string(place),
       "wanted finite numbers", "fetch the file again");
}

// Stores numbers of one row, of scale_bytes each, 16 rows apart.
void put_scale(std::byte* to, size_t scale_bytes, float value) {
  if (scale_bytes == sizeof(float)) {
    std::memcpy(to, &value, sizeof value);
  } else {
    const uint16_t half = to_half(value);
    std::memcpy(to, &half, sizeof half);
  }
}

void put_scales(const SourceRow& source, const PackedLayout& layout, const CodedBlock& coded,
                size_t block, size_t lane, std::byte* header) {
  for (size_t i = 0; i < layout.scales(); ++i) {
    const size_t column = block * kBlock + i * layout.scale_columns;
    if (!std::isfinite(coded.scales[i])) fail_not_finite(source, "scale", column);
    if (!std::isfinite(coded.minima[i])) fail_not_finite(source, "minimum", column);
    std::byte* to = header + (i * kRowGroup + lane) * layout.scale_bytes;
    put_scale(to, layout.scale_bytes, coded.scales[i]);
    if (layout.minimum == Minimum::Stored)
      put_scale(to + layout.minimum_offset(), layout.scale_bytes, coded.minima[i]);
  }
}

// 4-bit codes are 0 to 15 with the zero added, 8-bit ones any byte.
void put_codes(const PackedLayout& layout, const CodedBlock& coded, size_t lane, std::byte* to) {
  uint8_t codes[kBlock];
  const int zero = layout.minimum == Minimum::Stored ? 0 : 1 << (layout.bits - 1);
  for (size_t i = 0; i < kBlock; ++i) codes[i] = static_cast<uint8_t>(coded.codes[i] + zero);
  if (layout.bits == 4)
    for (size_t i = 0; i < 16; ++i) codes[i] = static_cast<uint8_t>(codes[i] | codes[16 + i] << 4);
  const size_t chunks = layout.code_bytes() / (4 * kRowGroup);
  for (size_t chunk = 0; chunk < chunks; ++chunk)
    std::memcpy(to + 4 * (chunk * kRowGroup + lane), codes + 4 * chunk, 4);
}

// A worker on the rows of a section; its buffers are for one row.
class Packer {
 public:
  explicit Packer(PackedSection& section) : section_(section), layout_(layout_of(section.kind)) {}

  void pack(const SourceRow& source, size_t row) {
    std::byte* group = section_.storage.bytes.get() + row / kRowGroup * section_.group_bytes;
    const size_t lane = row % kRowGroup;
    if (layout_.is_coded()) {
      pack_codes(source, lane, group);
    } else if (layout_.bits == 16) {
      pack_halves(source, lane, group);
    } else {
      pack_floats(source, lane, group);
    }
  }

 private:
  void pack_codes(const SourceRow& source, size_t lane, std::byte* group) {
    coded_.resize(section_.cols / kBlock);
    find_tensor_type(source.tensor.type)->to_codes(source.bytes(), coded_);
    for (size_t block = 0; block < coded_.size(); ++block) {
      put_scales(source, layout_, coded_[block], block, lane, group + layout_.header_at(block));
      put_codes(layout_, coded_[block], lane, group + layout_.codes_at(block));
    }
  }

  void pack_halves(const SourceRow& source, size_t lane, std::byte* group) {
    const std::byte* from = source.bytes().data();
    const unsigned exponent = section_.kind == PackedKind::F16 ? 0x7C00 : 0x7F80;
    for (size_t col = 0; col < section_.cols; ++col) {
      uint16_t half;
      std::memcpy(&half, from + col * sizeof half, sizeof half);
      if ((half & exponent) == exponent) fail_not_finite(source, "weight", col);
      std::memcpy(group + (col * kRowGroup + lane) * sizeof half, &half, sizeof half);
    }
  }

  void pack_floats(const SourceRow& source, size_t lane, std::byte* group) {
    floats_.resize(section_.cols);
    find_tensor_type(source.tensor.type)->to_float(source.bytes(), floats_);
    for (size_t col = 0; col < floats_.size(); ++col) {
      if (!std::isfinite(floats_[col])) fail_not_finite(source, "weight", col);
      std::memcpy(group + (col * kRowGroup + lane) * sizeof(float), &floats_[col], sizeof(float));
    }
  }

  PackedSection& section_;
  const PackedLayout layout_;
  std::vector<CodedBlock> coded_;
  std::vector<float> floats_;
};

// Rows beyond the last one have scales of zero; signed codes of zero make them plain to a reader,
// too.
void fill_padding_codes(const PackedLayout& layout, PackedSection& section) {
  if (section.rows % kRowGroup == 0 || !layout.is_coded() || layout.minimum == Minimum::Stored)
    return;
  std::byte* group = section.storage.bytes.get() + (section.groups() - 1) * section.group_bytes;
  for (size_t block = 0; block < section.cols / kBlock; ++block)
    std::memset(group + layout.codes_at(block), layout.bits == 4 ? 0x88 : 0x80,
                layout.code_bytes());
}

float scale_in(const std::byte* from, size_t scale_bytes) {
  if (scale_bytes == sizeof(uint16_t)) {
    uint16_t half;
    std::memcpy(&half, from, sizeof half);
    return from_half(half);
  }
  float value;
  std::memcpy(&value, from, sizeof value);
  return value;
}

CodedBlock coded_block(const PackedLayout& layout, const std::byte* group, size_t block,
                       size_t lane) {
  CodedBlock coded{};
  const std::byte* codes = group + layout.codes_at(block);
  const int zero = layout.minimum == Minimum::Stored ? 0 : 1 << (layout.bits - 1);
  for (size_t i = 0; i < kBlock; ++i) {
    const size_t at = layout.bits == 4 ? i % 16 : i;
    const auto byte = std::to_integer<int>(codes[at / 4 * 64 + 4 * lane + at % 4]);
    const int code = layout.bits == 8 ? byte : i < 16 ? byte & 15 : byte >> 4;
    coded.codes[i] = static_cast<int8_t>(code - zero);
    const std::byte* scale = group + layout.header_at(block) +
                             (i / layout.scale_columns * kRowGroup + lane) * layout.scale_bytes;
    coded.scales[i / 16] = scale_in(scale, layout.scale_bytes);
    if (layout.minimum == Minimum::Stored)
      coded.minima[i / 16] = scale_in(scale + layout.minimum_offset(), layout.scale_bytes);
  }
  return coded;
}

float float_at(PackedKind kind, const std::byte* group, size_t place) {
  const size_t size = layout_of(kind).bits / 8;
  float value;
  find_tensor_type(kind == PackedKind::F32   ? 0
                   : kind == PackedKind::F16 ? 1
                                             : 30)
      ->to_float({group + place * size, size}, {&value, 1});
  return value;
}

}  // namespace

PackedKind packed_kind(uint32_t tensor_type, Arithmetic arithmetic) {
  if (arithmetic == Arithmetic::Exact) return PackedKind::F32;
  const auto row = std::ranges::find(kPackings, tensor_type, &PackingRow::type);
  DENDROKV_ASSERT(row != std::end(kPackings));
  return row->kind;
}

uint64_t packed_bytes(const GgufTensor& tensor, Arithmetic arithmetic) {
  if (tensor.shape.size() < 2) return tensor.shape[0] * sizeof(float);
  const uint64_t groups = (rows_of(tensor) + kRowGroup - 1) / kRowGroup;
  return groups * layout_of(packed_kind(tensor.type, arithmetic)).group_bytes(tensor.shape[0]);
}

PackedSection empty_section(std::span<const GgufTensor* const> tensors, PackedKind kind) {
  PackedSection section;
  section.kind = kind;
  section.cols = tensors.front()->shape[0];
  for (const GgufTensor* tensor : tensors) section.rows += rows_of(*tensor);
  section.group_bytes = layout_of(kind).group_bytes(section.cols);
  return section;
}

PackedSection pack_section(std::string_view subject, std::span<const GgufTensor* const> tensors,
                           PackedKind kind) {
  const PackedLayout layout = layout_of(kind);
  PackedSection section = empty_section(tensors, kind);
  section.storage = aligned_bytes(section.groups() * section.group_bytes);
  fill_padding_codes(layout, section);
  Packer packer(section);
  size_t row = 0;
  for (const GgufTensor* tensor : tensors)
    for (size_t from = 0; from < rows_of(*tensor); ++from)
      packer.pack({subject, *tensor, from}, row++);
  return section;
}

void PackedSection::unpack(size_t row, std::span<float> out) const {
  DENDROKV_ASSERT(row < rows && out.size() == cols);
  const size_t lane = row % kRowGroup;
  const std::byte* from = group(first_group + row / kRowGroup);
  const PackedLayout layout = layout_of(kind);
  if (!layout.is_coded()) {
    for (size_t col = 0; col < cols; ++col) out[col] = float_at(kind, from, col * kRowGroup + lane);
    return;
  }
  for (size_t block = 0; block < cols / kBlock; ++block) {
    const CodedBlock coded = coded_block(layout, from, block, lane);
    for (size_t i = 0; i < kBlock; ++i) out[block * kBlock + i] = coded.value(i);
  }
}

}  // namespace dendrokv
