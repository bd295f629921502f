#pragma once
// Where does the variance of a sequence change? Cumulative sums of squares of wavelet coefficients
// (Inclan and Tiao 1994; Whitcher, Byers, Guttorp, Percival 2002):
//
//   P_k = sum_{t <= k} W_t^2 / sum_t W_t^2,     D = max_k |P_k - k / n|
//
// The test asks for constancy, not for a smooth rise. Its published null takes coefficients as
// independent; here the null is simulated: signs and order of the coefficients cannot matter under
// it, so the squares are permuted in blocks that keep the dependence of neighbours.

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "analysis/resampling.h"

namespace dendrokv {

struct VarianceChange {
  double statistic = 0;  // D
  size_t after = 0;      // the last place before the change: where |P_k - k / n| is largest
  double p_value = 1;
};

/// `block` neighbours stay together in a permutation: 1 for decimated coefficients, the filter's
/// length for undecimated ones. Throws Error with fewer than four blocks. p = 1 when all
/// coefficients are 0.
VarianceChange variance_change(std::span<const double> coefficients, size_t block,
                               const Resampling& resampling);

/// Binary segmentation: changes whose p-value is at most `significance` in the stretch between
/// those found before, in time order.
std::vector<VarianceChange> variance_changes(std::span<const double> coefficients, size_t block,
                                             double significance, const Resampling& resampling);

}  // namespace dendrokv
