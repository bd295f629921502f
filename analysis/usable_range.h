#pragma once
// The positions of an analysis that figures and tests are of.

#include "data/analysis_file.h"
#include "data/trace.h"

namespace dendrokv {

/// The valid range of an analysis without its excluded ends; count 0 when nothing is left.
IndexRange usable_range(const Analysis& analysis);

}  // namespace dendrokv
