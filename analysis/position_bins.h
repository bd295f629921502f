#pragma once
// Bins of positions, counted from the end of the text: the common axis on which documents of any
// length are compared.

#include <cstdint>
#include <vector>

#include "data/trace.h"

namespace dendrokv {

/// Bins of equal width in the usable part of a window, each of whole blocks of 2^levels positions,
/// in time order; the last one ends with the last usable block. At most `most` of them; positions
/// at the start that fill no bin are left out. `usable` is relative to the window, which starts at
/// a block. Throws Error when not even two bins fit.
std::vector<IndexRange> position_bins(IndexRange usable, uint32_t levels, size_t most = 8);

}  // namespace dendrokv
