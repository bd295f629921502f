#pragma once
// The levels of a pyramid as they lie in a file: how many cells they have, how large these are, and
// the datasets of one that is being written.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "data/hdf5.h"
#include "data/pyramid_band.h"
#include "data/trace.h"

namespace dendrokv {

/// Cells of one (layer, head) at a level; the last row and column may stand for fewer weights.
struct PyramidExtent {
  uint64_t rows = 0, cols = 0;  // [step, position]
};

/// Level 1 first; always one, then as many as it takes until a (layer, head) has at most 1024 x
/// 1024 cells.
std::vector<PyramidExtent> pyramid_extents(uint64_t steps, uint64_t positions);

/// Bytes of all levels for the (layer, head) pairs of a trace.
uint64_t pyramid_bytes(const TraceInfo& info, PyramidCounts counts);

struct PyramidLevel {
  size_t chunk_heads = 1;
  PyramidExtent extent, chunk;  // of one head
  h5::Dataset highest, sum;
  std::optional<h5::Dataset> count;
};

/// Creates the groups /pyramid/1, ... with all datasets.
std::vector<PyramidLevel> create_pyramid(h5::File& file, const TraceInfo& info, size_t chunk_heads,
                                         PyramidCounts counts);

/// "/pyramid/K" of level K = `index` + 1.
std::string pyramid_group(size_t index);

}  // namespace dendrokv
