#pragma once
// Weight matrices as the kernels read them: 16 rows interleaved, so that one SIMD lane is one
// output row.

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "model/gguf.h"
#include "model/model.h"
#include "model/packed_file.h"
#include "model/packed_section.h"

namespace dendrokv {

class PackedMatrix {
 public:
  PackedMatrix() = default;
  /// Packs a [rows, cols] tensor for the arithmetic: Exact always F32; Fast by type, every weight
  /// as the file has it. Throws Error naming `subject` and the tensor when a scale or a weight is
  /// not finite.
  static PackedMatrix pack(std::string_view subject, const GgufTensor& tensor,
                           Arithmetic arithmetic);
  /// Rows of several tensors of equal width, one below the other: a fused q|k|v or gate|up.
  /// Neighbours that are stored alike share a section.
  static PackedMatrix pack_rows(std::string_view subject,
                                std::span<const GgufTensor* const> tensors, Arithmetic arithmetic);
  /// The same with sections that `make` gives.
  static PackedMatrix of_sections(std::string_view subject,
                                  std::span<const GgufTensor* const> tensors, Arithmetic arithmetic,
                                  const MakeSection& make);

  size_t rows() const { return rows_; }
  size_t cols() const { return cols_; }
  size_t groups() const;
  std::span<const PackedSection> sections() const { return sections_; }
  /// Whether products read the quantised form of activations, not their floats alone.
  bool reads_codes() const;
  size_t bytes() const;
  /// One row as floats: the embedding look-up of a tied matrix.
  void row(size_t row, std::span<float> out) const;

 private:
  size_t rows_ = 0, cols_ = 0;
  std::vector<PackedSection> sections_;  // in the order of their rows
};

}  // namespace dendrokv
