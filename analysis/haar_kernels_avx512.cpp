#include <stddef.h>

namespace dendrokv {
namespace {
constexpr size_t kVectorBytes = 64;
}  // namespace
}  // namespace dendrokv

#include "analysis/haar_kernels_body.h"

namespace dendrokv {

constinit const HaarKernels<float> kAvx512HaarFloat = kHaarKernels<float>;
constinit const HaarKernels<double> kAvx512HaarDouble = kHaarKernels<double>;

}  // namespace dendrokv
