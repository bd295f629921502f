#pragma once
// Rotary position embedding (Su et al., 2021, arXiv 2104.09864): the angles of every position, once
// for all layers and heads.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "model/kernels.h"

namespace dendrokv {

/// Which two lanes of a head turn together: 2i and 2i + 1, or i and i + head_dim / 2. A property of
/// the architecture.
enum class RotaryPairing : uint8_t { Adjacent, Halves };

/// YaRN (Peng et al., ICLR 2024, arXiv 2309.00071, section 3.2): pairs that turn more than `fast`
/// times within the original context keep their frequency, those that turn less than `slow` times
/// are divided by the factor, a ramp over the pairs between.
struct YarnRamp {
  double original_context = 0;  // tokens
  double fast = 32, slow = 1;   // turns
};

/// How far the pairs of a head turn from one position to the next.
struct RotaryShape {
  RotaryPairing pairing = RotaryPairing::Adjacent;
  double base = 10000;
  std::vector<float> divisors{};   // [head_dim / 2], of the frequencies
  double factor = 1;               // divides the positions
  double magnitude = 1;            // of the turned lanes: cosine and sine are multiplied by it
  std::optional<YarnRamp> yarn{};  // none: the factor is for all pairs
};

/// Cosine and sine of the angle by which pair i of a head turns at a position:
///   position * base^(-2i / head_dim) / divisor[i] / factor, the last one as the ramp says
/// times the magnitude; computed in double, kept as float.
class RotaryTable {
 public:
  explicit RotaryTable(const RotaryShape& shape);
  /// Adjacent lanes, no scaling but the divisors: [head_dim / 2].
  RotaryTable(double base, std::span<const float> divisors);

  /// Makes room for positions [0, positions). Not while another thread reads.
  void grow(size_t positions);
  std::span<const double> frequencies() const { return frequency_; }  // [head_dim / 2]
  std::span<const float> cosine(size_t position) const;               // [head_dim / 2]
  std::span<const float> sine(size_t position) const;                 // [head_dim / 2]
  /// Turns a head, [head_dim], to a position that grow() has covered. `out` may be `x`.
  void rotate(const Kernels& kernels, std::span<const float> x, size_t position,
              std::span<float> out) const;
  /// Keys as f16, [row, heads of head_dim], `row_length` apart: those listed are turned to
  /// first_position, first_position + 1, ... Has the bits of widening, rotate() and rounding one
  /// after the other.
  void rotate_rows(const Kernels& kernels, const uint16_t* from, size_t row_length,
                   std::span<const uint32_t> rows, size_t first_position, uint16_t* to) const;

 private:
  RotaryPairing pairing_;
  double magnitude_;
  std::vector<double> frequency_;     // [head_dim / 2], radians per position
  std::vector<float> cosine_, sine_;  // [position, head_dim / 2]
};

}  // namespace dendrokv
