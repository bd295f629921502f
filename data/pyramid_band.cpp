#include "data/pyramid_band.h"

#include <algorithm>

#include "data/half.h"

namespace dendrokv {

void PyramidBand::put_absent(size_t head, size_t row, size_t first, size_t end) {
  for (size_t cell = first; cell < std::min(end, columns * chunks);) {
    const size_t count = std::min(columns - cell % columns, end - cell);
    const Cells to = at(cell / columns, head, row, cell % columns);
    std::fill_n(to.highest, count, kHalfNan);
    std::fill_n(to.sum, count, uint16_t{0});
    if (to.exact_sum != nullptr) std::fill_n(to.exact_sum, count, 0.0f);
    if (to.count != nullptr) std::fill_n(to.count, count, uint16_t{0});
    cell += count;
  }
}

}  // namespace dendrokv
