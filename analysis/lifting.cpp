#include "analysis/lifting.h"

#include <algorithm>
#include <array>
#include <memory>
#include <ranges>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "analysis/in_double.h"
#include "analysis/lifting_blocks.h"
#include "analysis/lifting_inverse.h"
#include "analysis/line_kernels.h"
#include "analysis/parallel.h"
#include "analysis/strips.h"
#include "data/error.h"

namespace dendrokv {
namespace {

/// Even and odd samples of a strip, [pair, channel] each, and the steps on them.
class Lift {
 public:
  Lift(const LiftingForm& form, size_t width) : form_(form), width_(width) {}

  /// An odd signal repeats its last sample.
  void split(Strip<const double> x, size_t positions) {
    pairs_ = (positions + 1) / 2;
    for (std::vector<double>& samples : samples_) samples.resize(pairs_ * width_);
    if (x.is_line()) {
      kernels_.split(x.data, positions / 2, row(0, 0), row(1, 0));
      if (positions % 2 != 0) *row(0, pairs_ - 1) = *row(1, pairs_ - 1) = *x.row(positions - 1);
      return;
    }
    for (size_t p = 0; p < 2 * pairs_; ++p)
      std::copy_n(x.row(std::min(p, positions - 1)), width_, row(p % 2, p / 2));
  }
  void join(Strip<double> x, size_t positions) {
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

  void take(const LiftedBand& band, Strip<double> out) {
    const size_t start = around(0, band.offset), signal = static_cast<size_t>(band.signal);
    scale_rows(band.factor, {row(signal, start), dense(), width_}, out, pairs_ - start);
    scale_rows(band.factor, {row(signal, 0), dense(), width_},
               {out.row(pairs_ - start), out.stride, width_}, start);
  }
  /// A band without data is zeros.
  void put(const LiftedBand& band, Strip<const double> in, size_t pairs) {
    pairs_ = pairs;
    std::vector<double>& samples = samples_[static_cast<size_t>(band.signal)];
    if (!in.data) return samples.assign(pairs_ * width_, 0);
    samples.resize(pairs_ * width_);
    const double factor = 1 / band.factor;
    const size_t start = around(0, band.offset), signal = static_cast<size_t>(band.signal);
    scale_rows(factor, in, {row(signal, start), dense(), width_}, pairs_ - start);
    scale_rows(factor, {in.row(pairs_ - start), in.stride, width_},
               {row(signal, 0), dense(), width_}, start);
  }

 private:
  double* row(size_t signal, size_t pair) { return samples_[signal].data() + pair * width_; }
  ptrdiff_t dense() const { return static_cast<ptrdiff_t>(width_); }
  void scale_rows(double factor, Strip<const double> from, Strip<double> to, size_t rows) {
    const bool one_run = from.stride == dense() && to.stride == dense();
    for (size_t r = 0; r < (one_run ? 1 : rows); ++r)
      sums_.scale(factor, from.row(r), to.row(r), one_run ? rows * width_ : width_);
  }
  size_t around(size_t pair, int64_t offset) const {
    const auto circle = static_cast<int64_t>(pairs_);
    return static_cast<size_t>(((static_cast<int64_t>(pair) + offset) % circle + circle) % circle);
  }

  void add(const LiftingStep& step, const double* factors, double sign) {
    const auto changed = static_cast<size_t>(step.changed);
    for (uint32_t i = 0; i < step.count; ++i) {
      const double factor = sign * factors[i];
      // The circle makes two runs without gaps.
      const size_t start = around(0, int64_t{step.first} + i);
      add_run(factor, row(1 - changed, start), row(changed, 0), pairs_ - start);
      add_run(factor, row(1 - changed, 0), row(changed, pairs_ - start), start);
    }
  }
  void add_run(double factor, const double* from, double* to, size_t pairs) {
    sums_.add({&factor, 1}, &from, to, pairs * width_);
  }

  const LineKernels<double>& kernels_ = line_kernels<double>();
  const LiftingForm& form_;
  LiftingSums sums_;
  size_t width_, pairs_ = 0;
  std::array<std::vector<double>, 2> samples_;
};

/// All levels of a strip: the long ones in blocks, the others one after the other.
void analyse(const LiftingForm& form, std::span<const size_t> lengths, Strip<const double> x,
             std::span<const Strip<double>> high, Strip<double> last) {
  const size_t levels = high.size(), width = x.width;
  const auto dense = static_cast<ptrdiff_t>(width);
  // Left uninitialised: filling it would take as long as a level.
  std::unique_ptr<double[]> pyramid;
  Lift lift(form, width);
  for (size_t level = 0; level < levels;) {
    const std::span<const size_t> left = lengths.subspan(level);
    const size_t blocked = LiftedBlocks::levels_that_pay(form, left, width);
    const size_t made = std::max<size_t>(blocked, 1);
    std::unique_ptr<double[]> next;
    Strip<double> low = last;
    if (level + made < levels) {
      // One level takes a copy of what it reads and may write over it, blocks may not.
      if (blocked > 0 || !pyramid)
        next = std::make_unique_for_overwrite<double[]>(left[made] * width);
      low = {next ? next.get() : pyramid.get(), dense, width};
    }
    if (blocked > 0) {
      LiftedBlocks(form, left, x, high.subspan(level, made), low).run();
    } else {
      lift.split(x, left[0]);
      lift.forward();
      lift.take(form.high, high[level]);
      lift.take(form.low, low);
    }
    if (next) pyramid = std::move(next);
    x = low;
    level += made;
  }
}

/// The long levels in blocks, the others one after the other, from the deepest up.
void restore(const LiftingForm& form, std::span<const size_t> lengths, Strip<const double> low,
             std::span<const Strip<const double>> high, Strip<double> x) {
  const size_t width = x.width;
  struct Group {
    size_t first, count;  // levels
    bool blocked;
  };
  std::vector<Group> groups;
  for (size_t level = 0; level < high.size(); level += groups.back().count) {
    const uint32_t blocked = UnliftedBlocks::levels_that_pay(form, lengths.subspan(level), width);
    groups.push_back({level, std::max<size_t>(blocked, 1), blocked > 0});
  }
  // Left uninitialised: filling it would take as long as a level.
  std::unique_ptr<double[]> pyramid;
  Lift lift(form, width);
  for (const Group& group : std::views::reverse(groups)) {
    const size_t first = group.first;
    std::unique_ptr<double[]> above;
    Strip<double> out = x;
    if (first > 0) {
      above = std::make_unique_for_overwrite<double[]>(lengths[first] * width);
      out = {above.get(), static_cast<ptrdiff_t>(width), width};
    }
    if (group.blocked) {
      UnliftedBlocks(form, lengths.subspan(first, group.count + 1), low,
                     high.subspan(first, group.count), out)
          .run();
    } else {
      lift.put(form.low, low, lengths[first + 1]);
      lift.put(form.high, high[first], lengths[first + 1]);
      lift.backward();
      lift.join(out, lengths[first]);
    }
    pyramid = std::move(above);
    low = out;
  }
}

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
  if constexpr (std::is_same_v<Real, float>) {
    forward_in_double(*this, signal, bands, threads);
  } else {
    const StripPlan strips(signal, threads);
    for_each_piece(strips.count(), threads, [&](size_t s) {
      const StripPlace place = strips.place(s);
      const StripIn<Real> source(signal, place);
      std::vector<StripOut<Real>> outs;  // A_J, then D_1 to D_J
      std::vector<Strip<Real>> high;
      outs.emplace_back(bands[0], place);
      for (uint32_t level = 1; level <= levels(); ++level) {
        outs.emplace_back(bands[levels() + 1 - level], place);
        high.push_back(outs.back().strip());
      }
      const Strip<Real> last = outs[0].strip();
      analyse(*form_, lengths_, source.strip(), high, last);
      if (!all_finite<Real>(last, lengths_.back())) fail_at_gap(signal);
      for (StripOut<Real>& out : outs) out.store();
    });
  }
}

template <class Real>
void LiftedDwt::inverse(std::span<const SignalView<const Real>> bands, SignalView<Real> signal,
                        unsigned threads) const {
  DENDROKV_ASSERT(signal.positions == positions() && bands.size() == lengths_.size());
  if constexpr (std::is_same_v<Real, float>) {
    inverse_in_double(*this, bands, signal, threads);
  } else {
    const StripPlan strips(SignalView<const Real>(signal), threads);
    for_each_piece(strips.count(), threads, [&](size_t s) {
      const StripPlace place = strips.place(s);
      const StripIn<Real> deepest(bands[0], place);
      std::vector<StripIn<Real>> ins;  // D_1 to D_J
      std::vector<Strip<const Real>> high;
      for (uint32_t level = 1; level <= levels(); ++level) {
        ins.emplace_back(bands[levels() + 1 - level], place);
        high.push_back(ins.back().strip());
      }
      StripOut<Real> out(signal, place);
      restore(*form_, lengths_, deepest.strip(), high, out.strip());
      out.store();
    });
  }
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
