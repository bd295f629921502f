#pragma once
// Discrete wavelets by name.
//
// Conventions (tests/analysis/wavelets_test.cpp): sum of a low-pass = sqrt 2; dec_hi[k] =
// (-1)^(k+1) rec_lo[k] and rec_hi[k] = (-1)^k dec_lo[k]; orthogonal: dec_lo is rec_lo reversed.
// Haar: dec_hi = (-1, 1) / sqrt 2, so that a detail is the older sample minus the newer one. These
// are the conventions of PyWavelets.

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace dendrokv {

enum class WaveletFamily {
  Haar,
  Daubechies,           // most vanishing moments for their length, minimum phase
  Symlet,               // the same with the most linear phase
  LeastAsymmetric,      // symlets in the order of Percival and Walden (2000), named by length
  Coiflet,              // the scaling function has vanishing moments too
  Biorthogonal,         // symmetric; splines for reconstruction
  ReverseBiorthogonal,  // splines for decomposition
  DiscreteMeyer,        // an approximation: it reconstructs to 1e-3 only
  Custom,
};
std::string_view family_summary(WaveletFamily family);

enum class Orthogonality { Orthogonal, Biorthogonal };

/// The four filters, of one even length.
struct Wavelet {
  std::string name;
  WaveletFamily family = WaveletFamily::Custom;
  Orthogonality orthogonality = Orthogonality::Orthogonal;
  uint32_t vanishing_moments = 0;  // polynomials below this degree have no details
  std::vector<double> dec_lo, dec_hi, rec_lo, rec_hi;

  size_t length() const { return dec_lo.size(); }
};

/// All names, in the order of the table.
std::vector<std::string_view> wavelet_names();
/// Throws Error for an unknown name, with the nearest ones.
Wavelet find_wavelet(std::string_view name);
/// A filter bank of the caller's. Throws Error unless the four have one even length of at least 2
/// and finite taps.
Wavelet custom_wavelet(std::string name, std::vector<double> dec_lo, std::vector<double> dec_hi,
                       std::vector<double> rec_lo, std::vector<double> rec_hi);

/// floor(log2(positions / (length - 1))): the deepest level with a coefficient that no boundary
/// touches; 0 = none.
uint32_t deepest_level(size_t positions, size_t filter_length);

}  // namespace dendrokv
