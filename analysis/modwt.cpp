// A filter with holes reads shifted views of the level above. Where a view wraps around the circle, the run of outputs is cut: between
// the cuts all views are contiguous, and the line kernels do the rest without copies.

#include "analysis/modwt.h"

#include <algorithm>
#include <cmath>
#include <memory>
#include <string>

#include "analysis/line_kernels.h"
#include "analysis/parallel.h"
#include "analysis/strips.h"
#include "data/error.h"

namespace dendrokv {
namespace {

std::vector<double> scaled(const std::vector<double>& filter, double factor) {
  std::vector<double> out;
  for (const double tap : filter) out.push_back(tap * factor);
  return out;
}

std::vector<double> reversed(std::vector<double> filter) {
  std::ranges::reverse(filter);
  return filter;
}

}  // namespace

Modwt::Modwt(const Wavelet& wavelet, size_t positions, uint32_t levels, Undecimated kind,
             uint32_t skipped)
    : positions_(positions), levels_(levels), skipped_(skipped) {
  if (positions == 0) fail("transform", "0 positions", "wanted at least 1");
  if (levels < 1 || skipped > 40 || levels + skipped > 40)
    fail("levels", std::to_string(levels), "wanted 1 to 40");
  const double root = std::sqrt(0.5);
  if (kind == Undecimated::Modwt) {
    analysis_ = {scaled(wavelet.rec_lo, root), scaled(wavelet.rec_hi, root), 0, -1};
    synthesis_ = {scaled(reversed(wavelet.dec_lo), root), scaled(reversed(wavelet.dec_hi), root),
                  0, 1};
    return;
  }
  const bool plain = kind == Undecimated::Stationary;
  const auto half = static_cast<int64_t>(wavelet.length() / 2);
  const double in = plain ? 1 : root, out = plain ? 0.5 : root;
  analysis_ = {scaled(wavelet.dec_lo, in), scaled(wavelet.dec_hi, in), half, -1};
  synthesis_ = {scaled(wavelet.rec_lo, out), scaled(wavelet.rec_hi, out), half - 1, -1};
}

IndexRange Modwt::valid(uint32_t level) const {
  DENDROKV_ASSERT(level >= 1 && level <= levels_);
  const auto positions = static_cast<int64_t>(positions_);
  const int64_t spread = ((int64_t{1} << level) - 1) << skipped_;
  const auto taps = static_cast<int64_t>(analysis_.low.size());
  const int64_t oldest = spread * (analysis_.shift - (taps - 1)), newest = spread * analysis_.shift;
  const int64_t first = std::max<int64_t>(-oldest, 0), end = positions - std::max<int64_t>(newest, 0);
  if (end <= first) return {};
  return {static_cast<size_t>(first), static_cast<size_t>(end - first)};
}

std::vector<size_t> Modwt::positions_seen(uint32_t level) const {
  DENDROKV_ASSERT(level >= 1 && level <= levels_);
  std::vector<size_t> seen;
  for (size_t tap = 0; tap < analysis_.low.size(); ++tap)
    seen.push_back(start_of(analysis_, tap, level + skipped_, positions_));
  return seen;
}

size_t Modwt::start_of(const Filters& filters, size_t tap, uint32_t level, size_t positions) {
  const auto circle = static_cast<int64_t>(positions);
  const int64_t spacing = (int64_t{1} << (level - 1)) % circle;
  const int64_t taps = filters.shift + filters.direction * static_cast<int64_t>(tap);
  return static_cast<size_t>(((spacing * taps) % circle + circle) % circle);
}

/// Filters in the type of the kernels; one per thread.
template <class Real>
class Modwt::Runner {
 public:
  explicit Runner(const Filters& filters)
      : filters_(filters),
        low_(kernel_taps<Real>(filters.low)),
        high_(kernel_taps<Real>(filters.high)) {}

