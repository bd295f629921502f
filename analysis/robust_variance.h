#pragma once
// The robust wavelet variance: an M-estimate of scale with Tukey's biweight, 60 % efficient under
// normality (Guerrier and Molinari 2016). A few wild coefficients do not move it.

#include <span>

namespace dendrokv {

/// sigma^2 of at least two coefficients W, with r = W / sigma and u = (r / c)^2: where the mean of
/// w^2 r^2, w = (1 - u)^2 inside of c and 0 outside, falls to what it is for a normal distribution
/// of that variance. Tails may be so heavy that it never gets there (the usual iteration then runs
/// to 0): theirs is the sigma^2 at which the mean is largest, its nearest to a solution. Of
/// several, that to which the median magnitude leads. 0 when all coefficients are. Within 1e-9
/// relative; of a largest mean 1e-6.
double robust_mean_square(std::span<const double> coefficients);

}  // namespace dendrokv
