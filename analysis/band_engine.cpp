#include "analysis/band_engine.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "analysis/cwt.h"
#include "analysis/dwt.h"
#include "analysis/modwt.h"
#include "analysis/packets.h"

namespace dendrokv {
namespace {

using Places = std::vector<BandPlace>;

/// Transforms that give a band of each channel; what is added up are its rows.
class CoefficientEngine : public BandEngine {
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
class CwtEngine : public BandEngine {
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

}  // namespace

std::unique_ptr<BandEngine> band_engine(const TransformChoice& choice,
                                        const std::vector<BandPlace>& places, size_t positions) {
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

}  // namespace dendrokv
