#pragma once
// The tables that the instruction sets provide; cache/row_kernels.cpp chooses.

#include "cache/row_kernels.h"

namespace dendrokv {

extern const RowKernels kBaselineRowKernels, kAvx2RowKernels, kAvx512RowKernels;

}  // namespace dendrokv
