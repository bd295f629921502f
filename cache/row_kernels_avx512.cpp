#include "cache/row_kernels_body.h"
#include "cache/row_kernels_isa.h"

namespace dendrokv {

constinit const RowKernels kAvx512RowKernels = row_kernels_named("avx512");

}  // namespace dendrokv
