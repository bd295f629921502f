#pragma once
// The tables that the instruction sets provide; model/kernels.cpp chooses.

#include "model/kernels.h"

namespace dendrokv {

extern const Kernels kScalarKernels;
extern const Kernels kAvx2Kernels;    // needs AVX2, FMA, F16C
extern const Kernels kAvx512Kernels;  // needs AVX-512 F, BW, VL, DQ, VNNI

}  // namespace dendrokv
