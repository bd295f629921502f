#pragma once
// Finished cells of a pyramid as chunks of its datasets. A cell without a sample is NaN in max and
// 0 in sum and count; a chunk without any is left out.

#include <vector>

#include "data/page_pool.h"
#include "data/pyramid_fold.h"
#include "data/pyramid_levels.h"

namespace dendrokv {

/// To be written into `dataset`, which a level owns, from `start` on.
struct PyramidChunk {
  h5::Dataset* dataset = nullptr;
  h5::Shape start;
  PageBuffer cells;
};

/// Adds to `done` the chunks side by side that `cells`, [head of the chunk, row of the chunk, cell
/// of the level], fill. `start` is the place of the first.
void add_chunks(const PagePool& pool, PyramidLevel& level, h5::Shape start, const CellRows& cells,
                std::vector<PyramidChunk>& done);

}  // namespace dendrokv
