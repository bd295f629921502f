#pragma once
// One level of the decimated transform on a strip of signals: the step that dwt.cpp repeats.

#include <algorithm>
#include <cstdint>
#include <vector>

#include "analysis/dwt.h"
#include "analysis/line_kernels.h"

namespace dendrokv {

/// Neighbouring signals: rows of `width` elements, `stride` apart, one row per position. Width 1
/// and stride 1: a contiguous signal.
template <class T>
struct Strip {
  T* data = nullptr;
  ptrdiff_t stride = 1;
  size_t width = 1;
  Stores stores = Stores::Cached;  // how details are written there
  size_t ahead = 0;                // rows that memory is asked for before they are read

  bool is_line() const { return width == 1 && stride == 1; }
  T* row(size_t position) const { return data + static_cast<ptrdiff_t>(position) * stride; }
  operator Strip<const T>() const requires(!std::is_const_v<T>) {
    return {data, stride, width, stores, ahead};
  }
};

struct Dwt::Stage {
  /// Reach of the coefficients that are computed as sums over their neighbours alone: all that lie
  /// inside, or the valid ones only.
  enum class Inner { Most, Valid };
  Stage(const Wavelet& wavelet, Boundary boundary, size_t positions, IndexRange input_valid,
        Inner inner);

  /// The first sample that an inner coefficient sees.
  size_t oldest_sample(size_t k, size_t filter_length) const {
    return static_cast<size_t>(2 * static_cast<int64_t>(k) + analysis_shift -
                               static_cast<int64_t>(filter_length - 1));
  }

  size_t input, output;           // samples in, coefficients out
  int64_t analysis_shift;         // a[k] = sum_i f[i] x[2k + analysis_shift - i]
  int64_t synthesis_shift;        // x[t] = sum_k rec[t + synthesis_shift - 2k] a[k]
  bool circular;                  // coefficients wrap at the inverse
  size_t inner_first, inner_end;  // coefficients [first, end) see samples of the signal only

  /// The others as weighted sums of samples, in order of k: terms [first_term[e], first_term[e +
  /// 1]).
  std::vector<size_t> edge, first_term;
  std::vector<size_t> sample, tap;  // of a term: which sample, times which tap, times a factor
  std::vector<double> factor;

  IndexRange valid;  // coefficients whose samples are all in the valid range of the level above

 private:
  IndexRange inner_of(IndexRange input, size_t filter_length) const;
  void add_edge(size_t filter_length, Boundary boundary, size_t k);
};

/// Filters in the type of the kernels, and room for their work; one per thread.
template <class Real>
class StageRunner {
 public:
  explicit StageRunner(const Wavelet& wavelet);

  void analyse(const Dwt::Stage& stage, Strip<const Real> x, Strip<Real> low, Strip<Real> high);
  /// Coefficients `part` of the inner ones. x.row(0) is sample `first_sample`, low.row(0)
  /// coefficient part.first, high.row(0) coefficient 0.
  void analyse_inner(const Dwt::Stage& stage, IndexRange part, Strip<const Real> x,
                     size_t first_sample, Strip<Real> low, Strip<Real> high);
  /// The coefficients that are not inner; sample_row(sample) and low_row(coefficient) say where
  /// those are.
  template <class SampleRow, class LowRow>
  void analyse_edges(const Dwt::Stage& stage, const SampleRow& sample_row, const LowRow& low_row,
                     Strip<Real> high);
  size_t filter_length() const { return length_; }
  /// `positions` samples from stage.output coefficients; a strip without data counts as zeros.
  void synthesise(const Dwt::Stage& stage, Strip<const Real> low, Strip<const Real> high,
                  Strip<Real> x, size_t positions);

 private:
  void analyse_line(IndexRange part, const Real* oldest, Real* low, Real* high);
  void analyse_rows(IndexRange part, Strip<const Real> x, size_t oldest, Strip<Real> low,
                    Strip<Real> high);

  /// What samples 2m and 2m + 1 are made of: coefficient m + offset of a band, with two weights.
  struct SynthesisTerm {
    Strip<const Real> band;
    int64_t offset;
  };
  void gather_terms(const Dwt::Stage& stage, Strip<const Real> low, Strip<const Real> high);
  void point_at(const Dwt::Stage& stage, size_t pair);
  void synthesise_line(Real* x, size_t first, size_t end, size_t positions);
  void synthesise_rows(Strip<Real> x, size_t first, size_t end, size_t positions);

  const LineKernels<Real>& kernels_ = line_kernels<Real>();
  size_t length_;
  std::vector<Real> dec_lo_, dec_hi_, rec_lo_, rec_hi_;
  std::vector<const Real*> inputs_;
  std::vector<Real> even_, odd_, weights0_, weights1_;
  std::vector<SynthesisTerm> terms_;
};

template <class Real>
template <class SampleRow, class LowRow>
void StageRunner<Real>::analyse_edges(const Dwt::Stage& stage, const SampleRow& sample_row,
                                      const LowRow& low_row, Strip<Real> high) {
  for (size_t e = 0; e < stage.edge.size(); ++e) {
    const size_t first = stage.first_term[e], count = stage.first_term[e + 1] - first;
    inputs_.resize(std::max(inputs_.size(), count));
    weights0_.resize(std::max(weights0_.size(), count));
    weights1_.resize(std::max(weights1_.size(), count));
    for (size_t m = 0; m < count; ++m) {
      inputs_[m] = sample_row(stage.sample[first + m]);
      const auto factor = static_cast<Real>(stage.factor[first + m]);
      weights0_[m] = dec_lo_[stage.tap[first + m]] * factor;
      weights1_[m] = dec_hi_[stage.tap[first + m]] * factor;
    }
    kernels_.combine_two({inputs_.data(), count}, weights0_.data(), weights1_.data(), {high.width},
                         low_row(stage.edge[e]), high.row(stage.edge[e]));
  }
}

}  // namespace dendrokv
