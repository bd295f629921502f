#include "cache/pooling.h"

#include <algorithm>
#include <vector>

#include "data/error.h"

namespace dendrokv {

Pool pool_of(std::string_view name) {
  if (name == "avg") return Pool::Mean;
  if (name == "max") return Pool::Max;
  DENDROKV_ASSERT(name == "none");
  return Pool::None;
}

void pool(std::span<double> numbers, Pool how, size_t kernel) {
  if (how == Pool::None || kernel <= 1) return;
  const std::vector<double> from(numbers.begin(), numbers.end());
  const size_t reach = kernel / 2;
  for (size_t at = 0; at < from.size(); ++at) {
    const size_t first = at - std::min(at, reach), last = std::min(from.size(), at + reach + 1);
    const auto begin = from.begin() + static_cast<std::ptrdiff_t>(first);
    const auto end = from.begin() + static_cast<std::ptrdiff_t>(last);
    if (how == Pool::Max) {
      numbers[at] = *std::max_element(begin, end);
      continue;
    }
    double sum = 0;
    for (auto number = begin; number != end; ++number) sum += *number;
    numbers[at] = sum / static_cast<double>(kernel);
  }
}

}  // namespace dendrokv
