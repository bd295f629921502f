#include "cache/rotation.h"

#include <algorithm>
#include <cmath>

namespace dendrokv {

void rotate_to(double place, std::span<const double> turns, std::span<const float> row,
               std::span<double> out) {
  std::ranges::copy(row, out.begin());
  for (size_t pair = 0; pair < turns.size(); ++pair) {
    const double cosine = std::cos(place * turns[pair]), sine = std::sin(place * turns[pair]);
    const auto x = static_cast<double>(row[2 * pair]), y = static_cast<double>(row[2 * pair + 1]);
    out[2 * pair] = x * cosine - y * sine;
    out[2 * pair + 1] = x * sine + y * cosine;
  }
}

}  // namespace dendrokv
