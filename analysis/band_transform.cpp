#include "analysis/band_transform.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "analysis/band_engine.h"
#include "analysis/robust_variance.h"
#include "data/error.h"

namespace dendrokv {
namespace {

[[noreturn]] void fail_at_gap(size_t position) {
  fail("contribution at window position " + std::to_string(position), "not a finite number",
       "wanted a query that sees every position of the window");
}

/// One head's signal in some channels, and its energy per position.
Grid<float> signal_of(GridView<const float> weights, GridView<const float> values, size_t head,
                      ChannelSample channels, double* energy) {
  const size_t offset = (channels.first + head) % channels.stride;
  Grid<float> signal(values.rows(),
                     (values.cols() - offset + channels.stride - 1) / channels.stride);
  for (size_t p = 0; p < signal.rows(); ++p) {
    double sum = 0;
    for (size_t c = 0; c < signal.cols(); ++c) {
      signal(p, c) = weights(head, p) * values(p, offset + c * channels.stride);
      sum += double{signal(p, c)} * double{signal(p, c)};
    }
    if (!std::isfinite(sum)) fail_at_gap(p);
    if (energy) energy[p] = sum / static_cast<double>(signal.cols());
  }
  return signal;
}

}  // namespace

BandTransform::BandTransform(const TransformChoice& choice, size_t positions)
    : choice_(choice),
      places_(band_places(choice, positions)),
      engine_(band_engine(choice_, places_, positions)) {
  for (const BandPlace& place : places_) amplitudes_ += place.count;
}
BandTransform::~BandTransform() = default;
BandTransform::BandTransform(BandTransform&&) noexcept = default;

void BandTransform::measure(GridView<const float> weights, GridView<const float> values,
                            const HaarMeasures& out) const {
  DENDROKV_ASSERT(out.magnitude.rows() == weights.rows() && out.log_magnitude.rows() == 0);
  if (choice_.is_aligned()) return haar_measures<float>(weights, values, choice_.levels, out);
  std::vector<double> unused(amplitudes_);
  const auto channels = static_cast<double>(values.cols());
  for (size_t head = 0; head < weights.rows(); ++head) {
    double* size = out.signal_energy.rows() > 0 ? out.signal_energy.row(head).data() : nullptr;
    const std::span<double> magnitude = out.magnitude.row(head);
    const std::span<double> energy =
        out.energy.rows() > 0 ? out.energy.row(head) : std::span<double>(unused);
    std::ranges::fill(magnitude, 0.0);
    std::ranges::fill(energy, 0.0);
    engine_->add(signal_of(weights, values, head, {}, size), magnitude, energy);
    for (double& value : magnitude) value /= channels;
    for (double& value : energy) value /= channels;
  }
}

void BandTransform::measure_robust(GridView<const float> weights, GridView<const float> values,
                                   std::span<const IndexRange> counted, ChannelSample channels,
                                   std::span<RobustSum> sums) const {
  DENDROKV_ASSERT(counted.size() == places_.size() && sums.size() == places_.size());
  DENDROKV_ASSERT(channels.stride >= 1 && channels.stride <= values.cols());
  std::vector<double> series;
  const auto add = [&](const BandValues& band) {
    const IndexRange part = counted[band.band];
    const size_t first = (part.first + band.reach + band.run - 1) / band.run;
    const size_t end = (part.first + part.count - std::min(part.count, band.reach)) / band.run;
    if (end < first + kLeastSeries) return;
    for (size_t c = 0; c < band.values.cols(); ++c) {
      series.clear();
      for (size_t k = first; k < end; ++k) series.push_back(double{band.values(k, c)});
      sums[band.band].weighed +=
          band.scale * band.scale * robust_mean_square(series) * static_cast<double>(series.size());
      sums[band.band].coefficients += series.size();
    }
  };
  for (size_t head = 0; head < weights.rows(); ++head)
    engine_->each_series(signal_of(weights, values, head, channels, nullptr), add);
}

}  // namespace dendrokv
