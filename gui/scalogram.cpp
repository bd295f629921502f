#include <algorithm>
#include <cmath>

#include "analysis/modwt.h"
#include "gui/trace_queries.h"

namespace dendrokv {
namespace {

/// The largest of each `unit` values.
std::vector<float> thinned(std::span<const float> values, size_t unit) {
  std::vector<float> largest((values.size() + unit - 1) / unit);
  for (size_t i = 0; i < values.size(); ++i)
    largest[i / unit] = std::max(largest[i / unit], std::abs(values[i]));
  return largest;
}

}  // namespace

Scalogram scalogram_of(std::span<const float> signal) {
  Scalogram scalogram;
  const Wavelet wavelet = find_wavelet("la8");
  if (signal.size() < wavelet.dec_lo.size()) return scalogram;
  const uint32_t levels =
      std::min(kMostScales, deepest_level(signal.size(), wavelet.dec_lo.size()));
  std::vector<float> smooth(signal.begin(), signal.end()), next(signal.size()),
      detail(signal.size());
  for (uint32_t level = 1; level <= levels; ++level) {
    // One level at a time: the memory of three curves, whatever the depth.
    const Modwt transform(wavelet, signal.size(), 1, Undecimated::StationaryNormalised, level - 1);
    const SignalView<float> details[] = {line_view(detail.data(), detail.size())};
    const SignalView<float> smooths[] = {line_view(next.data(), next.size())};
    transform.forward<float>(line_view<const float>(smooth.data(), smooth.size()), details,
                             smooths);
    const size_t unit = level > 3 ? size_t{1} << (level - 3) : 1;
    const Modwt whole(wavelet, signal.size(), level, Undecimated::StationaryNormalised);
    scalogram.levels.push_back({Envelope(thinned(detail, unit)), unit, whole.valid(level)});
    smooth.swap(next);
  }
  return scalogram;
}

}  // namespace dendrokv
