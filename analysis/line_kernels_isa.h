#pragma once
// The tables that the instruction sets provide; analysis/line_kernels.cpp chooses.

#include "analysis/line_kernels.h"

namespace dendrokv {

extern const LineKernels<float> kBaselineLinesFloat, kAvx2LinesFloat, kAvx512LinesFloat;
extern const LineKernels<double> kBaselineLinesDouble, kAvx2LinesDouble, kAvx512LinesDouble;

}  // namespace dendrokv
