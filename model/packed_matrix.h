#pragma once
// Weight matrices as the kernels read them: 16 rows interleaved, so that one SIMD lane is one output row.
//
// A group is 16 rows; groups follow one another, each `group_bytes()` long. Rows past the last one of the matrix are zero.
//
//   F32  [col][row] floats.
//   W4   per block of 32 columns: 16 scales (f16), 16 minima (f16), then 4 chunks [row][4 bytes]. Byte i of chunk j holds
//        column 4j + i in its low nibble and column 16 + 4j + i in its high one. weight = scale * code + minimum.
//   W8   16 scales (f16) of every block, padded to 64 bytes; then per block 8 chunks [row][4 bytes]; byte i of chunk j holds
//        column 4j + i as code + 128. weight = scale * code.
//
// Four columns of one row share a 32-bit lane: the order that the 4-fold dot product of u8 and s8 wants.

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "model/activations.h"
#include "model/aligned_bytes.h"
#include "model/gguf.h"
#include "model/kernels.h"
#include "model/model.h"

namespace dendrokv {

/// W4: 4-bit codes, scale and minimum per block of 32 (Q4_1). W8: 8-bit codes, scale per block of 32 (Q8_0). F32: floats.
enum class PackedKind : uint8_t { F32, W4, W8 };

class PackedMatrix {
 public:
  PackedMatrix() = default;
  /// Packs a [rows, cols] tensor for the arithmetic: Exact always F32; Fast by type. Throws Error naming `subject` and the
  /// tensor when a scale or a weight is not finite.
  static PackedMatrix pack(std::string_view subject, const GgufTensor& tensor,
                           Arithmetic arithmetic);
  /// Rows of several tensors of equal width, one below the other: a fused q|k|v or gate|up. Tensors whose types pack to
  /// different kinds become F32 together.
  static PackedMatrix pack_rows(std::string_view subject,
                                std::span<const GgufTensor* const> tensors, Arithmetic arithmetic);

  PackedKind kind() const { return kind_; }
  size_t rows() const { return rows_; }
  size_t cols() const { return cols_; }
  size_t groups() const { return (rows_ + kRowGroup - 1) / kRowGroup; }
  size_t group_bytes() const { return group_bytes_; }
  const std::byte* data() const { return storage_.bytes.get(); }
  size_t bytes() const { return storage_.size; }
  /// One row as floats: the embedding look-up of a tied matrix.
  void row(size_t row, std::span<float> out) const;

 private:
  PackedMatrix(PackedKind kind, size_t rows, size_t cols);

  PackedKind kind_ = PackedKind::F32;
  size_t rows_ = 0, cols_ = 0, group_bytes_ = 0;
  AlignedBytes storage_;
};

}  // namespace dendrokv
