#pragma once
// Mapping between data and picture coordinates, and where the ticks go. No drawing, no Qt; report
// and viewer share it.

#include <string>
#include <vector>

namespace dendrokv {

enum class ScaleKind { Linear, Log10, Log2 };

/// Whether an axis can show it: finite, and positive on a log scale.
bool has_place(double value, ScaleKind scale);

/// data_first maps to pixel_first, data_last to pixel_last; pixel_first > pixel_last turns the axis
/// round. On a log scale both data ends are positive.
struct Axis {
  ScaleKind kind = ScaleKind::Linear;
  double data_first = 0, data_last = 1;
  double pixel_first = 0, pixel_last = 1;

  double pixel(double data) const;
  double data(double pixel) const;
};

struct Tick {
  double value;
  std::string label;
};

/// About `wanted` ticks at 1, 2, 5 times powers of ten (log axes: powers of the base) inside the
/// data range.
std::vector<Tick> ticks(const Axis& axis, int wanted);
/// Whole numbers only, steps of 1, 2, 4, 8, ... times `unit`: positions and steps in powers of two.
std::vector<Tick> binary_ticks(const Axis& axis, int wanted);

}  // namespace dendrokv
