#pragma once
// The activations that weight matrices are multiplied with, as floats and quantised to 8 bits.

#include <cstddef>
#include <cstdint>
#include <span>

#include "model/aligned_bytes.h"
#include "model/model.h"
#include "model/packed_layout.h"

namespace dendrokv {

/// Columns (one per token) of activations: plain floats for weights that are floats, quantised ones
/// for coded weights. Room for a block of tokens, allocated once; matrices of both kinds may read
/// the same object.
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

  // The quantised form, written by Kernels::quantise and read by Kernels::matmul. Block-major, so
  // that the columns of a block lie side by side at fixed distances.
  int8_t* codes(size_t block, size_t column);  // [32], then the next column's
  const int8_t* codes(size_t block, size_t column) const;
  float* scales(size_t block, size_t column);  // [1], then the next column's
  const float* scales(size_t block, size_t column) const;
  float* sums(size_t block, size_t column);  // scale * (sum of the codes)
  const float* sums(size_t block, size_t column) const;
  int32_t* offsets(size_t block, size_t column);  // -128 * (sum of the codes)
  const int32_t* offsets(size_t block, size_t column) const;
  // The same two for the codes [0, 16) and [16, 32) of the block.
  float* half_sums(size_t block, size_t column);  // [2], then the next column's
  const float* half_sums(size_t block, size_t column) const;
  int32_t* half_offsets(size_t block, size_t column);  // [2], then the next column's
  const int32_t* half_offsets(size_t block, size_t column) const;

 private:
  size_t columns_ = 0, length_ = 0, max_columns_ = 0, max_length_ = 0;
  AlignedBytes floats_, codes_, scales_, sums_, offsets_, half_sums_, half_offsets_;
};

}  // namespace dendrokv
