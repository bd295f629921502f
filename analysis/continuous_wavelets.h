#pragma once
// Continuous wavelets in the frequency domain (Torrence and Compo 1998, table 1; Olhede and Walden
// 2002 for generalised Morse).
//
//   morlet:w0          pi^(-1/4) exp(-(u - w0)^2 / 2), u > 0, u = scale * angular frequency
//   paul:m             2^m / sqrt(m (2m - 1)!) u^m exp(-u), u > 0
//   dog:m              -(i^m) / sqrt(Gamma(m + 1/2)) u^m exp(-u^2 / 2): real, the m-th derivative
//                      of a Gaussian
//   morse:beta,gamma   c u^beta exp(-u^gamma), u > 0, c so that the integral of the square is 1
// All have unit energy: the integral of |psi^|^2 is 1.

#include <complex>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace dendrokv {

enum class ContinuousFamily { Morlet, Paul, Dog, Morse };

struct ContinuousWavelet {
  ContinuousFamily family = ContinuousFamily::Morlet;
  double parameter = 6;  // w0, m or beta
  double gamma = 3;      // of Morse

  std::string name() const;
  /// |psi^(u)| with its sign for real factors; 0 for u <= 0 unless the wavelet is real.
  double amplitude(double u) const;
  /// The constant phase: 1, or -(i^m) for DOG.
  std::complex<double> phase() const;
  bool is_real() const { return family == ContinuousFamily::Dog; }
  /// u where the amplitude is largest.
  double peak() const;
  /// Where the amplitude has fallen below `fraction` of its peak, [low, high].
  struct Support {
    double low, high;
  };
  Support support(double fraction) const;
  /// Wavelength of a sine whose power is largest at scale 1 under L2.
  double period() const;
  /// Time at scale 1 in which the power of an edge falls by e^2.
  double e_folding() const;
  /// Time at scale 1 beyond which |psi| stays below about `fraction` of its largest value (at most
  /// twice it), fraction <= 1e-3. Paul and Morse fall as a power of time only.
  double half_width(double fraction) const;
  /// psi(0) of the wavelet in time, and the constant of the reconstruction (Torrence and Compo,
  /// equation 13): their table where it has the wavelet, else by quadrature.
  double at_zero() const;
  double reconstruction() const;
};

/// "morlet", "morlet:6", "paul:4", "dog:2", "morse:20,3". Throws Error.
ContinuousWavelet parse_continuous_wavelet(std::string_view text);

struct ContinuousRow {
  std::string_view name, summary, parameters;
};
/// To add a family: an enumerator, its formulas, a row.
std::vector<ContinuousRow> continuous_wavelets();

}  // namespace dendrokv
