// Repacks the rows of a file's tensors into groups of 16.
//
// Q4_1 and Q8_0 keep their codes and scales bit for bit and only move: four code bytes of a row become one 32-bit lane. Everything
// else, and everything in exact arithmetic, becomes floats.

#include "model/packed_matrix.h"

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

constexpr uint32_t kQ4_1 = 3, kQ8_0 = 8;
constexpr size_t kAlignment = 64;
constexpr size_t kScaleBytes = kRowGroup * sizeof(uint16_t);  // of one block of a group
constexpr size_t kW4Block = 2 * kScaleBytes + kRowGroup * kBlock / 2;
constexpr size_t kW8Block = kRowGroup * kBlock;  // without its scales

size_t rounded_up(size_t number, size_t step) {
  return (number + step - 1) / step * step;
}

size_t w8_scale_bytes(size_t cols) {
  return rounded_up(cols / kBlock * kScaleBytes, kAlignment);
}

size_t group_size(PackedKind kind, size_t cols) {
  switch (kind) {
    case PackedKind::W4:
      return cols / kBlock * kW4Block;
    case PackedKind::W8:
      return w8_scale_bytes(cols) + cols / kBlock * kW8Block;
    case PackedKind::F32:
      break;
  }
  return cols * kRowGroup * sizeof(float);
}

PackedKind kind_of(const GgufTensor& tensor, Arithmetic arithmetic) {
  if (arithmetic == Arithmetic::Exact) return PackedKind::F32;
  if (tensor.type == kQ4_1) return PackedKind::W4;
  if (tensor.type == kQ8_0) return PackedKind::W8;
  return PackedKind::F32;
}

PackedKind common_kind(std::span<const GgufTensor* const> tensors, Arithmetic arithmetic) {
  const PackedKind first = kind_of(*tensors.front(), arithmetic);
  for (const GgufTensor* tensor : tensors)
    if (kind_of(*tensor, arithmetic) != first) return PackedKind::F32;
  return first;
}

// One row of a tensor on its way into a group.
struct SourceRow {
  std::string_view subject;
  const GgufTensor& tensor;
  size_t row;
  std::span<const std::byte> bytes;
};

[[noreturn]] void fail_not_finite(const SourceRow& source, std::string_view what, size_t place) {
  fail(std::string(source.subject),
       "tensor " + source.tensor.name + " has a " + std::string(what) +
           " that is not finite at row " + std::to_string(source.row) + ", column " +
           std::to_string(place),
       "finite numbers", "fetch the file again");
}

bool is_finite_half(const std::byte* bytes) {
  uint16_t half;
  std::memcpy(&half, bytes, sizeof half);
  return (half & 0x7C00) != 0x7C00;
}

void check_scale(const SourceRow& source, const std::byte* scale, std::string_view what,
                 size_t block) {
  if (!is_finite_half(scale)) fail_not_finite(source, what, block * kBlock);
}

void pack_w4_row(const SourceRow& source, size_t lane, std::byte* group) {
  const std::byte* in = source.bytes.data();
  for (size_t block = 0; block < source.bytes.size() / 20; ++block, in += 20, group += kW4Block) {
    check_scale(source, in, "scale", block);
    check_scale(source, in + 2, "minimum", block);
    std::memcpy(group + 2 * lane, in, 2);
    std::memcpy(group + kScaleBytes + 2 * lane, in + 2, 2);
    for (size_t chunk = 0; chunk < 4; ++chunk)
      std::memcpy(group + 2 * kScaleBytes + 64 * chunk + 4 * lane, in + 4 + 4 * chunk, 4);
  }
}

void pack_w8_row(const SourceRow& source, size_t lane, std::byte* group) {
  const std::byte* in = source.bytes.data();
  const size_t blocks = source.bytes.size() / 34;
  std::byte* codes = group + w8_scale_bytes(blocks * kBlock);
  for (size_t block = 0; block < blocks; ++block, in += 34, codes += kW8Block) {
    check_scale(source, in, "scale", block);
    std::memcpy(group + block * kScaleBytes + 2 * lane, in, 2);
    for (size_t chunk = 0; chunk < 8; ++chunk) {
      uint32_t four;
      std::memcpy(&four, in + 2 + 4 * chunk, 4);
      four ^= 0x80808080;  // code + 128 in each byte
      std::memcpy(codes + 64 * chunk + 4 * lane, &four, 4);
    }
  }
}

void pack_f32_row(const SourceRow& source, size_t lane, std::byte* group,
                  std::vector<float>& values) {
  find_tensor_type(source.tensor.type)->to_float(source.bytes, values);
  for (size_t col = 0; col < values.size(); ++col) {
    if (!std::isfinite(values[col])) fail_not_finite(source, "weight", col);
    std::memcpy(group + (col * kRowGroup + lane) * sizeof(float), &values[col], sizeof(float));
  }
}

// Rows of W8 beyond the last one hold code 0, stored as 128; those of the other kinds are zero bytes.
void fill_codes_with_zero(std::byte* group, size_t cols) {
  std::memset(group + w8_scale_bytes(cols), 0x80, cols / kBlock * kW8Block);
}

