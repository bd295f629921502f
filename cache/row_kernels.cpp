#include "cache/row_kernels.h"

#include <vector>

#include "cache/row_kernels_isa.h"

namespace dendrokv {

// The plainest first. To add a set: a file that includes row_kernels_body.h, its flags in
// CMakeLists.txt, its table in row_kernels_isa.h, a line here. row_kernels_test.cpp wants equal
// bits from every set.
std::span<const RowKernels* const> row_kernel_sets() {
  static const std::vector<const RowKernels*> sets = [] {
    std::vector<const RowKernels*> found{&kBaselineRowKernels};
    if (__builtin_cpu_supports("avx2")) found.push_back(&kAvx2RowKernels);
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") &&
        __builtin_cpu_supports("avx512dq"))
      found.push_back(&kAvx512RowKernels);
    return found;
  }();
  return sets;
}

const RowKernels& row_kernels() {
  static const RowKernels& best = *row_kernel_sets().back();
  return best;
}

}  // namespace dendrokv
