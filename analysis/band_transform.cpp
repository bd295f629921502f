#include "analysis/band_transform.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <string>
#include <utility>

#include "analysis/cwt.h"
#include "analysis/dwt.h"
#include "analysis/modwt.h"
#include "analysis/packets.h"
#include "analysis/robust_variance.h"
#include "data/error.h"

namespace dendrokv {

namespace {

/// Of one band: rows of coefficients, to be multiplied by `scale`. Row k is of the positions from
/// k * run on, and of those that are not more than `reach` away from them.
struct BandValues {
  size_t band;
  GridView<const float> values;  // [row, channel]
  double scale = 1;
  size_t run = 1, reach = 0;
};
using BandVisitor = std::function<void(const BandValues&)>;
using Places = std::vector<BandPlace>;

}  // namespace

class BandTransform::Engine {
 public:
  virtual ~Engine() = default;
  /// Adds |band| and band^2 of each channel to the rows of amplitudes.
  virtual void add(const Grid<float>& signal, std::span<double> magnitude,
                   std::span<double> energy) const = 0;
  /// Coefficients of every band once, in any order; of no band where there are none.
  virtual void each_series(const Grid<float>& /*signal*/, const BandVisitor& /*visit*/) const {}
};

namespace {

/// Transforms that give a band of each channel; what is added up are its rows.
class CoefficientEngine : public BandTransform::Engine {
 public:
  explicit CoefficientEngine(const Places& places) : places_(places) {}

  /// Every band once, in any order, rows as its place has them.
  virtual void each_band(const Grid<float>& signal, const BandVisitor& visit) const = 0;
  void each_series(const Grid<float>& signal, const BandVisitor& visit) const override {
    each_band(signal, visit);
  }

  void add(const Grid<float>& signal, std::span<double> magnitude,
           std::span<double> energy) const override {
    each_band(signal, [&](const BandValues& band) {
      const size_t first = places_[band.band].first;
      for (size_t k = 0; k < band.values.rows(); ++k)
        for (const float coefficient : band.values.row(k)) {
          const double value = double{coefficient} * band.scale;
          magnitude[first + k] += std::fabs(value);
          energy[first + k] += value * value;
        }
    });
  }

 protected:
  const Places& places() const { return places_; }

 private:
  Places places_;
};

/// Means over the halves of blocks, as the fused profile has them without the signal.
class HaarEngine : public CoefficientEngine {
 public:
  using CoefficientEngine::CoefficientEngine;

  void each_band(const Grid<float>& signal, const BandVisitor& visit) const override {
    Grid<float> means = signal;
    Grid<float> details(signal.rows() / 2, signal.cols());
    for (size_t band = 0; band < places().size(); ++band) {
      const size_t blocks = places()[band].count;
      for (size_t k = 0; k < blocks; ++k)
        for (size_t c = 0; c < signal.cols(); ++c) {
          const float older = means(2 * k, c), newer = means(2 * k + 1, c);
          details(k, c) = (older - newer) / 2;
          means(k, c) = (older + newer) / 2;
        }
      visit({band, std::as_const(details).view().rows_from(0, blocks), 1, places()[band].run});
    }
  }
};

class DwtEngine : public CoefficientEngine {
 public:
  DwtEngine(const TransformChoice& choice, const Places& places, size_t positions)
      : CoefficientEngine(places),
        taps_(find_wavelet(choice.wavelet_name()).length()),
        dwt_(find_wavelet(choice.wavelet_name()), choice.boundary_rule(), positions,
             choice.levels) {}

  void each_band(const Grid<float>& signal, const BandVisitor& visit) const override {
    Grid<float> all(dwt_.coefficients(), signal.cols()), band(signal.rows(), signal.cols());
    const auto views = dwt_.bands_of(rows_view(all.view()));
    dwt_.forward(rows_view(signal.view()), std::span(views));
    for (uint32_t level = 1; level <= dwt_.levels(); ++level) {
      // [A_J, D_J, ..., D_1]
      std::vector<SignalView<const float>> one(views.begin(), views.end());
      for (size_t i = 0; i < one.size(); ++i)
        if (i != one.size() - level) one[i].data = nullptr;
      dwt_.inverse(std::span<const SignalView<const float>>(one), rows_view(band.view()));
      visit({level - 1, std::as_const(band).view()});
    }
  }

  void each_series(const Grid<float>& signal, const BandVisitor& visit) const override {
    Grid<float> all(dwt_.coefficients(), signal.cols());
    const auto views = dwt_.bands_of(rows_view(all.view()));
    dwt_.forward(rows_view(signal.view()), std::span(views));
    size_t end = all.rows();
    for (uint32_t level = 1; level <= dwt_.levels(); ++level) {
      const size_t count = views[views.size() - level].positions;
      end -= count;
      visit({level - 1, std::as_const(all).view().rows_from(end, count),
             std::exp2(-static_cast<double>(level) / 2), size_t{1} << level,
             coefficient_span(taps_, level)});
    }
  }

