#include "model/rotary_table.h"

#include <algorithm>
#include <cmath>

namespace dendrokv {

RotaryTable::RotaryTable(double base, std::span<const float> divisors) {
  const auto pairs = static_cast<double>(divisors.size());
  for (size_t pair = 0; pair < divisors.size(); ++pair)
    frequency_.push_back(std::pow(base, -static_cast<double>(pair) / pairs) /
                         static_cast<double>(divisors[pair]));
}

void RotaryTable::grow(size_t positions) {
  const size_t pairs = frequency_.size(), known = cosine_.size() / pairs;
  if (positions <= known) return;
  const size_t wanted = std::max(positions, 2 * known);
  cosine_.resize(wanted * pairs);
  sine_.resize(wanted * pairs);
  for (size_t position = known; position < wanted; ++position)
    for (size_t pair = 0; pair < pairs; ++pair) {
      const double angle = static_cast<double>(position) * frequency_[pair];
      cosine_[position * pairs + pair] = static_cast<float>(std::cos(angle));
      sine_[position * pairs + pair] = static_cast<float>(std::sin(angle));
    }
}

std::span<const float> RotaryTable::cosine(size_t position) const {
  return std::span(cosine_).subspan(position * frequency_.size(), frequency_.size());
}

std::span<const float> RotaryTable::sine(size_t position) const {
  return std::span(sine_).subspan(position * frequency_.size(), frequency_.size());
}

}  // namespace dendrokv
