#pragma once
// Weight matrices as the kernels read them: 16 rows interleaved, so that one SIMD lane is one output row; and the activations
// that they are multiplied with.

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

/// Bytes aligned to 64, owned.
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
  /// tensor when a scale is not finite.
  static PackedMatrix pack(std::string_view subject, const GgufTensor& tensor, Arithmetic arithmetic);

  PackedKind kind() const { return kind_; }
  size_t rows() const { return rows_; }
  size_t cols() const { return cols_; }
  size_t groups() const { return (rows_ + kRowGroup - 1) / kRowGroup; }
  const std::byte* data() const { return storage_.bytes.get(); }
  size_t bytes() const { return storage_.size; }
  /// One row as floats: the embedding look-up of a tied matrix.
  void row(size_t row, std::span<float> out) const;

 private:
  PackedKind kind_ = PackedKind::F32;
  size_t rows_ = 0, cols_ = 0;
  AlignedBytes storage_;
};

/// Columns (one per token) of activations: plain floats for F32 matrices, quantised ones for W4 and W8. Room for a block of
/// tokens, allocated once; matrices of both kinds may read the same object.
class Activations {
 public:
  Activations(size_t max_columns, size_t max_length, Arithmetic arithmetic);

  /// Sets the used shape; contents become undefined.
  void shape(size_t columns, size_t length);
  size_t columns() const { return columns_; }
  size_t length() const { return length_; }

  std::span<float> floats(size_t column);              // [length]
  std::span<const float> floats(size_t column) const;
  std::span<int8_t> codes(size_t column);              // [length]
  std::span<const int8_t> codes(size_t column) const;
  std::span<float> scales(size_t column);              // [length / 32]
  std::span<const float> scales(size_t column) const;
  std::span<float> sums(size_t column);                // [length / 32]
  std::span<const float> sums(size_t column) const;

 private:
  size_t columns_ = 0, length_ = 0, max_length_ = 0;
  AlignedBytes floats_, codes_, scales_, sums_;
};

}  // namespace dendrokv
