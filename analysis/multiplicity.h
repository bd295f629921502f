#pragma once
// Many tests at once: adjusted p-values that control the share of false findings.

#include <span>
#include <vector>

namespace dendrokv {

enum class Dependence {
  Positive,   // Benjamini and Hochberg (1995)
  Arbitrary,  // Benjamini and Yekutieli (2001): larger by 1 + 1/2 + ... + 1/tests
};

/// Adjusted p-values in the order given: those at or below q are findings at a false discovery rate
/// of q. NaN (no test) stays NaN and does not count.
std::vector<double> adjusted_p_values(std::span<const double> p_values, Dependence dependence);

}  // namespace dendrokv
