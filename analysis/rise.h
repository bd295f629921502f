#pragma once
// One number for "does it grow toward the end": the ratio of a curve's level at the end of the
// usable positions to that at their start.
//
// Geometric means, because amplitudes are compared as ratios: on that scale a rise of the attention
// weights alone raises every band by the same factor, whatever the values are.

#include <span>

#include "data/analysis_file.h"
#include "data/trace.h"

namespace dendrokv {

/// The valid range of an analysis without its excluded ends; count 0 when nothing is left.
IndexRange usable_range(const Analysis& analysis);

struct Rise {
  double ratio = 0;       // end / start; NaN when a quarter is empty or holds no positive number
  IndexRange start, end;  // the first and last quarter of the usable positions
};
/// `curve` is [position].
Rise rise_of(std::span<const double> curve, IndexRange usable);

}  // namespace dendrokv
