#include "analysis/line_kernels.h"

#include <cmath>
#include <type_traits>

#include "analysis/haar_kernels.h"
#include "analysis/line_kernels_isa.h"

namespace dendrokv {
namespace {

struct IsaRow {
  bool (*available)();
  const LineKernels<float>& floats;
  const LineKernels<double>& doubles;
  const HaarKernels<float>& haar_floats;
  const HaarKernels<double>& haar_doubles;
};

bool always() {
  return true;
}
bool has_avx2() {
  return __builtin_cpu_supports("avx2");
}
bool has_avx512() {
  return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") &&
         __builtin_cpu_supports("avx512dq");
}

// The plainest first. To add a set: files that include line_kernels_body.h and haar_kernels_body.h,
// their flags in CMakeLists.txt, their tables in line_kernels_isa.h and haar_kernels.h, a row.
// line_kernels_test.cpp wants equal bits from every row.
const IsaRow kIsaTable[] = {
    {always, kBaselineLinesFloat, kBaselineLinesDouble, kBaselineHaarFloat, kBaselineHaarDouble},
    {has_avx2, kAvx2LinesFloat, kAvx2LinesDouble, kAvx2HaarFloat, kAvx2HaarDouble},
    {has_avx512, kAvx512LinesFloat, kAvx512LinesDouble, kAvx512HaarFloat, kAvx512HaarDouble},
};

template <class Real>
const LineKernels<Real>& kernels_of(const IsaRow& row) {
  if constexpr (std::is_same_v<Real, float>)
    return row.floats;
  else
    return row.doubles;
}
template <class Real>
const HaarKernels<Real>& haar_kernels_of(const IsaRow& row) {
  if constexpr (std::is_same_v<Real, float>)
    return row.haar_floats;
  else
    return row.haar_doubles;
}

const IsaRow& best() {
  const IsaRow* found = kIsaTable;
  for (const IsaRow& row : kIsaTable)
    if (row.available()) found = &row;
  return *found;
}

}  // namespace

void order_streamed_stores() {
  __builtin_ia32_sfence();
}

Stores stores_for(size_t bytes) {
  constexpr size_t kMoreThanACacheKeeps = size_t{12} << 20;
  return bytes >= kMoreThanACacheKeeps ? Stores::Streamed : Stores::Cached;
}

template <class Real>
std::vector<Real> kernel_taps(std::span<const double> filter) {
  std::vector<Real> taps;
  for (const double tap : filter) taps.push_back(static_cast<Real>(tap));
  for (size_t parity = 0; parity < 2; ++parity) {
    double lost = 0;
    size_t smallest = filter.size();
    for (size_t k = parity; k < filter.size(); k += 2) {
      lost += filter[k] - static_cast<double>(taps[k]);
      if (taps[k] != 0 &&
          (smallest == filter.size() || std::abs(taps[k]) < std::abs(taps[smallest])))
        smallest = k;
    }
    if (smallest < filter.size())
      taps[smallest] = static_cast<Real>(static_cast<double>(taps[smallest]) + lost);
  }
  return taps;
}

template <class Real>
const LineKernels<Real>& line_kernels() {
  static const LineKernels<Real>& kernels = kernels_of<Real>(best());
  return kernels;
}

template <class Real>
const HaarKernels<Real>& haar_kernels() {
  static const HaarKernels<Real>& kernels = haar_kernels_of<Real>(best());
  return kernels;
}

template <class Real>
size_t line_kernel_sets(const LineKernels<Real>** sets, size_t most) {
  size_t count = 0;
  for (const IsaRow& row : kIsaTable)
    if (row.available() && count < most) sets[count++] = &kernels_of<Real>(row);
  return count;
}

template <class Real>
size_t haar_kernel_sets(const HaarKernels<Real>** sets, size_t most) {
  size_t count = 0;
  for (const IsaRow& row : kIsaTable)
    if (row.available() && count < most) sets[count++] = &haar_kernels_of<Real>(row);
  return count;
}

template std::vector<float> kernel_taps(std::span<const double>);
template std::vector<double> kernel_taps(std::span<const double>);
template const LineKernels<float>& line_kernels();
template const LineKernels<double>& line_kernels();
template const HaarKernels<float>& haar_kernels();
template const HaarKernels<double>& haar_kernels();
template size_t haar_kernel_sets(const HaarKernels<float>**, size_t);
template size_t haar_kernel_sets(const HaarKernels<double>**, size_t);
template size_t line_kernel_sets(const LineKernels<float>**, size_t);
template size_t line_kernel_sets(const LineKernels<double>**, size_t);

}  // namespace dendrokv
