#include "analysis/band_transform.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <utility>

#include "analysis/cwt.h"
#include "analysis/dwt.h"
#include "analysis/modwt.h"
#include "analysis/packets.h"
#include "data/error.h"

namespace dendrokv {
namespace {

constexpr std::array<std::string_view, 4> kNames = {"dwt", "modwt", "packet", "cwt"};
constexpr uint32_t kMostPacketLevels = 8;  // 255 bands
constexpr size_t kVoices = 8;              // scales of an octave
constexpr double kFallen = 1e-7;

bool is_fused(const TransformChoice& choice) {
  return choice.kind == TransformKind::Dwt && choice.wavelet_name() == "haar";
}

Boundary boundary_of(const TransformChoice& choice) {
  if (choice.boundary) return *choice.boundary;
  switch (choice.kind) {
    case TransformKind::Dwt:
    case TransformKind::Packet:
      return Boundary::BrickWall;
    case TransformKind::Modwt:
      return Boundary::Causal;
    case TransformKind::Cwt:
      return Boundary::Zero;
  }
  return Boundary::BrickWall;
}

size_t taps_of(const TransformChoice& choice) {
  return find_wavelet(choice.wavelet_name()).length();
}

/// Positions that a coefficient of `level` spans.
size_t span_of(size_t taps, uint32_t level) {
  return ((size_t{1} << level) - 1) * (taps - 1) + 1;
}

IndexRange inner(size_t positions, size_t before, size_t after) {
  return before + after >= positions ? IndexRange{}
                                     : IndexRange{before, positions - before - after};
}

size_t rounded_up(size_t number, size_t unit) {
  return (number + unit - 1) / unit * unit;
}

/// Scales of the octave of periods from 2^level to 2^(level + 1).
std::vector<double> octave(const ContinuousWavelet& wavelet, uint32_t level) {
  std::vector<double> scales;
  for (size_t voice = 0; voice < kVoices; ++voice)
    scales.push_back(std::exp2(level + (static_cast<double>(voice) + 0.5) / kVoices) /
                     wavelet.period());
  return scales;
}

std::vector<BandPlace> octave_places(const TransformChoice& choice, size_t positions) {
  std::vector<BandPlace> places;
  const bool decimated = choice.kind == TransformKind::Dwt;
  const bool continuous = choice.kind == TransformKind::Cwt;
  size_t first = 0;
  for (uint32_t level = 1; level <= choice.levels; ++level) {
    const size_t run = is_fused(choice) ? size_t{1} << level : 1;
    BandPlace place{(continuous  ? "octave "
                     : decimated ? "D"
                                 : "W") +
                        std::to_string(level),
                    std::exp2(level),
                    std::exp2(level + 1),
                    first,
                    positions / run,
                    run,
                    {0, positions}};
    if (continuous) {
      const ContinuousWavelet wavelet = parse_continuous_wavelet(choice.wavelet_name());
      const auto cone =
          static_cast<size_t>(std::ceil(octave(wavelet, level).back() * wavelet.e_folding()));
      place.valid = inner(positions, cone, cone);
    } else if (choice.kind == TransformKind::Modwt) {
      place.valid = inner(positions, span_of(taps_of(choice), level) - 1, 0);
    } else if (!is_fused(choice)) {
      const size_t reach = span_of(taps_of(choice), level);
      place.valid = inner(positions, reach, reach);
    }
    first += place.count;
    places.push_back(std::move(place));
  }
  return places;
}

std::vector<BandPlace> packet_places(const TransformChoice& choice, size_t positions) {
  std::vector<BandPlace> places;
  const size_t bands = size_t{1} << choice.levels, run = bands;
  const bool haar = choice.wavelet_name() == "haar";
  const size_t reach = haar ? 0 : rounded_up(span_of(taps_of(choice), choice.levels), run);
  for (size_t band = 0; band + 1 < bands; ++band) {
    const auto place = static_cast<double>(bands - 1 - band);  // in the order of frequency, from 0
    const double octaves = 2 * static_cast<double>(bands);
    places.push_back({"P" + std::to_string(band + 1), octaves / (place + 1), octaves / place,
                      band * (positions / run), positions / run, run,
                      inner(positions, reach, reach)});
  }
  return places;
}

}  // namespace

std::string_view transform_name(TransformKind kind) {
  return kNames[static_cast<size_t>(kind)];
}

TransformKind parse_transform(std::string_view name) {
  const auto found = std::ranges::find(kNames, name);
  if (found == kNames.end())
    fail("transform '" + std::string(name) + "'", "not known", "wanted dwt, modwt, packet or cwt",
         did_you_mean(name, kNames));
  return static_cast<TransformKind>(found - kNames.begin());
}

std::string TransformChoice::wavelet_name() const {
  if (!wavelet.empty()) return wavelet;
  return kind == TransformKind::Cwt ? "morlet" : "haar";
}

std::string TransformChoice::boundary_text() const {
  if (is_fused(*this)) return "aligned";
  return std::string(boundary_name(boundary_of(*this)));
}

void TransformChoice::check() const {
  const uint32_t most = kind == TransformKind::Packet ? kMostPacketLevels : kMostLevels;
  if (levels < 1 || levels > most)
    fail("levels", std::to_string(levels), "wanted 1 to " + std::to_string(most));
  if (kind == TransformKind::Cwt)
    parse_continuous_wavelet(wavelet_name());
  else
    find_wavelet(wavelet_name());
  const auto refuse = [&](std::string wanted) {
    fail("boundary '" + std::string(boundary_name(*boundary)) + "' of " +
             std::string(transform_name(kind)),
         "would give values that depend on it", std::move(wanted));
  };
  if (!boundary) return;
  if (kind == TransformKind::Modwt && *boundary != Boundary::Causal)
    refuse("wanted causal: coefficients see older positions only");
  const bool circular = *boundary == Boundary::Periodization || *boundary == Boundary::BrickWall ||
                        *boundary == Boundary::Causal;
  if (kind == TransformKind::Packet && !circular)
    refuse("wanted periodization, brick-wall or causal");
  if (kind == TransformKind::Cwt &&
      (*boundary == Boundary::BrickWall || *boundary == Boundary::Causal))
    refuse(
        "wanted zero, constant, symmetric, reflect, periodic, smooth, antisymmetric or "
        "antireflect");
}

size_t transform_grid(const TransformChoice& choice) {
  const bool decimated = choice.kind == TransformKind::Dwt || choice.kind == TransformKind::Packet;
  return decimated ? size_t{1} << choice.levels : 1;
}

size_t transform_reach(const TransformChoice& choice) {
  if (is_fused(choice)) return 0;
  if (choice.kind == TransformKind::Cwt) {
    const ContinuousWavelet wavelet = parse_continuous_wavelet(choice.wavelet_name());
    // A Gaussian of e-folding time sqrt 2 s falls below kFallen at sqrt(-2 ln kFallen) s.
    const double reach = wavelet.e_folding() * std::sqrt(-std::log(kFallen));
    return static_cast<size_t>(std::ceil(octave(wavelet, choice.levels).back() * reach));
  }
  return rounded_up(span_of(taps_of(choice), choice.levels), transform_grid(choice));
}

std::vector<BandPlace> band_places(const TransformChoice& choice, size_t positions) {
  choice.check();
  DENDROKV_ASSERT(positions % transform_grid(choice) == 0);
  return choice.kind == TransformKind::Packet ? packet_places(choice, positions)
                                              : octave_places(choice, positions);
}

class BandTransform::Engine {
 public:
  virtual ~Engine() = default;
  /// Adds |band| and band^2 of each channel to the rows of amplitudes.
  virtual void add(const Grid<float>& signal, std::span<double> magnitude,
                   std::span<double> energy) const = 0;
};

namespace {

using Places = std::vector<BandPlace>;

struct Sums {
  std::span<double> magnitude, energy;
  void add(size_t place, double value) const {
    magnitude[place] += std::fabs(value);
    energy[place] += value * value;
  }
};

class DwtEngine : public BandTransform::Engine {
 public:
  DwtEngine(const TransformChoice& choice, const Places& places, size_t positions)
      : places_(places),
        dwt_(find_wavelet(choice.wavelet_name()), boundary_of(choice), positions, choice.levels) {}