 private:
  size_t taps_;
  Dwt dwt_;
};

class ModwtEngine : public CoefficientEngine {
 public:
  ModwtEngine(const TransformChoice& choice, const Places& places, size_t positions)
      : CoefficientEngine(places),
        modwt_(find_wavelet(choice.wavelet_name()), positions, choice.levels) {}

  void each_band(const Grid<float>& signal, const BandVisitor& visit) const override {
    std::vector<Grid<float>> details(modwt_.levels(), Grid<float>(signal.rows(), signal.cols()));
    Grid<float> smooth(signal.rows(), signal.cols());
    std::vector<SignalView<float>> detail_views, smooth_views;
    for (Grid<float>& detail : details) {
      detail_views.push_back(rows_view(detail.view()));
      smooth_views.push_back(rows_view(smooth.view()));
      smooth_views.back().data = nullptr;
    }
    smooth_views.back() = rows_view(smooth.view());
    modwt_.forward<float>(rows_view(signal.view()), detail_views, smooth_views);
    for (size_t band = 0; band < details.size(); ++band)
      visit({band, std::as_const(details[band]).view()});
  }

 private:
  Modwt modwt_;
};

class PacketEngine : public CoefficientEngine {
 public:
  PacketEngine(const TransformChoice& choice, const Places& places)
      : CoefficientEngine(places),
        wavelet_(find_wavelet(choice.wavelet_name())),
        boundary_(choice.boundary_rule()),
        levels_(choice.levels) {}

  void each_band(const Grid<float>& signal, const BandVisitor& visit) const override {
    const PacketTree<float> tree(wavelet_, boundary_, levels_, signal.view());
    const double scale = std::exp2(-static_cast<double>(levels_) / 2);
    for (const PacketNode node : PacketTree<float>::level_basis(levels_)) {
      const uint32_t frequency = frequency_place(node);
      if (frequency == 0) continue;
      visit({(size_t{1} << levels_) - 1 - frequency, tree.band(node), scale, size_t{1} << levels_});
    }
  }

 private:
  Wavelet wavelet_;
  Boundary boundary_;
  uint32_t levels_;
};

/// Power of octaves, channel by channel: the coefficients of a long text would not fit.
class CwtEngine : public BandTransform::Engine {
 public:
  CwtEngine(const TransformChoice& choice, const Places& places, size_t positions)
      : places_(places), cwt_(made(choice, positions)) {
    for (size_t band = 0; band < places.size(); ++band) bands_.push_back({band * kVoices, kVoices});
  }

  void add(const Grid<float>& signal, std::span<double> magnitude,
           std::span<double> energy) const override {
    std::vector<float> channel(signal.rows());
    Grid<float> power(bands_.size(), signal.rows());
    for (size_t c = 0; c < signal.cols(); ++c) {
      for (size_t p = 0; p < channel.size(); ++p) channel[p] = signal(p, c);
      cwt_.power<float>(channel, bands_, power.view());
      for (size_t band = 0; band < bands_.size(); ++band)
        for (size_t p = 0; p < channel.size(); ++p) {
          const double mean = std::max(0.0, double{power(band, p)}) / kVoices;
          magnitude[places_[band].first + p] += std::sqrt(mean);
          energy[places_[band].first + p] += mean;
        }
    }
  }

 private:
  static Cwt made(const TransformChoice& choice, size_t positions) {
    const ContinuousWavelet wavelet = parse_continuous_wavelet(choice.wavelet_name());
    std::vector<double> scales;
    for (uint32_t level = 1; level <= choice.levels; ++level)
      for (const double scale : scales_of_octave(wavelet, level)) scales.push_back(scale);
    CwtOptions options;
    options.normalisation = Normalisation::L1;
    options.boundary = choice.boundary_rule();
    return Cwt(wavelet, positions, std::move(scales), options);
  }

  Places places_;
  Cwt cwt_;
  std::vector<IndexRange> bands_;
};

std::unique_ptr<BandTransform::Engine> engine_of(const TransformChoice& choice,
                                                 const Places& places, size_t positions) {
  switch (choice.kind) {
    case TransformKind::Dwt:
      if (choice.is_aligned()) return std::make_unique<HaarEngine>(places);
      return std::make_unique<DwtEngine>(choice, places, positions);
    case TransformKind::Modwt:
      return std::make_unique<ModwtEngine>(choice, places, positions);
    case TransformKind::Packet:
      return std::make_unique<PacketEngine>(choice, places);
    case TransformKind::Cwt:
      return std::make_unique<CwtEngine>(choice, places, positions);
  }
  return nullptr;
}

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
      engine_(engine_of(choice_, places_, positions)) {
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
