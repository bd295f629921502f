// A transform works on strips, as dwt.cpp does: one signal along the contiguous axis, or a tile of
// neighbouring channels, for all levels.

#include "analysis/modwt.h"

#include <algorithm>
#include <cmath>
#include <memory>
#include <string>

#include "analysis/line_kernels.h"
#include "analysis/parallel.h"
#include "analysis/strips.h"
#include "analysis/undecimated_cascade.h"
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
  if (levels < 1 || skipped > 40 || levels > 40 - skipped)
    fail("levels", std::to_string(levels), "wanted 1 to 40");
  const double root = std::sqrt(0.5);
  if (kind == Undecimated::Modwt) {
    analysis_ = {scaled(wavelet.rec_lo, root), scaled(wavelet.rec_hi, root), 0, -1};
    synthesis_ = {scaled(reversed(wavelet.dec_lo), root), scaled(reversed(wavelet.dec_hi), root), 0,
                  1};
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
  const int64_t first = std::max<int64_t>(-oldest, 0),
                end = positions - std::max<int64_t>(newest, 0);
  if (end <= first) return {};
  return {static_cast<size_t>(first), static_cast<size_t>(end - first)};
}

std::vector<size_t> Modwt::positions_seen(uint32_t level) const {
  DENDROKV_ASSERT(level >= 1 && level <= levels_);
  std::vector<size_t> seen;
  const Circle<const double> circle{{}, static_cast<int64_t>(positions_)};
  for (size_t tap = 0; tap < analysis_.low.size(); ++tap)
    seen.push_back(static_cast<size_t>(circle.around(spacing(level) * analysis_.offset(tap))));
  return seen;
}

/// How far apart the taps of a level are on the circle.
int64_t Modwt::spacing(uint32_t level) const {
  return (int64_t{1} << (level + skipped_ - 1)) % static_cast<int64_t>(positions_);
}

/// All levels of a strip. Smooths that are not wanted go by in blocks, or level after level in
/// memory of their own.
template <class Real>
void Modwt::analyse(Strip<const Real> x, std::span<const Circle<Real>> high,
                    std::span<const Circle<Real>> low) const {
  const auto circle = static_cast<int64_t>(positions_);
  std::vector<int64_t> spacings;
  for (uint32_t level = 1; level <= levels_; ++level) spacings.push_back(spacing(level));
  if (undecimated_cascade_pays(analysis_, spacings, positions_, x.width * sizeof(Real)))
    return UndecimatedCascade<Real>(analysis_, spacings, {x, circle}, high, low).run();
  UndecimatedRunner<Real> runner(analysis_);
  // Left uninitialised: filling it would take as long as a level.
  std::unique_ptr<Real[]> pyramid[2];
  Circle<const Real> above{x, circle};
  for (size_t level = 0; level < levels_; ++level) {
    Circle<Real> smooth = low[level];
    if (!smooth.rows.data) {
      auto& rows = pyramid[level % 2];
      if (!rows) rows = std::make_unique_for_overwrite<Real[]>(positions_ * x.width);
      smooth = {{rows.get(), static_cast<ptrdiff_t>(x.width), x.width}, circle};
    }
    runner.analyse(above, spacings[level], {0, circle}, smooth, high[level]);
    above = smooth;
  }
}

template <class Real>
void Modwt::forward(SignalView<const Real> signal, std::span<const SignalView<Real>> details,
                    std::span<const SignalView<Real>> smooths, unsigned threads) const {
  DENDROKV_ASSERT(signal.positions == positions_ && details.size() == levels_ &&
                  smooths.size() == levels_);
  const StripPlan strips(signal, threads, TileRows::Wide);
  const Stores stores =
      stores_for(levels_ * positions_ * signal.batches * signal.channels * sizeof(Real));
  const auto circle = static_cast<int64_t>(positions_);
  for_each_piece(strips.count(), threads, [&](size_t s) {
    const StripPlace place = strips.place(s);
    const StripIn<Real> source(signal, place);
    std::vector<StripOut<Real>> bands;
    std::vector<Circle<Real>> high, low(levels_);
    for (uint32_t level = 0; level < levels_; ++level) {
      bands.emplace_back(details[level], place, stores);
      high.push_back({bands.back().strip(), circle});
    }
    for (uint32_t level = 0; level < levels_; ++level) {
      if (!smooths[level].data) continue;
      bands.emplace_back(smooths[level], place);
      low[level] = {bands.back().strip(), circle};
    }
    analyse<Real>(source.strip(), high, low);
    order_streamed_stores();
    // A sample that is not finite reaches the last smooth.
    if (!all_finite<Real>(low.back().rows, positions_)) fail_at_gap(signal);
    for (StripOut<Real>& band : bands) band.store();
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
    const SignalView<const float> source{
        wide.data(), 1, positions_, place.width, 0, static_cast<ptrdiff_t>(place.width), 1};
    forward<float>(source, parts_of(details), parts_of(smooths));
  });
}

template <class Real>
void Modwt::inverse(std::span<const SignalView<const Real>> details, SignalView<const Real> smooth,
                    SignalView<Real> signal, unsigned threads) const {
  DENDROKV_ASSERT(signal.positions == positions_ && details.size() == levels_);
  const StripPlan strips(SignalView<const Real>(signal), threads);
  for_each_piece(strips.count(), threads, [&](size_t s) {
    const StripPlace place = strips.place(s);
    UndecimatedRunner<Real> runner(synthesis_);
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
      const auto circle = static_cast<int64_t>(positions_);
      runner.synthesise({low, circle}, {high.strip(), circle}, spacing(level), {0, circle},
                        {x, circle});
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
