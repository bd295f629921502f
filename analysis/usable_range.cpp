#include "analysis/usable_range.h"

#include <algorithm>

namespace dendrokv {

IndexRange usable_range(const Analysis& analysis) {
  const size_t first =
      std::min(std::max(analysis.valid_first, analysis.exclude_first), analysis.positions);
  const size_t kept = analysis.positions - std::min(analysis.positions, analysis.exclude_last);
  const size_t end = std::min<size_t>(size_t{analysis.valid_first} + analysis.valid_count, kept);
  return {first, end > first ? end - first : 0};
}

}  // namespace dendrokv
