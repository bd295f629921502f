#include "analysis/line_kernels_isa.h"

namespace dendrokv {
namespace {
constexpr size_t kVectorBytes = 64;
}  // namespace
}  // namespace dendrokv

#include "analysis/line_kernels_body.h"

namespace dendrokv {

constinit const LineKernels<float> kAvx512LinesFloat = kernels_named<float>("avx512");
constinit const LineKernels<double> kAvx512LinesDouble = kernels_named<double>("avx512");

}  // namespace dendrokv
