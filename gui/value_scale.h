#pragma once
// From numbers to fractions of a colour map, and the ticks of its bar.

#include <span>
#include <string>
#include <vector>

#include "plot/axis.h"

namespace dendrokv {

enum class ScaleShape { Linear, Asinh, Log };
std::string scale_shape_name(ScaleShape shape);  // "linear", "asinh", "log"

/// Values from `low` to `high`; outside is clipped. Asinh is linear below `knee` and logarithmic
/// above.
struct ValueScale {
  ScaleShape shape = ScaleShape::Linear;
  double low = 0, high = 1;
  double knee = 1;
  double clipped_below = 0, clipped_above = 0;  // fraction of the values that lie outside

  double fraction(double value) const;  // clamped to [0, 1]
  double value(double fraction) const;
};

/// Asinh from 0 to the 99.5 % quantile of the finite, non-negative values, with its knee at their
/// median. All-equal or no values give a scale that still maps.
ValueScale asinh_scale(std::vector<float> values);
/// From 0 (or the least value, if that is negative) to the 99.5 % quantile.
ValueScale linear_scale(std::vector<float> values);
/// Logarithmic between the 3 % and 97 % quantiles of the positive values.
ValueScale log_scale(std::vector<float> values);

/// One of the above.
ValueScale scale_of(ScaleShape shape, std::vector<float> values);

/// Round values inside the scale, about `wanted`.
std::vector<Tick> scale_ticks(const ValueScale& scale, int wanted);
/// Three significant digits, "1.20e-4" for small ones; whole numbers from 1000 to 100000.
std::string short_number(double value);

}  // namespace dendrokv
