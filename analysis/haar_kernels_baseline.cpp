#include <stddef.h>

namespace dendrokv {
namespace {
constexpr size_t kVectorBytes = 16;
}  // namespace
}  // namespace dendrokv

#include "analysis/haar_kernels_body.h"

namespace dendrokv {

constinit const HaarKernels<float> kBaselineHaarFloat = kHaarKernels<float>;
constinit const HaarKernels<double> kBaselineHaarDouble = kHaarKernels<double>;

}  // namespace dendrokv
