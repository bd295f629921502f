#include "gui/heat.h"

#include <algorithm>
#include <bit>

namespace dendrokv {

uint8_t shift_for(double units_per_pixel) {
  uint8_t shift = 0;
  // A hair of slack: a zoom of a whole power of two is not rounded to the next.
  while (shift < 40 && static_cast<double>(uint64_t{1} << shift) < units_per_pixel * (1 - 1e-9))
    ++shift;
  return shift;
}

std::vector<TileKey> tiles_over(uint32_t subject, uint8_t step_shift, uint8_t position_shift,
                                IndexRange steps, IndexRange positions) {
  std::vector<TileKey> keys;
  if (steps.count == 0 || positions.count == 0) return keys;
  const auto tile_of = [](size_t at, uint8_t shift) {
    return static_cast<uint32_t>((at >> shift) / kHeatTile);
  };
  const uint32_t last_row = tile_of(steps.first + steps.count - 1, step_shift);
  const uint32_t last_column = tile_of(positions.first + positions.count - 1, position_shift);
  const uint32_t first_row = tile_of(steps.first, step_shift);
  const uint32_t first_column = tile_of(positions.first, position_shift);
  for (uint32_t row = first_row; row <= last_row; ++row)
    for (uint32_t column = first_column; column <= last_column; ++column)
      keys.push_back({subject, step_shift, position_shift, row, column});
  const double middle_row = (first_row + last_row) / 2.0;
  const double middle_column = (first_column + last_column) / 2.0;
  const auto distance = [&](const TileKey& key) {
    return std::abs(key.row - middle_row) + std::abs(key.column - middle_column);
  };
  std::stable_sort(keys.begin(), keys.end(), [&](const TileKey& one, const TileKey& other) {
    return distance(one) < distance(other);
  });
  return keys;
}

TileKey whole_tile(uint32_t subject, size_t steps, size_t positions) {
  const auto shift = [](size_t count) {
    return shift_for(static_cast<double>(count) / static_cast<double>(kHeatTile));
  };
  return {subject, shift(steps), shift(positions), 0, 0};
}

HeatCodes::HeatCodes(const ValueScale& scale) {
  const auto code_at = [&scale](size_t i) {
    // The middle of the values that share these bits.
    const float value = std::bit_cast<float>(static_cast<uint32_t>(i << 16 | 0x8000));
    const double fraction = scale.fraction(std::isfinite(value) ? double{value} : scale.high);
    return static_cast<uint8_t>(kFirstValue + std::lround(fraction * (255 - kFirstValue)));
  };
  // Codes rise with the bits: where both ends of a run have one code, all of it has, and the scale
  // is asked some thousand times, not 32,768.
  const auto fill = [&](const auto& self, size_t first, size_t last) -> void {
    if (codes_[first] == codes_[last])
      return std::fill(codes_.begin() + static_cast<ptrdiff_t>(first),
                       codes_.begin() + static_cast<ptrdiff_t>(last), codes_[first]);
    if (last - first < 2) return;
    const size_t middle = (first + last) / 2;
    codes_[middle] = code_at(middle);
    self(self, first, middle);
    self(self, middle, last);
  };
  codes_.front() = code_at(0);
  codes_.back() = code_at(codes_.size() - 1);
  fill(fill, 0, codes_.size() - 1);
}

uint8_t HeatCodes::code(float value) const {
  const auto bits = std::bit_cast<uint32_t>(value);
  return bits >> 31 ? codes_[0] : codes_[bits >> 16];
}

}  // namespace dendrokv