size_t rows_of(const GgufTensor& tensor) {
  return tensor.shape[1];
}

void check_shapes(std::span<const GgufTensor* const> tensors) {
  DENDROKV_ASSERT(!tensors.empty());
  for (const GgufTensor* tensor : tensors) {
    const TensorType* type = find_tensor_type(tensor->type);
    DENDROKV_ASSERT(type != nullptr && tensor->shape.size() == 2);
    DENDROKV_ASSERT(tensor->shape[0] == tensors.front()->shape[0]);
    DENDROKV_ASSERT(tensor->shape[0] % type->block_values == 0);
    DENDROKV_ASSERT(tensor->data.size() ==
                    tensor->shape[0] / type->block_values * type->block_bytes * rows_of(*tensor));
  }
}

}  // namespace

PackedMatrix::PackedMatrix(PackedKind kind, size_t rows, size_t cols)
    : kind_(kind),
      rows_(rows),
      cols_(cols),
      group_bytes_(group_size(kind, cols)),
      storage_(aligned_bytes(groups() * group_bytes_)) {}

PackedMatrix PackedMatrix::pack(std::string_view subject, const GgufTensor& tensor,
                                Arithmetic arithmetic) {
  const GgufTensor* one[] = {&tensor};
  return pack_rows(subject, one, arithmetic);
}

PackedMatrix PackedMatrix::pack_rows(std::string_view subject,
                                     std::span<const GgufTensor* const> tensors,
                                     Arithmetic arithmetic) {
  check_shapes(tensors);
  size_t rows = 0;
  for (const GgufTensor* tensor : tensors) rows += rows_of(*tensor);
  const size_t cols = tensors.front()->shape[0];
  PackedMatrix packed(common_kind(tensors, arithmetic), rows, cols);
  std::byte* data = packed.storage_.bytes.get();
  if (packed.kind_ == PackedKind::W8 && rows % kRowGroup != 0)
    fill_codes_with_zero(data + (packed.groups() - 1) * packed.group_bytes_, cols);

  std::vector<float> values(cols);
  size_t to = 0;
  for (const GgufTensor* tensor : tensors) {
    const size_t row_bytes = tensor->data.size() / rows_of(*tensor);
    for (size_t from = 0; from < rows_of(*tensor); ++from, ++to) {
      const SourceRow source{subject, *tensor, from,
                             tensor->data.subspan(from * row_bytes, row_bytes)};
      std::byte* group = data + to / kRowGroup * packed.group_bytes_;
      const size_t lane = to % kRowGroup;
      if (packed.kind_ == PackedKind::W4) {
        pack_w4_row(source, lane, group);
      } else if (packed.kind_ == PackedKind::W8) {
        pack_w8_row(source, lane, group);
      } else {
        pack_f32_row(source, lane, group, values);
      }
    }
  }
  return packed;
}

namespace {

float half_in(const std::byte* scales, size_t lane) {
  uint16_t half;
  std::memcpy(&half, scales + 2 * lane, sizeof half);
  return from_half(half);
}

void unpack_w4_row(const std::byte* group, size_t lane, std::span<float> out) {
  for (size_t first = 0; first < out.size(); first += kBlock, group += kW4Block) {
    const float scale = half_in(group, lane), minimum = half_in(group + kScaleBytes, lane);
    for (size_t i = 0; i < kBlock / 2; ++i) {
      const auto codes =
          std::to_integer<unsigned>(group[2 * kScaleBytes + i / 4 * 64 + 4 * lane + i % 4]);
      out[first + i] = scale * static_cast<float>(codes & 15) + minimum;
      out[first + kBlock / 2 + i] = scale * static_cast<float>(codes >> 4) + minimum;
    }
  }
}

void unpack_w8_row(const std::byte* group, size_t lane, std::span<float> out) {
  const std::byte* codes = group + w8_scale_bytes(out.size());
  for (size_t first = 0; first < out.size(); first += kBlock, codes += kW8Block) {
    const float scale = half_in(group + first / kBlock * kScaleBytes, lane);
    for (size_t i = 0; i < kBlock; ++i)
      out[first + i] =
          scale *
          static_cast<float>(std::to_integer<int>(codes[i / 4 * 64 + 4 * lane + i % 4]) - 128);
  }
}

}  // namespace

void PackedMatrix::row(size_t row, std::span<float> out) const {
  DENDROKV_ASSERT(row < rows_ && out.size() == cols_);
  const std::byte* group = data() + row / kRowGroup * group_bytes_;
  const size_t lane = row % kRowGroup;
  if (kind_ == PackedKind::W4) return unpack_w4_row(group, lane, out);
  if (kind_ == PackedKind::W8) return unpack_w8_row(group, lane, out);
  for (size_t col = 0; col < cols_; ++col)
    std::memcpy(&out[col], group + (col * kRowGroup + lane) * sizeof(float), sizeof(float));
}

}  // namespace dendrokv
