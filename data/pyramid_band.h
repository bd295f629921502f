#pragma once
// A band of the finest level of the pyramid while its cells are made: the chunks side by side that
// one step chunk of weights fills, for as many heads as share a chunk.

#include <cstddef>
#include <cstdint>
#include <vector>

#include "data/page_pool.h"

namespace dendrokv {

/// Whether the numbers of samples are stored, or follow from the steps: each weight of a position
/// that its step can see is there.
enum class PyramidCounts : uint8_t { Store, Follow };

/// Filled by whoever has the rows of weights.
struct PyramidBand {
  size_t heads = 0, rows = 0, columns = 0;  // cells of a chunk
  size_t chunks = 0;                        // side by side
  PyramidCounts counts = PyramidCounts::Store;
  // f16 [chunk, kind][head, row, cell]: sum, max, and where they are stored u16 counts
  PageBuffer cells;
  // [chunk][head, row, cell], where another level is made of it
  std::vector<float> exact_sum = {};

  struct Cells {
    uint16_t *highest = nullptr, *sum = nullptr;
    uint16_t* count = nullptr;   // null where there are none,
    float* exact_sum = nullptr;  // like these
  };
  /// A cell of a chunk, followed by those up to the border of its row.
  Cells at(size_t chunk, size_t head, size_t row, size_t cell) {
    const size_t part = part_cells(), place = (head * rows + row) * columns + cell;
    auto* const sum =
        reinterpret_cast<uint16_t*>(cells.bytes().data()) + chunk * kinds() * part + place;
    return {sum + part, sum, counts == PyramidCounts::Store ? sum + 2 * part : nullptr,
            exact_sum.empty() ? nullptr : exact_sum.data() + chunk * part + place};
  }
  size_t kinds() const { return counts == PyramidCounts::Store ? 3 : 2; }
  size_t part_cells() const { return heads * rows * columns; }  // of a chunk, one kind
  size_t part_bytes() const { return part_cells() * sizeof(uint16_t); }
  /// Cells [first, end) of a row hold no sample; counted over all chunks, `end` may be behind the
  /// last.
  void put_absent(size_t head, size_t row, size_t first, size_t end);
};

}  // namespace dendrokv
