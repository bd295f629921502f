#include "cache/rotation.h"

#include <algorithm>
#include <cmath>

namespace dendrokv {

Turn::Turn(double place, std::span<const double> turns) {
  for (const double turn : turns) {
    cosine_.push_back(std::cos(place * turn));
    sine_.push_back(std::sin(place * turn));
  }
}

void Turn::apply(std::span<const float> row, std::span<double> out) const {
  std::ranges::copy(row, out.begin());
  for (size_t pair = 0; pair < cosine_.size(); ++pair) {
    const auto x = static_cast<double>(row[2 * pair]), y = static_cast<double>(row[2 * pair + 1]);
    out[2 * pair] = x * cosine_[pair] - y * sine_[pair];
    out[2 * pair + 1] = x * sine_[pair] + y * cosine_[pair];
  }
}

void rotate_to(double place, std::span<const double> turns, std::span<const float> row,
               std::span<double> out) {
  Turn(place, turns).apply(row, out);
}

}  // namespace dendrokv
