#include <stddef.h>

namespace dendrokv {
namespace {
constexpr size_t kVectorBytes = 32;
}  // namespace
}  // namespace dendrokv

#include "analysis/haar_kernels_body.h"

namespace dendrokv {

constinit const HaarKernels<float> kAvx2HaarFloat = kHaarKernels<float>;
constinit const HaarKernels<double> kAvx2HaarDouble = kHaarKernels<double>;

}  // namespace dendrokv
