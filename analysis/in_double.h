#pragma once
// A transform of floats that is worked out in double, strip by strip, and rounded once.

#include <cmath>
#include <span>
#include <vector>

#include "analysis/parallel.h"
#include "analysis/strips.h"

namespace dendrokv {

/// [position, channel] of a place as doubles.
class WideStrip {
 public:
  WideStrip(size_t positions, size_t width)
      : numbers_(positions * width), positions_(positions), width_(width) {}
  WideStrip(const SignalView<const float>& signal, const StripPlace& place)
      : WideStrip(signal.data ? signal.positions : 0, place.width) {
    for (size_t i = 0; i < numbers_.size(); ++i)
      numbers_[i] =
          static_cast<double>(*signal.at(place.batch, i / width_, place.channel + i % width_));
  }

  SignalView<double> view() {
    return {numbers_.empty() ? nullptr : numbers_.data(),
            1,
            positions_,
            width_,
            0,
            static_cast<ptrdiff_t>(width_),
            1};
  }
  void store(const SignalView<float>& out, const StripPlace& place) const {
    for (size_t i = 0; i < numbers_.size(); ++i) {
      const auto rounded = static_cast<float>(numbers_[i]);
      if (!std::isfinite(rounded))
        fail("transform", "sums beyond the range of float", "wanted smaller samples");
      *out.at(place.batch, i / width_, place.channel + i % width_) = rounded;
    }
  }

 private:
  std::vector<double> numbers_;
  size_t positions_, width_;
};

template <class Transform>
void forward_in_double(const Transform& transform, SignalView<const float> signal,
                       std::span<const SignalView<float>> bands, unsigned threads) {
  const StripPlan strips(signal, threads);
  for_each_piece(strips.count(), threads, [&](size_t s) {
    const StripPlace place = strips.place(s);
    WideStrip wide(signal, place);
    std::vector<WideStrip> out;
    for (const SignalView<float>& band : bands) out.emplace_back(band.positions, place.width);
    std::vector<SignalView<double>> views;
    for (WideStrip& band : out) views.push_back(band.view());
    transform.template forward<double>(wide.view(), views);
    for (size_t b = 0; b < bands.size(); ++b) out[b].store(bands[b], place);
  });
}

/// A band without data stays one.
template <class Transform>
void inverse_in_double(const Transform& transform, std::span<const SignalView<const float>> bands,
                       SignalView<float> signal, unsigned threads) {
  const StripPlan strips(SignalView<const float>(signal), threads);
  for_each_piece(strips.count(), threads, [&](size_t s) {
    const StripPlace place = strips.place(s);
    std::vector<WideStrip> wide;
    for (const SignalView<const float>& band : bands) wide.emplace_back(band, place);
    std::vector<SignalView<const double>> views;
    for (WideStrip& band : wide) views.push_back(band.view());
    WideStrip out(signal.positions, place.width);
    transform.template inverse<double>(views, out.view());
    out.store(signal, place);
  });
}

}  // namespace dendrokv
