#pragma once
// Which transform an analysis takes, and where the bands of a signal stand: their names, periods,
// places in a row of amplitudes, and the positions that no end of the signal has touched.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "analysis/boundary.h"
#include "analysis/continuous_wavelets.h"
#include "data/trace.h"

namespace dendrokv {

enum class TransformKind : uint8_t { Dwt, Modwt, Packet, Cwt };
std::string_view transform_name(TransformKind kind);
TransformKind parse_transform(std::string_view name);  // throws Error

struct TransformChoice {
  TransformKind kind = TransformKind::Dwt;
  std::string wavelet;  // empty = haar, or morlet for a continuous transform
  uint32_t levels = 5;
  std::optional<Boundary> boundary;  // the transform's own unless set

  /// Throws Error: unknown wavelet, levels out of range, a boundary that the transform does not
  /// have.
  void check() const;
  std::string wavelet_name() const;
  std::string boundary_text() const;
  /// Haar of the decimated transform: blocks of the window, which no end touches.
  bool is_aligned() const;
  /// What stands beyond the ends of a window.
  Boundary boundary_rule() const;
};

/// One band and where its amplitudes stand in a row of them: `count` runs of `run` positions each,
/// in time order.
struct BandPlace {
  std::string name;                // "D1"
  double period_low, period_high;  // tokens
  size_t first, count, run;
  IndexRange valid;  // positions that no end has touched
};

/// Of a signal of `positions`, a multiple of transform_grid(). The first band is the highest
/// frequency.
std::vector<BandPlace> band_places(const TransformChoice& choice, size_t positions);
/// Windows are a multiple of it: 2^levels for decimated transforms, else 1.
size_t transform_grid(const TransformChoice& choice);
/// Positions on either side that a value depends on (dwt: both transforms together), a multiple of
/// transform_grid(). Of wavelets that never end: where they stay below 1e-7 of their peak.
size_t transform_reach(const TransformChoice& choice);

/// Runs of a band whose positions all lie in `part` and have been touched by no end.
IndexRange runs_within(const BandPlace& place, IndexRange part);

IndexRange intersection(IndexRange a, IndexRange b);

/// Positions that a coefficient of `level` of a filter of `taps` taps spans.
size_t coefficient_span(size_t taps, uint32_t level);

inline constexpr size_t kVoices = 8;  // scales of an octave
/// Scales of the octave of periods from 2^level to 2^(level + 1).
std::vector<double> scales_of_octave(const ContinuousWavelet& wavelet, uint32_t level);

}  // namespace dendrokv