  void analyse(Strip<const Real> x, size_t positions, uint32_t level, Strip<Real> low,
               Strip<Real> high) {
    views_.clear();
    for (size_t l = 0; l < low_.size(); ++l) views_.push_back({x, start_of(l, level, positions)});
    for_each_run(positions, [&](size_t first, size_t count, const Terms<Real>& terms) {
      kernels_.combine_two(terms, low_.data(), high_.data(), runs_of(low, high, count),
                           low.row(first), high.row(first));
    });
  }

  void synthesise(Strip<const Real> low, Strip<const Real> high, size_t positions, uint32_t level,
                  Strip<Real> x) {
    views_.clear();
    weights_.clear();
    for (size_t l = 0; l < low_.size(); ++l) {
      const size_t start = start_of(l, level, positions);
      if (low.data) views_.push_back({low, start}), weights_.push_back(low_[l]);
      if (high.data) views_.push_back({high, start}), weights_.push_back(high_[l]);
    }
    for_each_run(positions, [&](size_t first, size_t count, const Terms<Real>& terms) {
      kernels_.combine(terms, weights_.data(), runs_of(x, x, count), x.row(first));
    });
  }

 private:
  struct View {
    Strip<const Real> strip;
    size_t start;  // position that output 0 sees
  };

  size_t start_of(size_t tap, uint32_t level, size_t positions) const {
    return Modwt::start_of(filters_, tap, level, positions);
  }

  /// Rows without gaps are one long run.
  bool dense(const Strip<Real>& low, const Strip<Real>& high) const {
    const auto is_dense = [](const auto& strip) {
      return strip.stride == static_cast<ptrdiff_t>(strip.width);
    };
    return is_dense(low) && is_dense(high) &&
           std::ranges::all_of(views_, [&](const View& view) { return is_dense(view.strip); });
  }
  Runs runs_of(const Strip<Real>& low, const Strip<Real>& high, size_t count) const {
    if (dense(low, high)) return {count * low.width, 1, 0, 0, high.stores};
    return {low.width, count, low.stride, high.stride, high.stores};
  }

  template <class Body>
  void for_each_run(size_t positions, const Body& body) {
    cuts_ = {0, positions};
    for (const View& view : views_) cuts_.push_back(positions - view.start);
    std::ranges::sort(cuts_);
    inputs_.resize(views_.size());
    const auto step_of = [&](size_t m) { return m < views_.size() ? views_[m].strip.stride : 0; };
    for (size_t cut = 0; cut + 1 < cuts_.size(); ++cut) {
      const size_t first = cuts_[cut], count = cuts_[cut + 1] - first;
      if (count == 0) continue;
      for (size_t m = 0; m < views_.size(); ++m) {
        const size_t seen = first + views_[m].start;
        inputs_[m] = views_[m].strip.row(seen < positions ? seen : seen - positions);
      }
      body(first, count, Terms<Real>{inputs_.data(), inputs_.size(), step_of(0), step_of(1)});
    }
  }

