#include "analysis/line_kernels_isa.h"

namespace dendrokv {
namespace {
constexpr size_t kVectorBytes = 32;
}  // namespace
}  // namespace dendrokv

#include "analysis/line_kernels_body.h"

namespace dendrokv {

constinit const LineKernels<float> kAvx2LinesFloat = kernels_named<float>("avx2");
constinit const LineKernels<double> kAvx2LinesDouble = kernels_named<double>("avx2");

}  // namespace dendrokv
