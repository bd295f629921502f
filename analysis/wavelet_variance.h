#pragma once
// Wavelet variance: how much of a series' variance lies at the scale of one level (Percival 1995;
// Percival & Walden 2000, chapter 8).
//
// The input are MODWT coefficients W of level j over a series of N, with a filter of L taps: the
// first L_j - 1 of them, L_j = (2^j - 1)(L - 1) + 1, touch the start of the series and are left out
// of the unbiased estimate over the other M = N - L_j + 1.
//
//   unbiased   (1/M) sum W^2          biased   (1/N) sum W^2 of all
//   s_k        biased autocovariance of the M coefficients, not centred
//   A          s_0^2 / 2 + sum_{k>0} s_k^2
//   gaussian   nu +- z sqrt(2 A / M)                may reach below 0
//   chi^2      [eta nu / Q(1 - p), eta nu / Q(p)]   eta1 = M nu^2 / A, sample large
//                                              eta2 = 2 (sum C_k)^2 / sum C_k^2, spectrum known
//                                              eta3 = max(M / 2^j, 1), filter ideal
//   multitaper nu +- t_(K-1) sqrt(S(0) / M): S(0) the spectrum of W^2 at frequency 0 by K sine
//              tapers (Serroukh, Walden and Percival 2000, with the tapers of Riedel and Sidorenko
//              1995, and Student's t for the K - 1 degrees of freedom of S):
//              holds without normality
//   robust     analysis/robust_variance.h

#include <cstddef>
#include <cstdint>
#include <span>

namespace dendrokv {

/// L_j of a filter of `taps` taps at `level` (1 = highest frequency).
size_t modwt_filter_length(size_t taps, uint32_t level);

/// The coefficients that the start of the series does not touch. Throws Error when there is none.
std::span<const double> interior_coefficients(std::span<const double> coefficients, size_t taps,
                                              uint32_t level);

/// (1/n) sum of squares: the unbiased estimate of interior coefficients, the biased one of all.
double mean_square(std::span<const double> coefficients);

struct VarianceInterval {
  double lower = 0, upper = 0;
};

/// A of the head comment, by the autocovariances of interior coefficients. O(n^2) in time.
double large_sample_variance(std::span<const double> interior);

VarianceInterval gaussian_interval(double variance, double a, size_t coefficients,
                                   double confidence);
VarianceInterval chi_squared_interval(double variance, double degrees, double confidence);

/// Of interior coefficients, at least as many as tapers; 2 <= tapers. The lower end may be below 0.
VarianceInterval multitaper_interval(std::span<const double> interior, double confidence,
                                     size_t tapers = 5);

/// Decimated coefficients of `level` that no end of a circular transform touches leave out the
/// first of ceil((taps - 2)(1 - 2^-level)); the unbiased estimate from them, comparable with that
/// of the MODWT: sum of squares over 2^level times their number. Throws Error when there is none.
size_t dwt_boundary_coefficients(size_t taps, uint32_t level);
double dwt_variance(std::span<const double> coefficients, size_t taps, uint32_t level);

double degrees_from_data(double variance, double a, size_t coefficients);  // eta1
/// `spectrum` C_k at the frequencies k / M, k = 1 to floor((M - 1) / 2), up to a constant.
double degrees_from_spectrum(std::span<const double> spectrum);       // eta2
double degrees_of_ideal_filter(size_t coefficients, uint32_t level);  // eta3

/// Correlation of two series at one scale from their interior coefficients, with the interval of
/// Fisher's z transform at `series_length` / 2^level - 3 degrees (Whitcher, Guttorp, Percival
/// 2000). Infinite z at |r| = 1 gives the point itself. Throws Error when that is not positive.
struct Correlation {
  double value = 0, lower = 0, upper = 0;
};
Correlation wavelet_correlation(std::span<const double> a, std::span<const double> b,
                                size_t series_length, uint32_t level, double confidence);

}  // namespace dendrokv
