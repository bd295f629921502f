#pragma once
// Rotary positions for policies that look at keys and queries as attention does: the pair (2i, 2i + 1)
// of a row at place p is turned by p * turns[i] (Su et al., arXiv 2104.09864, equation 15).

#include <span>
#include <vector>

namespace dendrokv {

/// Cosine and sine of each pair's angle at a place.
class Turn {
 public:
  Turn(double place, std::span<const double> turns);
  /// `out` may be `row`; pairs without an angle stay as they are.
  void apply(std::span<const float> row, std::span<double> out) const;

 private:
  std::vector<double> cosine_, sine_;  // [pair]
};

/// `out` may be `row`. Where `turns` is empty the row stays as it is.
void rotate_to(double place, std::span<const double> turns, std::span<const float> row,
               std::span<double> out);

}  // namespace dendrokv
