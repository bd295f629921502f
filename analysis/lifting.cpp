#include "analysis/lifting.h"

#include <algorithm>
#include <array>
#include <string>
#include <type_traits>

#include "analysis/in_double.h"
#include "analysis/line_kernels.h"
#include "analysis/parallel.h"
#include "analysis/strips.h"
#include "data/error.h"

namespace dendrokv {
namespace {

/// Even and odd samples of a strip, [pair, channel] each, and the steps on them.
template <class Real>
class Lift {
 public:
  Lift(const LiftingForm& form, size_t width) : form_(form), width_(width) {}

  /// An odd signal repeats its last sample.
  void split(Strip<const Real> x, size_t positions) {
    pairs_ = (positions + 1) / 2;
    for (std::vector<Real>& samples : samples_) samples.resize(pairs_ * width_);
    if (x.is_line()) {
      kernels_.split(x.data, positions / 2, row(0, 0), row(1, 0));
      if (positions % 2 != 0) *row(0, pairs_ - 1) = *row(1, pairs_ - 1) = *x.row(positions - 1);
      return;
    }
    for (size_t p = 0; p < 2 * pairs_; ++p)
      std::copy_n(x.row(std::min(p, positions - 1)), width_, row(p % 2, p / 2));
  }
  void join(Strip<Real> x, size_t positions) {
    if (x.is_line()) {
      kernels_.join(row(0, 0), row(1, 0), positions / 2, x.data);
      if (positions % 2 != 0) *x.row(positions - 1) = *row(0, pairs_ - 1);
      return;
    }
    for (size_t p = 0; p < positions; ++p) std::copy_n(row(p % 2, p / 2), width_, x.row(p));
  }

  void forward() {
    const double* factor = form_.factors.data();
    for (const LiftingStep& step : form_.steps) {
      add(step, factor, 1);
      factor += step.count;
    }
  }
  void backward() {
    const double* factor = form_.factors.data() + form_.factors.size();
    for (size_t s = form_.steps.size(); s > 0; --s) {
      factor -= form_.steps[s - 1].count;
      add(form_.steps[s - 1], factor, -1);
    }
  }

  void take(const LiftedBand& band, Strip<Real> out) {
    const auto factor = static_cast<Real>(band.factor);
    const size_t start = around(0, band.offset), signal = static_cast<size_t>(band.signal);
    scale_rows(factor, {row(signal, start), dense(), width_}, out, pairs_ - start);
    scale_rows(factor, {row(signal, 0), dense(), width_},
               {out.row(pairs_ - start), out.stride, width_}, start);
  }
  /// A band without data is zeros.
  void put(const LiftedBand& band, Strip<const Real> in, size_t pairs) {
    pairs_ = pairs;
    samples_[static_cast<size_t>(band.signal)].assign(pairs_ * width_, 0);
    if (!in.data) return;
    const auto factor = static_cast<Real>(1 / band.factor);
    const size_t start = around(0, band.offset), signal = static_cast<size_t>(band.signal);
    scale_rows(factor, in, {row(signal, start), dense(), width_}, pairs_ - start);
    scale_rows(factor, {in.row(pairs_ - start), in.stride, width_},
               {row(signal, 0), dense(), width_}, start);
  }

 private:
  Real* row(size_t signal, size_t pair) { return samples_[signal].data() + pair * width_; }
  ptrdiff_t dense() const { return static_cast<ptrdiff_t>(width_); }
  void scale_rows(Real factor, Strip<const Real> from, Strip<Real> to, size_t rows) const {
    const bool one_run = from.stride == dense() && to.stride == dense();
    for (size_t r = 0; r < (one_run ? 1 : rows); ++r)
      scale_run(factor, from.row(r), to.row(r), one_run ? rows * width_ : width_);
  }
  static void scale_run(Real factor, const Real* __restrict from, Real* __restrict to,
                        size_t count) {
    for (size_t c = 0; c < count; ++c) to[c] = factor * from[c];
  }
  size_t around(size_t pair, int64_t offset) const {
    const auto circle = static_cast<int64_t>(pairs_);
    return static_cast<size_t>(((static_cast<int64_t>(pair) + offset) % circle + circle) % circle);
  }

  void add(const LiftingStep& step, const double* factors, double sign) {
    const auto changed = static_cast<size_t>(step.changed);
    for (uint32_t i = 0; i < step.count; ++i) {
      const auto factor = static_cast<Real>(sign * factors[i]);
      // The circle makes two runs without gaps.
      const size_t start = around(0, int64_t{step.first} + i);
      add_run(factor, row(1 - changed, start), row(changed, 0), pairs_ - start);
      add_run(factor, row(1 - changed, 0), row(changed, pairs_ - start), start);
    }
  }
  void add_run(Real factor, const Real* __restrict from, Real* __restrict to, size_t pairs) const {
    for (size_t c = 0; c < pairs * width_; ++c) to[c] += factor * from[c];
  }

