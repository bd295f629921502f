#pragma once
// The arithmetic of a pyramid: max, sum and count of weights, four rows by four columns at a time.
// Every instruction set gives the same bits: the order of additions is fixed.

#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <vector>

namespace dendrokv {

inline constexpr size_t kPyramidFactor = 4;
inline constexpr size_t kFoldBlock = 16;  // columns that fold_rows takes at a time
inline constexpr float kNoSample = -std::numeric_limits<float>::infinity();

/// Rows of cells side by side; without a sample -infinity, 0 and 0.
struct CellRows {
  std::vector<float> highest, sum;
  std::vector<uint32_t> count;

  CellRows() = default;
  explicit CellRows(size_t cells) : highest(cells, kNoSample), sum(cells), count(cells) {}
  void clear();
};

/// Up to four rows of weights, NaN = absent, `stride` apart and a multiple of kFoldBlock long, into
/// one row of cells, one per column.
void fold_rows(std::span<const float> weights, size_t rows, size_t stride, CellRows& columns);

/// The same as fold_rows and add_columns together, straight from f16 where the processor can (else
/// false, and nothing is done): `rows` rows (1 to 4) of `count` weights, `stride` apart, into the
/// cells from `start` on. `count` is a multiple of kHalvesBlock.
inline constexpr size_t kHalvesBlock = 32;
bool fold_halves(const uint16_t* weights, size_t rows, size_t stride, size_t count, CellRows& cells,
                 size_t start);

/// Adds the first `count` columns to the cells of `row`, which starts at cell `start` and has cells
/// of four columns; the first column is the `first`th of the row.
void add_columns(const CellRows& columns, size_t count, size_t first, CellRows& cells,
                 size_t start);

/// Adds `count` cells from `from` on to the cells above them, which start at `to`, four to one.
void raise_cells(const CellRows& cells, size_t from, size_t count, CellRows& parents, size_t to);

}  // namespace dendrokv
