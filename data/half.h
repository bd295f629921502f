#pragma once
// IEEE half floats.

#include <cstdint>
#include <span>

namespace dendrokv {

/// Round to nearest even; overflow becomes infinity, NaN stays NaN. Same bits on every machine.
uint16_t to_half(float value);
float from_half(uint16_t half);

/// Whole rows; out.size() == in.size().
void to_half(std::span<const float> in, std::span<uint16_t> out);
void from_half(std::span<const uint16_t> in, std::span<float> out);

/// Of a row: its least number, or 0 if none is below, and its sum, added up in chains side by side.
struct RowMeasures {
  float least = 0, sum = 0;
};
RowMeasures measure(std::span<const float> row);

inline constexpr uint16_t kHalfNan = 0x7E00;

}  // namespace dendrokv