  void add(const Grid<float>& signal, std::span<double> magnitude,
           std::span<double> energy) const override {
    Grid<float> all(dwt_.coefficients(), signal.cols()), band(signal.rows(), signal.cols());
    const auto views = dwt_.bands_of(rows_view(all.view()));
    dwt_.forward(rows_view(signal.view()), std::span(views));
    const Sums sums{magnitude, energy};
    for (uint32_t level = 1; level <= dwt_.levels(); ++level) {
      // [A_J, D_J, ..., D_1]
      std::vector<SignalView<const float>> one(views.begin(), views.end());
      for (size_t i = 0; i < one.size(); ++i)
        if (i != one.size() - level) one[i].data = nullptr;
      dwt_.inverse(std::span<const SignalView<const float>>(one), rows_view(band.view()));
      for (size_t p = 0; p < band.rows(); ++p)
        for (const float value : band.row(p)) sums.add(places_[level - 1].first + p, double{value});
    }
  }

 private:
  Places places_;
  Dwt dwt_;
};

class ModwtEngine : public BandTransform::Engine {
 public:
  ModwtEngine(const TransformChoice& choice, const Places& places, size_t positions)
      : places_(places), modwt_(find_wavelet(choice.wavelet_name()), positions, choice.levels) {}

  void add(const Grid<float>& signal, std::span<double> magnitude,
           std::span<double> energy) const override {
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
    const Sums sums{magnitude, energy};
    for (size_t level = 0; level < details.size(); ++level)
      for (size_t p = 0; p < signal.rows(); ++p)
        for (const float value : details[level].row(p))
          sums.add(places_[level].first + p, double{value});
  }

