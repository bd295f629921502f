#pragma once
// Quantiles and tails of the distributions that intervals and tests are made of.

namespace dendrokv {

/// `probability` in (0, 1) throughout.
double normal_quantile(double probability);
double normal_upper_tail(double value);
/// `degrees` > 0, not necessarily whole.
double student_quantile(double degrees, double probability);
double chi_squared_quantile(double degrees, double probability);
double chi_squared_upper_tail(double degrees, double value);

}  // namespace dendrokv
