#pragma once
// The arithmetic of all filters: weighted sums of neighbouring elements.
//
// A decimated filter works on even and odd samples apart, an undecimated one on shifted views of
// the signal, a filter along axis 0 on rows: each is out[c] = sum_m weight[m] * input[m][c] over
// unit stride. Terms are added in the order of m, a product and a sum at a time, so that the bits
// do not depend on the instruction set. More than kFewTerms floats are multiplied and added in
// double.

#include <cstddef>
#include <span>
#include <string_view>
#include <vector>

namespace dendrokv {

/// Up to here a sum of floats is good to 1e-6 of its largest input, over the levels of a transform;
/// it was 2e-6 with 40.
inline constexpr size_t kFewTerms = 16;

/// Terms of a sum: run r of input m starts at inputs[m] + r * step, the step of even or of odd
/// terms (two bands take turns).
template <class Real>
struct Terms {
  const Real* const* inputs;
  size_t count;
  ptrdiff_t even_step = 0, odd_step = 0;
  // of each run of the first two inputs, memory is asked for what lies this far on; 0: not
  ptrdiff_t ahead = 0;
};

/// How an output is written. Streamed: past the caches, so that its lines are not read first; for
/// results that are larger than a cache and not read again soon. What lies across a border of
/// vectors is written as usual.
enum class Stores { Cached, Streamed };

/// Runs of `length` elements; in the first and second output they are step0 and step1 apart.
struct Runs {
  size_t length;
  size_t count = 1;
  ptrdiff_t step0 = 0, step1 = 0;
  Stores stores1 = Stores::Cached;  // of the second output of combine_two
};

template <class Real>
struct LineKernels {
  std::string_view isa;
  /// out[c] = sum_m weights[m] * inputs[m][c]. The output may be none of the inputs.
  void (*combine)(const Terms<Real>& terms, const Real* weights, const Runs& runs, Real* out);
  /// The same with two sets of weights: one reading of the inputs.
  void (*combine_two)(const Terms<Real>& terms, const Real* weights0, const Real* weights1,
                      const Runs& runs, Real* out0, Real* out1);
  /// out[k] = sum_m weights[m] * in[2 k + taps - 1 - m] with two sets of weights, the bits of
  /// combine_two on even and odd samples. For an even number of up to 16 taps, where it saves a
  /// pass over the samples; false, and nothing done, for others.
  bool (*decimate)(const Real* in, const Real* weights0, const Real* weights1, size_t taps,
                   size_t count, Real* out0, Real* out1);
  /// even[i] = in[2 i], odd[i] = in[2 i + 1]
  void (*split)(const Real* in, size_t pairs, Real* even, Real* odd);
  void (*join)(const Real* even, const Real* odd, size_t pairs, Real* out);
  bool (*finite)(const Real* in, size_t count);
};

/// Streamed stores of this thread become visible to others before what follows. Once after the last
/// of them.
void order_streamed_stores();
/// What results of this many bytes are best written with.
Stores stores_for(size_t bytes);

/// A filter in the type of the kernels. Even and odd taps keep their sums but for the last bit,
/// which rounding each tap alone would not: a constant then passes a cascade of levels without
/// drifting. The smallest tap of each takes up the difference.
template <class Real>
std::vector<Real> kernel_taps(std::span<const double> filter);

/// The best for this processor.
template <class Real>
const LineKernels<Real>& line_kernels();

/// All that this processor can run, the plainest first: for tests and benchmarks.
template <class Real>
size_t line_kernel_sets(const LineKernels<Real>** sets, size_t most);

}  // namespace dendrokv
