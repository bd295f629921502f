#include "cache/row_kernels_body.h"
#include "cache/row_kernels_isa.h"

namespace dendrokv {

constinit const RowKernels kBaselineRowKernels = row_kernels_named("baseline");

}  // namespace dendrokv
