#pragma once
// The arithmetic of the fused Haar profile: a leaf of four rows, and the joining of two blocks.
// Built per instruction set; sums run in sixteen lanes that are joined in a fixed order whatever
// the width of the registers, so the bits are the same.

#include <cstddef>

namespace dendrokv {

inline constexpr size_t kLeaf = 4;  // positions

/// Sums over channels of one difference.
struct DifferenceSums {
  double magnitude, square, log;
};
/// Those of the two pairs of a leaf and of the pair of pairs, and the sums of the squared signal.
struct LeafSums {
  DifferenceSums first_pair, second_pair, pairs;
  double square[kLeaf];
};

/// `square` and `log` are 0 unless all is measured.
enum class Measured { Magnitude, All };

template <class Real>
struct HaarKernels {
  /// sum = the four rows weight[i] * value[i] added up.
  using JoinLeaf = void (*)(const Real* weight, const Real* const* value, size_t channels,
                            Real* sum, LeafSums* sums);
  /// sum = older + newer; `sum` may be `newer`.
  using Join = void (*)(const Real* older, const Real* newer, size_t channels, Real* sum,
                        DifferenceSums* sums);
  JoinLeaf join_leaf[2];  // by Measured
  Join join[2];
};

/// The best for this processor.
template <class Real>
const HaarKernels<Real>& haar_kernels();

extern const HaarKernels<float> kBaselineHaarFloat, kAvx2HaarFloat, kAvx512HaarFloat;
extern const HaarKernels<double> kBaselineHaarDouble, kAvx2HaarDouble, kAvx512HaarDouble;

}  // namespace dendrokv
