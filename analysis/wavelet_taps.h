#pragma once
// The filters of the wavelet table as data. To add a wavelet: its construction in
// scripts/wavelet-taps, which writes wavelet_taps.cpp; help, `dendrokv wavelets` and the suites
// over the table find the row there.

#include <cstdint>
#include <span>
#include <string_view>

#include "analysis/wavelets.h"

namespace dendrokv {

struct WaveletTaps {
  std::string_view name;
  WaveletFamily family;
  uint32_t vanishing_moments;             // of the detail filter; 0 = none exactly
  std::span<const double> low_pass;       // rec_lo
  std::span<const double> dual_low_pass;  // dec_lo; empty = the reversed low_pass (orthogonal)
};

std::span<const WaveletTaps> wavelet_taps();

}  // namespace dendrokv
