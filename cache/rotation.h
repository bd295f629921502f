#pragma once
// Rotary positions for policies that look at keys and queries as attention does: the pair (2i, 2i + 1)
// of a row at place p is turned by p * turns[i] (Su et al., arXiv 2104.09864, equation 15).

#include <span>

namespace dendrokv {

/// `out` may be `row`. Where `turns` is empty the row stays as it is.
void rotate_to(double place, std::span<const double> turns, std::span<const float> row,
               std::span<double> out);

}  // namespace dendrokv
