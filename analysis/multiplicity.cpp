#include "analysis/multiplicity.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>

namespace dendrokv {

std::vector<double> adjusted_p_values(std::span<const double> p_values, Dependence dependence) {
  std::vector<size_t> order;
  for (size_t test = 0; test < p_values.size(); ++test)
    if (!std::isnan(p_values[test])) order.push_back(test);
  std::ranges::sort(order, {}, [&](size_t test) { return p_values[test]; });
  const auto tests = static_cast<double>(order.size());
  double penalty = 1;
  if (dependence == Dependence::Arbitrary) {
    penalty = 0;
    for (size_t k = order.size(); k > 0; --k) penalty += 1 / static_cast<double>(k);
  }
  std::vector<double> adjusted(p_values.size(), std::numeric_limits<double>::quiet_NaN());
  double least = 1;
  for (size_t rank = order.size(); rank > 0; --rank) {
    const double p = p_values[order[rank - 1]] * penalty * tests / static_cast<double>(rank);
    least = std::min(least, p);
    adjusted[order[rank - 1]] = least;
  }
  return adjusted;
}

}  // namespace dendrokv
