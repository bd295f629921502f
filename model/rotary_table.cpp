#include "model/rotary_table.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace dendrokv {

namespace {

// The pair, as a real number, that turns `turns` times within the original context (arXiv
// 2309.00071, equation 17 with r = turns).
double pair_of_turns(double turns, double pairs, const RotaryShape& shape) {
  const double radians = shape.yarn->original_context / (turns * 2 * std::numbers::pi);
  return pairs * std::log(radians) / std::log(shape.base);
}

// By what pair i's frequency is divided for the factor.
double divisor_of(double pair, double pairs, const RotaryShape& shape) {
  if (!shape.yarn) return shape.factor;
  const double low = std::max(0.0, std::floor(pair_of_turns(shape.yarn->fast, pairs, shape)));
  const double high =
      std::min(2 * pairs - 1, std::ceil(pair_of_turns(shape.yarn->slow, pairs, shape)));
  // The least width keeps a ramp of one pair from dividing by 0.
  const double ramp = std::clamp((pair - low) / std::max(0.001, high - low), 0.0, 1.0);
  return 1 / (ramp / shape.factor + (1 - ramp));
}

}  // namespace

RotaryTable::RotaryTable(const RotaryShape& shape)
    : pairing_(shape.pairing), magnitude_(shape.magnitude) {
  const auto pairs = static_cast<double>(shape.divisors.size());
  for (size_t i = 0; i < shape.divisors.size(); ++i) {
    const auto pair = static_cast<double>(i);
    frequency_.push_back(std::pow(shape.base, -pair / pairs) /
                         static_cast<double>(shape.divisors[i]) / divisor_of(pair, pairs, shape));
  }
}

RotaryTable::RotaryTable(double base, std::span<const float> divisors)
    : RotaryTable(RotaryShape{.base = base, .divisors = {divisors.begin(), divisors.end()}}) {}

void RotaryTable::grow(size_t positions) {
  const size_t pairs = frequency_.size(), known = cosine_.size() / pairs;
  if (positions <= known) return;
  const size_t wanted = std::max(positions, 2 * known);
  cosine_.resize(wanted * pairs);
  sine_.resize(wanted * pairs);
  for (size_t position = known; position < wanted; ++position)
    for (size_t pair = 0; pair < pairs; ++pair) {
      const double angle = static_cast<double>(position) * frequency_[pair];
      cosine_[position * pairs + pair] = static_cast<float>(magnitude_ * std::cos(angle));
      sine_[position * pairs + pair] = static_cast<float>(magnitude_ * std::sin(angle));
    }
}

std::span<const float> RotaryTable::cosine(size_t position) const {
  return std::span(cosine_).subspan(position * frequency_.size(), frequency_.size());
}

std::span<const float> RotaryTable::sine(size_t position) const {
  return std::span(sine_).subspan(position * frequency_.size(), frequency_.size());
}

void RotaryTable::rotate(const Kernels& kernels, std::span<const float> x, size_t position,
                         std::span<float> out) const {
  const auto turn =
      pairing_ == RotaryPairing::Adjacent ? kernels.rotate_pairs : kernels.rotate_halves;
  turn(x, cosine(position), sine(position), out);
}

void RotaryTable::rotate_rows(const Kernels& kernels, const uint16_t* from, size_t row_length,
                              std::span<const uint32_t> rows, size_t first_position,
                              uint16_t* to) const {
  const size_t pairs = frequency_.size(), first = first_position * pairs;
  const auto turn =
      pairing_ == RotaryPairing::Adjacent ? kernels.rotate_rows_pairs : kernels.rotate_rows_halves;
  turn(from, row_length, rows, {cosine_.data() + first, rows.size(), pairs},
       {sine_.data() + first, rows.size(), pairs}, to);
}

}  // namespace dendrokv
