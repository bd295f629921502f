#include "analysis/haar_kernels_body.h"

namespace dendrokv {

constinit const HaarKernels<float> kBaselineHaarFloat = kHaarKernels<float>;
constinit const HaarKernels<double> kBaselineHaarDouble = kHaarKernels<double>;

}  // namespace dendrokv
