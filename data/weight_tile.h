#pragma once
// Rows of attention weights on their way into a trace, four at a time: halves, cells of the finest
// level of the pyramid, and what the check of a row wants to know, in one pass while the rows are
// in the first cache.

#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>

#include "data/half.h"
#include "data/pyramid_fold.h"

namespace dendrokv {

inline constexpr size_t kTileRows = kPyramidFactor;
inline constexpr size_t kTileBlock = 64;  // columns that store_tile takes at a time

/// Rows of positions 0, 1, ...; absent beyond their ends. An empty one is no row at all.
using TileRows = std::array<std::span<const float>, kTileRows>;

/// Where a part of a tile goes; every pointer to a border of 64 bytes, those of cells to one of as
/// many bytes as 16 of them take. Halves and cells may lie in chunks.
struct TilePlace {
  static constexpr size_t kOneChunk = std::numeric_limits<size_t>::max();
  std::array<uint16_t*, kTileRows> halves{};  // [columns]; null where there is no row
  uint16_t* highest = nullptr;                // [columns / 4] f16, NaN without a sample
  uint16_t* sum = nullptr;                    // [columns / 4] f16
  // [columns / 4], or null where no level is made of these cells
  float* exact_sum = nullptr;
  // [columns / 4], or null where it follows from the steps
  uint16_t* count = nullptr;
  // Columns of a chunk of halves, a multiple of kTileBlock, and halves from one to the next.
  size_t chunk_columns = kOneChunk, chunk_stride = 0;
  // Columns that a chunk of cells stands for, a multiple too, and cells from one to the next.
  size_t cell_columns = kOneChunk, cell_stride = 0, exact_stride = 0;
};

/// Of the rows of a tile, part by part.
struct TileMeasures {
  alignas(64) float sums[kTileRows][16] = {};
  alignas(32) uint16_t highest[16] = {};  // of all rows, as bits of a half

  float sum(size_t row) const;
  /// Whether a weight is negative or NaN.
  bool has_fault() const;
};

/// Whether this processor has the instructions of store_tile. Without them the same bits come from
/// to_half and fold_halves.
bool can_store_tiles();

/// Columns [first, first + columns) of the rows, both multiples of kTileBlock. The cells mean
/// nothing where measures.has_fault().
void store_tile(const TileRows& rows, size_t first, size_t columns, const TilePlace& place,
                TileMeasures& measures);

/// Before another thread is told of the halves that this one has stored: stores past the caches are
/// not in order with others.
void settle_tile();

}  // namespace dendrokv
