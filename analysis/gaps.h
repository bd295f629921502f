#pragma once
// Signals with gaps: samples that are not finite numbers, such as rows that a cache has dropped.
// The transforms themselves refuse them; here a caller says what to do instead, and the report says
// what that cost.
//
//   Error         throws, naming the first position
//   Mask          coefficients that look at a missing sample are NaN; the others are those of the
//                 whole signal
//   Interpolate   a gap is filled by the line between its neighbours, at an end by the nearest
//                 sample; every coefficient has a value, those that look at a filled sample are
//                 counted

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "analysis/dwt.h"
#include "analysis/modwt.h"
#include "analysis/signal_view.h"
#include "data/trace.h"

namespace dendrokv {

enum class Gaps { Error, Mask, Interpolate };
std::string_view gaps_name(Gaps policy);
Gaps parse_gaps(std::string_view name);  // throws Error

/// Runs of samples that are not finite.
template <class Real>
std::vector<IndexRange> gaps_of(std::span<const Real> line);
/// Fills them as Interpolate says and returns them. Throws Error when no sample is finite.
template <class Real>
std::vector<IndexRange> fill_gaps(std::span<Real> line);

struct GapReport {
  Gaps policy = Gaps::Error;
  size_t missing = 0;  // samples of all signals together
  /// Coefficients of each band, in the order of the transform's bands, that look at a missing
  /// sample. A gap of g positions spreads to at most about (g + taps * 2^level) / 2^level of a
  /// decimated band and g + taps * 2^level of an undecimated one.
  std::vector<size_t> spread;
};

/// Which coefficients of [A_J, D_J, ..., D_1] look at a sample of the gaps, by the filters'
/// supports and the boundary rule; one vector of 0 and 1 per band.
std::vector<std::vector<uint8_t>> touched_coefficients(const Dwt& dwt,
                                                       std::span<const IndexRange> gaps);
/// The same for [D_1, ..., D_J, smooth of level J].
std::vector<std::vector<uint8_t>> touched_coefficients(const Modwt& modwt,
                                                       std::span<const IndexRange> gaps);

/// As Dwt::forward, for signals with gaps. Every signal of a batch has its own.
template <class Real>
GapReport forward_with_gaps(const Dwt& dwt, SignalView<const Real> signal,
                            std::span<const SignalView<Real>> bands, Gaps policy);
/// As Modwt::forward: details of every level and the smooth of the last.
template <class Real>
GapReport forward_with_gaps(const Modwt& modwt, SignalView<const Real> signal,
                            std::span<const SignalView<Real>> details, SignalView<Real> smooth,
                            Gaps policy);

}  // namespace dendrokv