  const LineKernels<Real>& kernels_ = line_kernels<Real>();
  const LiftingForm& form_;
  size_t width_, pairs_ = 0;
  std::array<std::vector<Real>, 2> samples_;
};

}  // namespace

std::vector<std::string_view> lifting_names() {
  std::vector<std::string_view> names;
  for (const LiftingForm& form : lifting_forms()) names.push_back(form.name);
  return names;
}

LiftedDwt::LiftedDwt(std::string_view wavelet, size_t positions, uint32_t levels) : form_(nullptr) {
  for (const LiftingForm& form : lifting_forms())
    if (form.name == wavelet) form_ = &form;
  if (!form_)
    fail("lifting of wavelet '" + std::string(wavelet) + "'", "no factorisation is known",
         "wanted one of lifting_names()", did_you_mean(wavelet, lifting_names()));
  if (positions == 0) fail("transform", "0 positions", "wanted at least 1");
  if (levels < 1 || levels > 62) fail("levels", std::to_string(levels), "wanted 1 to 62");
  lengths_.push_back(positions);
  for (uint32_t level = 1; level <= levels; ++level) lengths_.push_back((lengths_.back() + 1) / 2);
}

template <class Real>
void LiftedDwt::forward(SignalView<const Real> signal, std::span<const SignalView<Real>> bands,
                        unsigned threads) const {
  DENDROKV_ASSERT(signal.positions == positions() && bands.size() == lengths_.size());
  if constexpr (std::is_same_v<Real, float>)
    return forward_in_double(*this, signal, bands, threads);
  const StripPlan strips(signal, threads);
  for_each_piece(strips.count(), threads, [&](size_t s) {
    const StripPlace place = strips.place(s);
    Lift<Real> lift(*form_, place.width);
    StripIn<Real> source(signal, place);
    StripOut<Real> last(bands[0], place);
    std::vector<Real> pyramid(lengths_[1] * place.width);
    const Strip<Real> middle{pyramid.data(), static_cast<ptrdiff_t>(place.width), place.width};
    Strip<const Real> x = source.strip();
    for (uint32_t level = 1; level <= levels(); ++level) {
      StripOut<Real> high(bands[levels() + 1 - level], place);
      const Strip<Real> low = level == levels() ? last.strip() : middle;
      lift.split(x, lengths_[level - 1]);
      lift.forward();
      lift.take(form_->high, high.strip());
      lift.take(form_->low, low);
      high.store();
      x = low;
    }
    if (!all_finite(x, lengths_.back())) fail_at_gap(signal);
    last.store();
  });
}

template <class Real>
void LiftedDwt::inverse(std::span<const SignalView<const Real>> bands, SignalView<Real> signal,
                        unsigned threads) const {
  DENDROKV_ASSERT(signal.positions == positions() && bands.size() == lengths_.size());
  if constexpr (std::is_same_v<Real, float>)
    return inverse_in_double(*this, bands, signal, threads);
  const StripPlan strips(SignalView<const Real>(signal), threads);
  for_each_piece(strips.count(), threads, [&](size_t s) {
    const StripPlace place = strips.place(s);
    Lift<Real> lift(*form_, place.width);
    StripIn<Real> deepest(bands[0], place);
    StripOut<Real> out(signal, place);
    std::vector<Real> pyramid(lengths_[1] * place.width);
    const Strip<Real> middle{pyramid.data(), static_cast<ptrdiff_t>(place.width), place.width};
    Strip<const Real> low = deepest.strip();
    for (uint32_t level = levels(); level >= 1; --level) {
      StripIn<Real> high(bands[levels() + 1 - level], place);
      lift.put(form_->low, low, lengths_[level]);
      lift.put(form_->high, high.strip(), lengths_[level]);
      lift.backward();
      const Strip<Real> x = level == 1 ? out.strip() : middle;
      lift.join(x, lengths_[level - 1]);
      low = x;
    }
    out.store();
  });
}

template void LiftedDwt::forward(SignalView<const float>, std::span<const SignalView<float>>,
                                 unsigned) const;
template void LiftedDwt::forward(SignalView<const double>, std::span<const SignalView<double>>,
                                 unsigned) const;
template void LiftedDwt::inverse(std::span<const SignalView<const float>>, SignalView<float>,
                                 unsigned) const;
template void LiftedDwt::inverse(std::span<const SignalView<const double>>, SignalView<double>,
                                 unsigned) const;

}  // namespace dendrokv
