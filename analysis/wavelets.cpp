#include "analysis/wavelets.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <utility>

#include "analysis/wavelet_taps.h"
#include "data/error.h"

namespace dendrokv {
namespace {

constexpr std::array<std::string_view, 9> kSummaries = {
    "difference of neighbouring block means",
    "most vanishing moments for its length",
    "nearly linear phase, most vanishing moments",
    "symlet in the order of Percival and Walden, named by length",
    "nearly symmetric, the scaling function has vanishing moments too",
    "symmetric, spline reconstruction",
    "symmetric, spline decomposition",
    "Meyer's wavelet cut to 62 taps; reconstructs to 1e-3 only",
    "filters of the caller",
};

Wavelet from_taps(const WaveletTaps& taps) {
  Wavelet wavelet;
  wavelet.name = taps.name;
  wavelet.family = taps.family;
  wavelet.vanishing_moments = taps.vanishing_moments;
  wavelet.rec_lo.assign(taps.low_pass.begin(), taps.low_pass.end());
  if (taps.dual_low_pass.empty()) {
    wavelet.dec_lo.assign(taps.low_pass.rbegin(), taps.low_pass.rend());
  } else {
    wavelet.orthogonality = Orthogonality::Biorthogonal;
    wavelet.dec_lo.assign(taps.dual_low_pass.begin(), taps.dual_low_pass.end());
  }
  for (size_t k = 0; k < wavelet.rec_lo.size(); ++k) {
    const double sign = k % 2 == 0 ? 1 : -1;
    wavelet.dec_hi.push_back(-sign * wavelet.rec_lo[k]);
    wavelet.rec_hi.push_back(sign * wavelet.dec_lo[k]);
  }
  return wavelet;
}

}  // namespace

std::string_view family_summary(WaveletFamily family) {
  return kSummaries[static_cast<size_t>(family)];
}

std::vector<std::string_view> wavelet_names() {
  std::vector<std::string_view> names;
  for (const WaveletTaps& taps : wavelet_taps()) names.push_back(taps.name);
  return names;
}

Wavelet find_wavelet(std::string_view name) {
  const auto found = std::ranges::find(wavelet_taps(), name, &WaveletTaps::name);
  if (found == wavelet_taps().end())
    fail("wavelet '" + std::string(name) + "'", "not known", "wanted a name from the table",
         did_you_mean(name, wavelet_names()) + ", see dendrokv wavelets");
  return from_taps(*found);
}

Wavelet custom_wavelet(std::string name, std::vector<double> dec_lo, std::vector<double> dec_hi,
                       std::vector<double> rec_lo, std::vector<double> rec_hi) {
  const size_t length = dec_lo.size();
  if (length < 2 || length % 2 != 0 || dec_hi.size() != length || rec_lo.size() != length ||
      rec_hi.size() != length)
    fail("wavelet '" + name + "'", "filters of " + std::to_string(length) + " taps",
         "wanted four of the same even length");
  for (const std::vector<double>* filter : {&dec_lo, &dec_hi, &rec_lo, &rec_hi})
    if (!std::ranges::all_of(*filter, [](double tap) { return std::isfinite(tap); }))
      fail("wavelet '" + name + "'", "a tap that is not a finite number", "wanted numbers");
  Wavelet wavelet;
  wavelet.name = std::move(name);
  wavelet.orthogonality = Orthogonality::Biorthogonal;
  wavelet.dec_lo = std::move(dec_lo);
  wavelet.dec_hi = std::move(dec_hi);
  wavelet.rec_lo = std::move(rec_lo);
  wavelet.rec_hi = std::move(rec_hi);
  return wavelet;
}

uint32_t deepest_level(size_t positions, size_t filter_length) {
  const size_t spans = filter_length < 2 ? 0 : positions / (filter_length - 1);
  return spans == 0 ? 0 : static_cast<uint32_t>(std::bit_width(spans) - 1);
}

}  // namespace dendrokv
