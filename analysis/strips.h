#pragma once
// How signals of any strides are cut into strips that the kernels can run on: rows of neighbouring
// channels where channels are contiguous, else one signal at a time; what is contiguous in neither
// way is gathered into a strip of its own and scattered back.

#include <algorithm>
#include <cmath>
#include <string>
#include <type_traits>
#include <vector>

#include "analysis/dwt_stage.h"
#include "analysis/signal_view.h"
#include "data/error.h"
#include "data/half.h"

namespace dendrokv {

struct StripPlace {
  size_t batch, channel, width;
};

/// Bytes of a tile's rows. Narrow: a filter's rows stay in the first cache. Wide: results that are
/// written past the caches to many bands in turn come in long pieces.
enum class TileRows : size_t { Narrow = 256, Wide = 1024 };

class StripPlan {
 public:
  template <class T>
  StripPlan(const SignalView<const T>& signal, unsigned threads, TileRows rows = TileRows::Narrow)
      : batches_(signal.batches), channels_(signal.channels) {
    // Of two cache lines at least, however many threads wait: processors fetch lines in pairs, and
    // two threads on halves of a pair took three times as long as one on both.
    constexpr size_t kLeast = 128 / sizeof(T);
    const size_t most = static_cast<size_t>(rows) / sizeof(T);
    if (signal.channel_stride != 1 || signal.channels <= 1 ||
        (signal.position_stride == 1 && signal.positions > 1))
      return;
    width_ = std::min(channels_, most);
    while (width_ > kLeast && batches_ * tiles() < threads) width_ = (width_ + 1) / 2;
    if (width_ < channels_) width_ = std::max(width_ / kLeast * kLeast, kLeast);
    width_ = std::min(width_, channels_);
  }

  size_t count() const { return batches_ * tiles(); }
  StripPlace place(size_t strip) const {
    const size_t channel = strip % tiles() * width_;
    return {strip / tiles(), channel, std::min(width_, channels_ - channel)};
  }

 private:
  size_t tiles() const { return (channels_ + width_ - 1) / width_; }

  size_t batches_, channels_, width_ = 1;
};

/// Whether the kernels can run on the signals in place.
template <class T>
bool runs_in_place(const SignalView<T>& signal, const StripPlace& place) {
  return place.width == 1 || signal.channel_stride == 1;
}

/// A strip to read: the caller's memory, or a gathered copy.
template <class Real>
class StripIn {
 public:
  StripIn(const SignalView<const Real>& signal, const StripPlace& place) {
    if (!signal.data) return;
    const bool line = place.width == 1 && signal.position_stride != 1;
    if (runs_in_place(signal, place) && !line) {
      strip_ = {signal.at(place.batch, 0, place.channel), signal.position_stride, place.width};
      return;
    }
    copy_.reserve(signal.positions * place.width);
    for (size_t p = 0; p < signal.positions; ++p)
      for (size_t c = 0; c < place.width; ++c)
        copy_.push_back(*signal.at(place.batch, p, place.channel + c));
    strip_ = {copy_.data(), static_cast<ptrdiff_t>(place.width), place.width};
  }
  Strip<const Real> strip() const { return strip_; }

 private:
  std::vector<Real> copy_;
  Strip<const Real> strip_;
};

/// A strip to write; store() scatters a copy.
template <class Real>
class StripOut {
 public:
  StripOut() = default;
  StripOut(const SignalView<Real>& signal, const StripPlace& place, Stores stores = Stores::Cached)
      : signal_(signal), place_(place) {
    const bool line = place.width == 1 && signal.position_stride != 1;
    if (runs_in_place(signal, place) && !line) {
      strip_ = {signal.at(place.batch, 0, place.channel), signal.position_stride, place.width,
                stores};
      return;
    }
    copy_.resize(signal.positions * place.width);
    strip_ = {copy_.data(), static_cast<ptrdiff_t>(place.width), place.width};
  }
  Strip<Real> strip() const { return strip_; }
  void store() {
    for (size_t i = 0; i < copy_.size(); ++i)
      *signal_.at(place_.batch, i / place_.width, place_.channel + i % place_.width) = copy_[i];
  }

 private:
  SignalView<Real> signal_;
  StripPlace place_{};
  std::vector<Real> copy_;
  Strip<Real> strip_;
};

/// The signals of one place.
template <class T>
SignalView<T> part_of(const SignalView<T>& signal, const StripPlace& place) {
  SignalView<T> part = signal;
  if (part.data) part.data = signal.at(place.batch, 0, place.channel);
  part.batches = 1;
  part.channels = place.width;
  return part;
}

/// [position, channel] of a place, half floats made floats.
inline std::vector<float> widened(const SignalView<const uint16_t>& signal,
                                  const StripPlace& place) {
  std::vector<uint16_t> halves;
  halves.reserve(signal.positions * place.width);
  for (size_t p = 0; p < signal.positions; ++p)
    for (size_t c = 0; c < place.width; ++c)
      halves.push_back(*signal.at(place.batch, p, place.channel + c));
  std::vector<float> wide(halves.size());
  from_half(halves, wide);
  return wide;
}

template <class Real>
bool all_finite(Strip<const Real> strip, size_t positions) {
  const bool dense = strip.stride == static_cast<ptrdiff_t>(strip.width);
  for (size_t p = 0; p < (dense ? 1 : positions); ++p)
    if (!line_kernels<Real>().finite(strip.row(p), dense ? positions * strip.width : strip.width))
      return false;
  return true;
}

template <class Real>
[[noreturn]] void fail_at_gap(const SignalView<const Real>& signal) {
  for (size_t p = 0; p < signal.positions; ++p)
    for (size_t b = 0; b < signal.batches; ++b)
      for (size_t c = 0; c < signal.channels; ++c)
        if (!std::isfinite(*signal.at(b, p, c)))
          fail("signal at position " + std::to_string(p), "not a finite number", "wanted numbers",
               "mask or interpolate the gaps first");
  fail("signal", "sums beyond the range of the numbers", "wanted smaller ones");
}

}  // namespace dendrokv
