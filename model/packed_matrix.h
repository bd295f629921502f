#pragma once
// Weight matrices as the kernels read them: 16 rows interleaved, so that one SIMD lane is one output row; and the activations
// that they are multiplied with.
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
#include <memory>
#include <span>
#include <string_view>

#include "data/grid.h"
#include "model/gguf.h"
#include "model/kernels.h"
#include "model/model.h"

namespace dendrokv {

/// W4: 4-bit codes, scale and minimum per block of 32 (Q4_1). W8: 8-bit codes, scale per block of 32 (Q8_0). F32: floats.
enum class PackedKind : uint8_t { F32, W4, W8 };

/// Bytes aligned to 64, owned, zero at first.
struct AlignedBytes {
  struct Free {
    void operator()(std::byte* bytes) const;
  };
  std::unique_ptr<std::byte[], Free> bytes;
  size_t size = 0;
};
AlignedBytes aligned_bytes(size_t size);

class PackedMatrix {
 public:
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

/// Columns (one per token) of activations: plain floats for F32 matrices, quantised ones for W4 and W8. Room for a block of
/// tokens, allocated once; matrices of both kinds may read the same object.
class Activations {
 public:
  /// With Arithmetic::Exact there is no room for codes, and nothing may be quantised.
  Activations(size_t max_columns, size_t max_length, Arithmetic arithmetic);

  /// Sets the used shape; contents become undefined.
  void shape(size_t columns, size_t length);
  size_t columns() const { return columns_; }
  size_t length() const { return length_; }
  size_t blocks() const { return (length_ + kBlock - 1) / kBlock; }

  std::span<float> floats(size_t column);  // [length]
  std::span<const float> floats(size_t column) const;

  // The quantised form, written by Kernels::quantise and read by Kernels::matmul. Block-major, so that the columns of a block
  // lie side by side at fixed distances.
  int8_t* codes(size_t block, size_t column);  // [32], then the next column's
  const int8_t* codes(size_t block, size_t column) const;
  float* scales(size_t block, size_t column);  // [1], then the next column's
  const float* scales(size_t block, size_t column) const;
  float* sums(size_t block, size_t column);  // scale * (sum of the codes)
  const float* sums(size_t block, size_t column) const;
  int32_t* offsets(size_t block, size_t column);  // -128 * (sum of the codes)
  const int32_t* offsets(size_t block, size_t column) const;

 private:
  size_t columns_ = 0, length_ = 0, max_columns_ = 0, max_length_ = 0;
  AlignedBytes floats_, codes_, scales_, sums_, offsets_;
};

}  // namespace dendrokv
