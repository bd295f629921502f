#include "analysis/rise.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace dendrokv {
namespace {

double mean_log(std::span<const double> values) {
  double sum = 0;
  size_t count = 0;
  for (const double value : values) {
    if (!(value > 0)) continue;
    sum += std::log(value);
    ++count;
  }
  return count == 0 ? std::numeric_limits<double>::quiet_NaN() : sum / static_cast<double>(count);
}

}  // namespace

IndexRange usable_range(const Analysis& analysis) {
  const size_t first =
      std::min(std::max(analysis.valid_first, analysis.exclude_first), analysis.positions);
  const size_t kept = analysis.positions - std::min(analysis.positions, analysis.exclude_last);
  const size_t end = std::min<size_t>(size_t{analysis.valid_first} + analysis.valid_count, kept);
  return {first, end > first ? end - first : 0};
}

Rise rise_of(std::span<const double> curve, IndexRange usable) {
  const size_t quarter = usable.count / 4;
  const IndexRange start{usable.first, quarter};
  const IndexRange end{usable.first + usable.count - quarter, quarter};
  const double ratio = std::exp(mean_log(curve.subspan(end.first, end.count)) -
                                mean_log(curve.subspan(start.first, start.count)));
  return {ratio, start, end};
}

}  // namespace dendrokv
