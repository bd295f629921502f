#pragma once
// The continuous transform of signals with gaps (analysis/gaps.h says what the policies are).
//
// Every wavelet sees all positions, most of them hardly. As at the ends of a series, a coefficient
// counts as touched by a gap within the e-folding time of its scale (Torrence and Compo 1998,
// section 3g): the cone of influence of the gap.

#include <complex>
#include <span>

#include "analysis/cwt.h"
#include "analysis/gaps.h"

namespace dendrokv {

/// As Cwt::forward. spread: touched positions per scale; under Mask those coefficients are NaN.
template <class Real>
GapReport forward_with_gaps(const Cwt& cwt, std::span<const Real> signal,
                            GridView<std::complex<Real>> out, Gaps policy, unsigned threads = 1);

}  // namespace dendrokv
