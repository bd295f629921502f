#pragma once
// Rotary positions for policies that look at keys and queries as attention does: the pair (2i, 2i +
// 1) of a row at place p is turned by p * turns[i] (Su et al., arXiv 2104.09864, equation 15).

#include <complex>
#include <cstddef>
#include <span>
#include <vector>

namespace dendrokv {

/// The turns of places, as the complex numbers e^(i p turn). A place is turned to digit by digit,
/// to the base 64, with a table for each digit: to 1e-15, and without a cosine for each row.
class TurnTable {
 public:
  /// `turns` may be empty: rows then stay as they are.
  explicit TurnTable(std::span<const double> turns) : turns_(turns.begin(), turns.end()) {}

  /// [pair]; valid until the next call.
  std::span<const std::complex<double>> turns_at(size_t place);
  /// Channels without an angle stay as they are.
  void apply(size_t place, std::span<const float> row, std::span<double> out);

 private:
  std::span<const std::complex<double>> table_of(size_t digit_place);

  std::vector<double> turns_;
  std::vector<std::vector<std::complex<double>>> tables_;  // [place of the digit] of [digit, pair]
  std::vector<std::complex<double>> at_;                   // [pair]
};

}  // namespace dendrokv
