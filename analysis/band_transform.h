#pragma once
// How much a signal varies at each position in each frequency band, by any of the transforms: what
// profile and statistics are made of.
//
//   dwt     |Rec(D_l)|: inverse transform with one band (TreeKV, He et al., IJCAI 2025, section
//           3.2). Haar: the fused profile, no signal is formed
//   modwt   |W_l[t]|, undecimated and causal: the end of the text is touched by no boundary
//           (Percival and Walden 2000, chapter 5)
//   packet  |coefficient| 2^(-levels/2) of each packet of the last level but the lowest, highest
//           frequency first
//   cwt     root of the mean power over the scales of an octave, L1: a sine of amplitude A gives
//           about A (Torrence and Compo 1998)

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "analysis/boundary.h"
#include "analysis/haar.h"
#include "data/grid.h"
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
/// transform_grid(). Of wavelets that never end: where they have fallen below 1e-7 of their peak.
size_t transform_reach(const TransformChoice& choice);

/// The transform of signals of one length. Never changes, so that threads may share it.
class BandTransform {
 public:
  /// Throws Error as check(), and for lengths that are too short.
  BandTransform(const TransformChoice& choice, size_t positions);
  ~BandTransform();
  BandTransform(BandTransform&&) noexcept;

  const std::vector<BandPlace>& places() const { return places_; }
  size_t amplitudes() const { return amplitudes_; }
  /// As haar_measures(): magnitude and energy [head, amplitudes()] are means over channels of the
  /// signal weight * value; energy and signal_energy may be left out, log_magnitude is. Throws
  /// Error naming the first position without a number.
  void measure(GridView<const float> weights, GridView<const float> values,
               const HaarMeasures& out) const;

  /// Bands of one head's signal [position, channel]; defined in the .cpp.
  class Engine;

 private:
  TransformChoice choice_;
  std::vector<BandPlace> places_;
  size_t amplitudes_ = 0;
  std::unique_ptr<Engine> engine_;  // none for the fused profile
};

}  // namespace dendrokv
