#include "analysis/line_kernels_isa.h"

namespace dendrokv {
namespace {
constexpr size_t kVectorBytes = 16;
}  // namespace
}  // namespace dendrokv

#include "analysis/line_kernels_body.h"

namespace dendrokv {

constinit const LineKernels<float> kBaselineLinesFloat = kernels_named<float>("baseline");
constinit const LineKernels<double> kBaselineLinesDouble = kernels_named<double>("baseline");

}  // namespace dendrokv
