#pragma once
// Wavelet packets: both halves of every band are split again, and the cheapest cover of the
// frequency axis is chosen (Coifman and Wickerhauser 1992).

#include <compare>
#include <cstdint>
#include <span>
#include <vector>

#include "analysis/boundary.h"
#include "analysis/signal_view.h"
#include "analysis/wavelets.h"
#include "data/grid.h"

namespace dendrokv {

/// What a band costs; additive over coefficients.
enum class PacketCost {
  Entropy,    // - sum p ln p, p = coefficient^2 / energy of the signal
  LogEnergy,  // sum ln coefficient^2 of those that are not 0
  Magnitude,  // sum |coefficient|
};

/// Node `index` of `level`: the path from the signal, a 1 bit for each detail, the first split
/// highest.
struct PacketNode {
  uint32_t level = 0, index = 0;
  auto operator<=>(const PacketNode&) const = default;
};
/// Place of a node in the order of frequency: a detail's halves come out in reverse order (Gray
/// code).
uint32_t frequency_place(PacketNode node);

/// All bands of all levels of signals [position, channel].
template <class Real>
class PacketTree {
 public:
  /// Throws Error as Dwt, and for more than 16 levels.
  PacketTree(Wavelet wavelet, Boundary boundary, uint32_t levels, GridView<const Real> signal);

  uint32_t levels() const { return levels_; }
  /// [coefficient, channel]; node {0, 0} is the signal.
  GridView<const Real> band(PacketNode node) const;
  /// The cheapest set of nodes that covers the signal, over all channels, in order of place.
  std::vector<PacketNode> best_basis(PacketCost cost) const;
  /// All nodes of a level.
  static std::vector<PacketNode> level_basis(uint32_t level);
  /// The signal from the bands of a basis. Throws Error when the nodes do not cover it exactly.
  Grid<Real> inverse(std::span<const PacketNode> basis) const;

 private:
  /// `basis` in order.
  Grid<Real> rebuilt(PacketNode node, std::span<const PacketNode> basis, size_t& used) const;

  Wavelet wavelet_;
  Boundary boundary_;
  uint32_t levels_;
  std::vector<std::vector<Grid<Real>>> bands_;  // [level][index]
};

}  // namespace dendrokv
