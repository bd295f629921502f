#include "analysis/transform_choice.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <utility>

#include "analysis/haar.h"
#include "analysis/wavelets.h"
#include "data/error.h"

namespace dendrokv {
namespace {

constexpr std::array<std::string_view, 4> kNames = {"dwt", "modwt", "packet", "cwt"};
constexpr uint32_t kMostPacketLevels = 8;  // 255 bands
constexpr double kFallen = 1e-7;

size_t taps_of(const TransformChoice& choice) {
  return find_wavelet(choice.wavelet_name()).length();
}

IndexRange inner(size_t positions, size_t before, size_t after) {
  return before + after >= positions ? IndexRange{}
                                     : IndexRange{before, positions - before - after};
}

size_t rounded_up(size_t number, size_t unit) {
  return (number + unit - 1) / unit * unit;
}

std::vector<BandPlace> octave_places(const TransformChoice& choice, size_t positions) {
  std::vector<BandPlace> places;
  const bool decimated = choice.kind == TransformKind::Dwt;
  const bool continuous = choice.kind == TransformKind::Cwt;
  size_t first = 0;
  for (uint32_t level = 1; level <= choice.levels; ++level) {
    const size_t run = choice.is_aligned() ? size_t{1} << level : 1;
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
      const auto cone = static_cast<size_t>(
          std::ceil(scales_of_octave(wavelet, level).back() * wavelet.e_folding()));
      place.valid = inner(positions, cone, cone);
    } else if (choice.kind == TransformKind::Modwt) {
      place.valid = inner(positions, coefficient_span(taps_of(choice), level) - 1, 0);
    } else if (!choice.is_aligned()) {
      const size_t reach = coefficient_span(taps_of(choice), level);
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
  const size_t reach = haar ? 0 : rounded_up(coefficient_span(taps_of(choice), choice.levels), run);
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
  if (is_aligned()) return "aligned";
  return std::string(boundary_name(boundary_rule()));
}

bool TransformChoice::is_aligned() const {
  return kind == TransformKind::Dwt && wavelet_name() == "haar";
}

Boundary TransformChoice::boundary_rule() const {
  if (boundary) return *boundary;
  switch (kind) {
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

size_t coefficient_span(size_t taps, uint32_t level) {
  return ((size_t{1} << level) - 1) * (taps - 1) + 1;
}

IndexRange intersection(IndexRange a, IndexRange b) {
  const size_t first = std::max(a.first, b.first),
               end = std::min(a.first + a.count, b.first + b.count);
  return {first, end > first ? end - first : 0};
}

IndexRange runs_within(const BandPlace& place, IndexRange part) {
  const IndexRange counted = intersection(place.valid, part);
  const size_t first = (counted.first + place.run - 1) / place.run,
               end = (counted.first + counted.count) / place.run;
  return {first, end > first ? end - first : 0};
}

std::vector<double> scales_of_octave(const ContinuousWavelet& wavelet, uint32_t level) {
  std::vector<double> scales;
  for (size_t voice = 0; voice < kVoices; ++voice)
    scales.push_back(std::exp2(level + (static_cast<double>(voice) + 0.5) / kVoices) /
                     wavelet.period());
  return scales;
}

size_t transform_grid(const TransformChoice& choice) {
  const bool decimated = choice.kind == TransformKind::Dwt || choice.kind == TransformKind::Packet;
  return decimated ? size_t{1} << choice.levels : 1;
}

size_t transform_reach(const TransformChoice& choice) {
  if (choice.is_aligned()) return 0;
  if (choice.kind == TransformKind::Cwt) {
    const ContinuousWavelet wavelet = parse_continuous_wavelet(choice.wavelet_name());
    return static_cast<size_t>(
        std::ceil(scales_of_octave(wavelet, choice.levels).back() * wavelet.half_width(kFallen)));
  }
  return rounded_up(coefficient_span(taps_of(choice), choice.levels), transform_grid(choice));
}

std::vector<BandPlace> band_places(const TransformChoice& choice, size_t positions) {
  choice.check();
  DENDROKV_ASSERT(positions % transform_grid(choice) == 0);
  return choice.kind == TransformKind::Packet ? packet_places(choice, positions)
                                              : octave_places(choice, positions);
}

}  // namespace dendrokv