 private:
  Places places_;
  Modwt modwt_;
};

class PacketEngine : public BandTransform::Engine {
 public:
  PacketEngine(const TransformChoice& choice, const Places& places)
      : places_(places),
        wavelet_(find_wavelet(choice.wavelet_name())),
        boundary_(boundary_of(choice)),
        levels_(choice.levels) {}

  void add(const Grid<float>& signal, std::span<double> magnitude,
           std::span<double> energy) const override {
    const PacketTree<float> tree(wavelet_, boundary_, levels_, signal.view());
    const double scale = std::exp2(-static_cast<double>(levels_) / 2);
    const Sums sums{magnitude, energy};
    for (const PacketNode node : PacketTree<float>::level_basis(levels_)) {
      const uint32_t frequency = frequency_place(node);
      if (frequency == 0) continue;
      const GridView<const float> band = tree.band(node);
      const size_t first = places_[(size_t{1} << levels_) - 1 - frequency].first;
      for (size_t k = 0; k < band.rows(); ++k)
        for (const float value : band.row(k)) sums.add(first + k, double{value} * scale);
    }
  }

 private:
  Places places_;
  Wavelet wavelet_;
  Boundary boundary_;
  uint32_t levels_;
};

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
    const Sums sums{magnitude, energy};
    for (size_t c = 0; c < signal.cols(); ++c) {
      for (size_t p = 0; p < channel.size(); ++p) channel[p] = signal(p, c);
      cwt_.power<float>(channel, bands_, power.view());
      for (size_t band = 0; band < bands_.size(); ++band)
        for (size_t p = 0; p < channel.size(); ++p)
          sums.add(places_[band].first + p,
                   std::sqrt(std::max(0.0, double{power(band, p)}) / kVoices));
    }
  }

 private:
  static Cwt made(const TransformChoice& choice, size_t positions) {
    const ContinuousWavelet wavelet = parse_continuous_wavelet(choice.wavelet_name());
    std::vector<double> scales;
    for (uint32_t level = 1; level <= choice.levels; ++level)
      for (const double scale : octave(wavelet, level)) scales.push_back(scale);
    CwtOptions options;
    options.normalisation = Normalisation::L1;
    options.boundary = boundary_of(choice);
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
      if (is_fused(choice)) return nullptr;
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

/// One head's signal, and its energy per position.
Grid<float> signal_of(GridView<const float> weights, GridView<const float> values, size_t head,
                      double* energy) {
  Grid<float> signal(values.rows(), values.cols());
  for (size_t p = 0; p < signal.rows(); ++p) {
    double sum = 0;
    for (size_t c = 0; c < signal.cols(); ++c) {
      signal(p, c) = weights(head, p) * values(p, c);
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
  if (!engine_) return haar_measures<float>(weights, values, choice_.levels, out);
  std::vector<double> unused(amplitudes_);
  const auto channels = static_cast<double>(values.cols());
  for (size_t head = 0; head < weights.rows(); ++head) {
    double* size = out.signal_energy.rows() > 0 ? out.signal_energy.row(head).data() : nullptr;
    const std::span<double> magnitude = out.magnitude.row(head);
    const std::span<double> energy =
        out.energy.rows() > 0 ? out.energy.row(head) : std::span<double>(unused);
    std::ranges::fill(magnitude, 0.0);
    std::ranges::fill(energy, 0.0);
    engine_->add(signal_of(weights, values, head, size), magnitude, energy);
    for (double& value : magnitude) value /= channels;
    for (double& value : energy) value /= channels;
  }
}

}  // namespace dendrokv
