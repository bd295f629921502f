#pragma once
// Rows of a weight matrix that are stored alike, in the layouts of model/packed_layout.h.

#include <cstddef>
#include <span>
#include <string_view>

#include "model/aligned_bytes.h"
#include "model/gguf.h"
#include "model/model.h"
#include "model/packed_layout.h"

namespace dendrokv {

/// Its groups follow one another, `group_bytes` apart; rows past the last one hold zeros.
struct PackedSection {
  PackedKind kind = PackedKind::F32;
  size_t cols = 0;
  size_t first_row = 0, rows = 0;  // of the matrix
  size_t first_group = 0;
  size_t group_bytes = 0;
  AlignedBytes storage;

  size_t groups() const { return (rows + kRowGroup - 1) / kRowGroup; }
  /// Of the group of that number within the matrix.
  const std::byte* group(size_t group) const {
    return storage.bytes.get() + (group - first_group) * group_bytes;
  }
  /// Row `row` of the section as floats, [cols].
  void unpack(size_t row, std::span<float> out) const;
};

/// How a type of the file is stored for the arithmetic: Exact always F32; Fast as the file has it.
PackedKind packed_kind(uint32_t tensor_type, Arithmetic arithmetic);
/// Memory that a tensor of the file takes: a matrix packed alone, a vector as floats.
uint64_t packed_bytes(const GgufTensor& tensor, Arithmetic arithmetic);
/// Where the rows of tensors of equal width would lie, one below the other; without memory.
PackedSection empty_section(std::span<const GgufTensor* const> tensors, PackedKind kind);
/// The rows of tensors of equal width, one below the other; first_row and first_group are 0. Throws
/// Error naming `subject` and the tensor when a scale or a weight is not finite.
PackedSection pack_section(std::string_view subject, std::span<const GgufTensor* const> tensors,
                           PackedKind kind);

}  // namespace dendrokv