  const LineKernels<Real>& kernels_ = line_kernels<Real>();
  const Filters& filters_;
  std::vector<Real> low_, high_, weights_;
  std::vector<View> views_;
  std::vector<size_t> cuts_;
  std::vector<const Real*> inputs_;
};

template <class Real>
void Modwt::forward(SignalView<const Real> signal, std::span<const SignalView<Real>> details,
                    std::span<const SignalView<Real>> smooths, unsigned threads) const {
  DENDROKV_ASSERT(signal.positions == positions_ && details.size() == levels_ &&
                  smooths.size() == levels_);
  const StripPlan strips(signal, threads);
  const Stores stores = stores_for(levels_ * positions_ * signal.batches * signal.channels * sizeof(Real));
  for_each_piece(strips.count(), threads, [&](size_t s) {
    const StripPlace place = strips.place(s);
    Runner<Real> runner(analysis_);
    StripIn<Real> source(signal, place);
    std::unique_ptr<Real[]> pyramid[2];  // left uninitialised: filling it would take as long as a level
    std::vector<StripOut<Real>> kept(levels_);
    kept.back() = StripOut<Real>(smooths.back(), place);
    Strip<const Real> x = source.strip();
    for (uint32_t level = 1; level <= levels_; ++level) {
      StripOut<Real> high(details[level - 1], place, stores);
      Strip<Real> low;
      if (smooths[level - 1].data) {
        if (level < levels_) kept[level - 1] = StripOut<Real>(smooths[level - 1], place);
        low = kept[level - 1].strip();
      } else if ((levels_ - level) % 2 == 0 && kept.back().strip().is_line()) {
        low = kept.back().strip();  // the caller's memory holds every second smooth on the way: fewer pages to ask for
      } else {
        if (!pyramid[level % 2])
          pyramid[level % 2] = std::make_unique_for_overwrite<Real[]>(positions_ * place.width);
        low = {pyramid[level % 2].get(), static_cast<ptrdiff_t>(place.width), place.width};
      }
      runner.analyse(x, positions_, level + skipped_, low, high.strip());
      high.store();
      x = low;
    }
    order_streamed_stores();
    // A sample that is not finite reaches the last smooth.
    if (!all_finite(x, positions_)) fail_at_gap(signal);
    for (StripOut<Real>& smooth : kept) smooth.store();
  });
}

void Modwt::forward(SignalView<const uint16_t> signal, std::span<const SignalView<float>> details,
                    std::span<const SignalView<float>> smooths, unsigned threads) const {
  const StripPlan strips(signal, threads);
  for_each_piece(strips.count(), threads, [&](size_t s) {
    const StripPlace place = strips.place(s);
    const std::vector<float> wide = widened(signal, place);
    const auto parts_of = [&](std::span<const SignalView<float>> bands) {
      std::vector<SignalView<float>> parts;
      for (const SignalView<float>& band : bands) parts.push_back(part_of(band, place));
      return parts;
    };
    const SignalView<const float> source{wide.data(), 1, positions_, place.width, 0,
                                         static_cast<ptrdiff_t>(place.width), 1};
    forward<float>(source, parts_of(details), parts_of(smooths));
  });
}

template <class Real>
void Modwt::inverse(std::span<const SignalView<const Real>> details,
                    SignalView<const Real> smooth, SignalView<Real> signal,
                    unsigned threads) const {
  DENDROKV_ASSERT(signal.positions == positions_ && details.size() == levels_);
  const StripPlan strips(SignalView<const Real>(signal), threads);
  for_each_piece(strips.count(), threads, [&](size_t s) {
    const StripPlace place = strips.place(s);
    Runner<Real> runner(synthesis_);
    StripIn<Real> last(smooth, place);
    StripOut<Real> out(signal, place);
    std::vector<Real> pyramid[2];
    Strip<const Real> low = last.strip();
    for (uint32_t level = levels_; level >= 1; --level) {
      StripIn<Real> high(details[level - 1], place);
      if (level > 1 && !low.data && !high.strip().data) continue;  // still nothing but zeros
      Strip<Real> x = out.strip();
      if (level > 1) {
        pyramid[level % 2].resize(positions_ * place.width);
        x = {pyramid[level % 2].data(), static_cast<ptrdiff_t>(place.width), place.width};
      }
      runner.synthesise(low, high.strip(), positions_, level + skipped_, x);
      low = x;
    }
    out.store();
  });
}

template void Modwt::forward(SignalView<const float>, std::span<const SignalView<float>>,
                             std::span<const SignalView<float>>, unsigned) const;
template void Modwt::forward(SignalView<const double>, std::span<const SignalView<double>>,
                             std::span<const SignalView<double>>, unsigned) const;
template void Modwt::inverse(std::span<const SignalView<const float>>, SignalView<const float>,
                             SignalView<float>, unsigned) const;
template void Modwt::inverse(std::span<const SignalView<const double>>, SignalView<const double>,
                             SignalView<double>, unsigned) const;

}  // namespace dendrokv
