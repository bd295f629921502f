#pragma once
// The arithmetic of the fused Haar profile: all levels of a block of up to 32 rows. Built per
// instruction set; sums run in sixteen lanes that are joined in a fixed order whatever the width of
// the registers, so the bits are the same.

#include <cstddef>
#include <cstdint>

namespace dendrokv {

inline constexpr uint32_t kBlockLevels = 5;
inline constexpr size_t kBlockRows = size_t{1} << kBlockLevels;

/// Where the differences of `level` stand among those of a block, in time order.
constexpr size_t first_difference(uint32_t level) {
  return kBlockRows - (kBlockRows >> (level - 1));
}

/// Sums over channels of each difference of a block, and of the squares of each row of the signal.
/// All but the magnitude are left alone unless all is measured.
struct BlockSums {
  double magnitude[kBlockRows], square[kBlockRows], log[kBlockRows];  // by difference
  double signal_square[kBlockRows];                                   // by row
};

enum class Measured { Magnitude, All };

/// A block of 2^depth rows weight[i] * value[i * stride + channel]. While a row is worked on, memory
/// is asked for the values `ahead` elements on; 0: for none.
template <class Real>
struct HaarBlock {
  const Real *weight, *value;
  ptrdiff_t stride;
  size_t channels;
  uint32_t depth;  // 1 to kBlockLevels
  ptrdiff_t ahead = 0;
};

template <class Real>
struct HaarKernels {
  /// sum = the rows added up, unless it is null; it may be one of the rows.
  using Measure = void (*)(const HaarBlock<Real>& block, Real* sum, BlockSums* sums);
  Measure measure[2];  // by Measured
};

/// The best for this processor.
template <class Real>
const HaarKernels<Real>& haar_kernels();

/// All that this processor can run, the plainest first: for tests.
template <class Real>
size_t haar_kernel_sets(const HaarKernels<Real>** sets, size_t most);

extern const HaarKernels<float> kBaselineHaarFloat, kAvx2HaarFloat, kAvx512HaarFloat;
extern const HaarKernels<double> kBaselineHaarDouble, kAvx2HaarDouble, kAvx512HaarDouble;

}  // namespace dendrokv
