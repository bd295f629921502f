#pragma once
// One level of the decimated transform on a strip of signals: the step that dwt.cpp repeats.

#include <cstdint>
#include <vector>

#include "analysis/dwt.h"
#include "analysis/line_kernels.h"

namespace dendrokv {

/// Neighbouring signals: rows of `width` elements, `stride` apart, one row per position. Width 1 and stride 1: a contiguous signal.
template <class T>
struct Strip {
  T* data = nullptr;
  ptrdiff_t stride = 1;
  size_t width = 1;

  bool is_line() const { return width == 1 && stride == 1; }
  T* row(size_t position) const { return data + static_cast<ptrdiff_t>(position) * stride; }
  operator Strip<const T>() const
    requires(!std::is_const_v<T>)
  {
    return {data, stride, width};
  }
};

struct Dwt::Stage {
  Stage(const Wavelet& wavelet, Boundary boundary, size_t positions);

  size_t input, output;     // samples in, coefficients out
  int64_t analysis_shift;   // a[k] = sum_i f[i] x[2k + analysis_shift - i]
  int64_t synthesis_shift;  // x[t] = sum_k rec[t + synthesis_shift - 2k] a[k]
  bool circular;            // coefficients wrap at the inverse
  size_t inner_first, inner_end;  // coefficients [first, end) see samples of the signal only

  /// The others as weighted sums of samples, in order of k: terms [first_term[e], first_term[e + 1]).
  std::vector<size_t> edge, first_term;
  std::vector<size_t> sample;
  std::vector<double> low_weight, high_weight;

  IndexRange valid;  // coefficients whose samples are all in the valid range of the level above

  void limit_valid(IndexRange input_valid, size_t filter_length);

 private:
  void add_edge(const Wavelet& wavelet, Boundary boundary, size_t k);
};

/// Filters in the type of the kernels, and room for their work; one per thread.
template <class Real>
class StageRunner {
 public:
  explicit StageRunner(const Wavelet& wavelet);

  void analyse(const Dwt::Stage& stage, Strip<const Real> x, Strip<Real> low, Strip<Real> high);
  /// `positions` samples from stage.output coefficients; a strip without data counts as zeros.
  void synthesise(const Dwt::Stage& stage, Strip<const Real> low, Strip<const Real> high,
                  Strip<Real> x, size_t positions);

 private:
  void analyse_edges(const Dwt::Stage& stage, Strip<const Real> x, Strip<Real> low,
                     Strip<Real> high);
  void analyse_line(const Dwt::Stage& stage, const Real* x, Real* low, Real* high);
  void analyse_rows(const Dwt::Stage& stage, Strip<const Real> x, Strip<Real> low,
                    Strip<Real> high);

  /// What samples 2m and 2m + 1 are made of: coefficient m + offset of a band, with two weights.
  struct SynthesisTerm {
    Strip<const Real> band;
    int64_t offset;
  };
  void gather_terms(const Dwt::Stage& stage, Strip<const Real> low, Strip<const Real> high);
  void point_at(const Dwt::Stage& stage, size_t pair);
  void synthesise_line(const Dwt::Stage& stage, Real* x, size_t first, size_t end, size_t positions);
  void synthesise_rows(Strip<Real> x, size_t first, size_t end, size_t positions);

  const LineKernels<Real>& kernels_ = line_kernels<Real>();
  size_t length_;
  std::vector<Real> dec_lo_, dec_hi_;
  const Wavelet& wavelet_;
  std::vector<const Real*> inputs_;
  std::vector<Real> even_, odd_, weights0_, weights1_;
  std::vector<SynthesisTerm> terms_;
};

}  // namespace dendrokv
