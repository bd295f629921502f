#include "analysis/position_bins.h"

#include <algorithm>
#include <string>

#include "data/error.h"

namespace dendrokv {

std::vector<IndexRange> position_bins(IndexRange usable, uint32_t levels, size_t most) {
  DENDROKV_ASSERT(most >= 2);
  const size_t block = size_t{1} << levels;
  const size_t first = (usable.first + block - 1) / block,
               end = (usable.first + usable.count) / block;
  const size_t blocks = end > first ? end - first : 0;
  if (blocks < 2)
    fail("usable positions", std::to_string(usable.count),
         "wanted at least two blocks of " + std::to_string(block) + " to compare",
         "take a longer text, fewer levels, or exclude less at the ends");
  const size_t width = (blocks + most - 1) / most;
  std::vector<IndexRange> bins(blocks / width);
  for (size_t bin = 0; bin < bins.size(); ++bin)
    bins[bin] = {(end - (bins.size() - bin) * width) * block, width * block};
  return bins;
}

}  // namespace dendrokv
