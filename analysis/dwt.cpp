// A transform works on strips: one signal along the contiguous axis, or a tile of neighbouring
// channels, for all levels. Strips are independent: threads share them out.

#include "analysis/dwt.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <type_traits>

#include "analysis/dwt_cascade.h"
#include "analysis/dwt_stage.h"
#include "analysis/in_double.h"
#include "analysis/parallel.h"
#include "analysis/strips.h"
#include "data/error.h"

namespace dendrokv {
namespace {

void check_depth(const Wavelet& wavelet, size_t positions, uint32_t levels, Depth depth) {
  if (positions == 0) fail("transform", "0 positions", "wanted at least 1");
  const uint32_t deepest = depth == Depth::Any ? 62 : deepest_level(positions, wavelet.length());
  if (levels < 1 || levels > deepest)
    fail(std::to_string(levels) + " levels of wavelet " + wavelet.name,
         std::to_string(positions) + " positions",
         deepest == 0 ? "wanted at least " + std::to_string(2 * (wavelet.length() - 1))
                      : "wanted 1 to " + std::to_string(deepest) + " levels",
         "take fewer levels, a shorter wavelet or a longer signal");
}

double energy(std::span<const double> taps) {
  double sum = 0;
  for (const double tap : taps) sum += tap * tap;
  return sum;
}

/// Where coefficients grow far beyond the samples, so that a round trip in float would lose digits:
/// what continues a slope does so by many lengths of a short signal, and bior3.1 (by its taps, as
/// callers name theirs as they like) has a dual whose scaling function has no finite energy, which
/// each level comes closer to.
bool grows(const Wavelet& wavelet, Boundary boundary) {
  return boundary == Boundary::Smooth || boundary == Boundary::Antireflect ||
         (wavelet.length() == 4 && std::max(energy(wavelet.dec_lo), energy(wavelet.rec_lo)) > 2);
}

}  // namespace

Dwt::Dwt(Wavelet wavelet, Boundary boundary, size_t positions, uint32_t levels, Depth depth)
    : wavelet_(std::move(wavelet)), boundary_(boundary), positions_(positions) {
  check_depth(wavelet_, positions, levels, depth);
  IndexRange valid{0, positions};
  cascaded_ = cascade_levels(wavelet_.length(), positions, levels);
  for (uint32_t level = 1; level <= levels; ++level) {
    const auto inner = level <= cascaded_ ? Stage::Inner::Valid : Stage::Inner::Most;
    const Stage& stage = stages_.emplace_back(wavelet_, boundary, positions, valid, inner);
    valid = stage.valid;
    positions = stage.output;
  }
}

Dwt::~Dwt() = default;
Dwt::Dwt(Dwt&& other) noexcept = default;

uint32_t Dwt::levels() const {
  return static_cast<uint32_t>(stages_.size());
}

size_t Dwt::length(uint32_t level) const {
  DENDROKV_ASSERT(level <= levels());
  return stages_[level == 0 ? levels() - 1 : level - 1].output;
}

size_t Dwt::coefficients() const {
  size_t total = length(0);
  for (const Stage& stage : stages_) total += stage.output;
  return total;
}

IndexRange Dwt::valid(uint32_t level) const {
  DENDROKV_ASSERT(level <= levels());
  return stages_[level == 0 ? levels() - 1 : level - 1].valid;
}

template <class T>
std::vector<SignalView<T>> Dwt::bands_of(SignalView<T> all) const {
  DENDROKV_ASSERT(all.positions == coefficients());
  std::vector<SignalView<T>> bands = {all.positions_from(0, length(0))};
  size_t first = length(0);
  for (uint32_t level = levels(); level >= 1; --level) {
    bands.push_back(all.positions_from(first, length(level)));
    first += length(level);
  }
  return bands;
}

template <class Real>
void Dwt::forward(SignalView<const Real> signal, std::span<const SignalView<Real>> bands,
                  unsigned threads) const {
  DENDROKV_ASSERT(signal.positions == positions_ && bands.size() == stages_.size() + 1);
  if constexpr (std::is_same_v<Real, float>)
    if (grows(wavelet_, boundary_)) return forward_in_double(*this, signal, bands, threads);
  const StripPlan strips(signal, threads);
  const Stores stores =
      stores_for(coefficients() * signal.batches * signal.channels * sizeof(Real));
  for_each_piece(strips.count(), threads, [&](size_t s) {
    const StripPlace place = strips.place(s);
    StageRunner<Real> runner(wavelet_);
    StripIn<Real> source(signal, place);
    std::vector<Real> pyramid[2];
    StripOut<Real> last;  // the approximation, looked at once more at the end
    const auto low_of = [&](uint32_t level) {
      if (level == levels()) {
        last = StripOut<Real>(bands[0], place);
        return last.strip();
      }
      pyramid[level % 2].resize(
          std::max(pyramid[level % 2].size(), stages_[level - 1].output * place.width));
      return Strip<Real>{pyramid[level % 2].data(), static_cast<ptrdiff_t>(place.width),
                         place.width};
    };
    Strip<const Real> x = source.strip();
    if (cascaded_ > 0) {
      std::vector<StripOut<Real>> high;
      std::vector<Strip<Real>> high_strips;
      for (uint32_t level = 1; level <= cascaded_; ++level) {
        high.emplace_back(bands[levels() + 1 - level], place, stores);
        high_strips.push_back(high.back().strip());
      }
      const Strip<Real> low = low_of(cascaded_);
      Cascade<Real>({stages_.data(), cascaded_}, runner, x, high_strips, low).run();
      for (StripOut<Real>& band : high) band.store();
      x = low;
    }
    for (uint32_t level = cascaded_ + 1; level <= levels(); ++level) {
      StripOut<Real> high(bands[levels() + 1 - level], place, stores);
      const Strip<Real> low = low_of(level);
      runner.analyse(stages_[level - 1], x, low, high.strip());
      high.store();
      x = low;
    }
    last.store();
    order_streamed_stores();
    // A sample that is not finite reaches the approximation.
    if (!all_finite(x, length(0))) fail_at_gap(signal);
  });
}

void Dwt::forward(SignalView<const uint16_t> signal, std::span<const SignalView<float>> bands,
                  unsigned threads) const {
  const StripPlan strips(signal, threads);
  for_each_piece(strips.count(), threads, [&](size_t s) {
    const StripPlace place = strips.place(s);
    const std::vector<float> wide = widened(signal, place);
    std::vector<SignalView<float>> parts;
    for (const SignalView<float>& band : bands) parts.push_back(part_of(band, place));
    const SignalView<const float> source{
        wide.data(), 1, positions_, place.width, 0, static_cast<ptrdiff_t>(place.width), 1};
    forward<float>(source, parts);
  });
}

template <class Real>
void Dwt::inverse(std::span<const SignalView<const Real>> bands, SignalView<Real> signal,
                  unsigned threads) const {
  DENDROKV_ASSERT(signal.positions == positions_ && bands.size() == stages_.size() + 1);
  if constexpr (std::is_same_v<Real, float>)
    if (grows(wavelet_, boundary_)) return inverse_in_double(*this, bands, signal, threads);
  const StripPlan strips(SignalView<const Real>(signal), threads);
  for_each_piece(strips.count(), threads, [&](size_t s) {
    const StripPlace place = strips.place(s);
    StageRunner<Real> runner(wavelet_);
    std::vector<Real> pyramid[2];
    StripIn<Real> deepest(bands[0], place);
    StripOut<Real> out(signal, place);
    Strip<const Real> low = deepest.strip();
    for (uint32_t level = levels(); level >= 1; --level) {
      const Stage& stage = stages_[level - 1];
      StripIn<Real> high(bands[levels() + 1 - level], place);
      Strip<Real> x = out.strip();
      if (level > 1) {
        if (!low.data && !high.strip().data) continue;  // still nothing but zeros
        pyramid[level % 2].resize(std::max(pyramid[level % 2].size(), stage.input * place.width));
        x = {pyramid[level % 2].data(), static_cast<ptrdiff_t>(place.width), place.width};
      }
      runner.synthesise(stage, low, high.strip(), x, stage.input);
      low = x;
    }
    out.store();
  });
}

template std::vector<SignalView<float>> Dwt::bands_of(SignalView<float>) const;
template std::vector<SignalView<double>> Dwt::bands_of(SignalView<double>) const;
template std::vector<SignalView<const float>> Dwt::bands_of(SignalView<const float>) const;
template std::vector<SignalView<const double>> Dwt::bands_of(SignalView<const double>) const;
template void Dwt::forward(SignalView<const float>, std::span<const SignalView<float>>,
                           unsigned) const;
template void Dwt::forward(SignalView<const double>, std::span<const SignalView<double>>,
                           unsigned) const;
template void Dwt::inverse(std::span<const SignalView<const float>>, SignalView<float>,
                           unsigned) const;
template void Dwt::inverse(std::span<const SignalView<const double>>, SignalView<double>,
                           unsigned) const;

}  // namespace dendrokv
