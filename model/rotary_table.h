#pragma once
// Rotary position embedding (Su et al., 2021, arXiv 2104.09864): the angles of every position, once for all layers and heads.

#include <cstddef>
#include <span>
#include <vector>

namespace dendrokv {

/// Cosine and sine of the angle by which pair i of a head turns at a position:
///   position * base^(-2i / head_dim) / divisor[i]
/// computed in double, kept as float.
class RotaryTable {
 public:
  RotaryTable(double base, std::span<const float> divisors);  // divisors: [head_dim / 2]

  /// Makes room for positions [0, positions). Not while another thread reads.
  void grow(size_t positions);
  std::span<const float> cosine(size_t position) const;  // [head_dim / 2]
  std::span<const float> sine(size_t position) const;

 private:
  std::vector<double> frequency_;     // [head_dim / 2], radians per position
  std::vector<float> cosine_, sine_;  // [position, head_dim / 2]
};

}  // namespace dendrokv
