#include "analysis/packets.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>

#include "analysis/dwt.h"
#include "data/error.h"

namespace dendrokv {
namespace {

/// Root of the sum of squares, which by itself may be beyond the range of the numbers.
template <class Real>
double norm_of(std::span<const Real> samples) {
  double largest = 0, sum = 0;
  for (const Real sample : samples)
    largest = std::max(largest, std::fabs(static_cast<double>(sample)));
  if (largest == 0) return 0;
  for (const Real sample : samples) sum += std::pow(static_cast<double>(sample) / largest, 2);
  return largest * std::sqrt(sum);
}

/// `norm` of the signal. What has no share that a number can hold costs nothing.
template <class Real>
double cost_of(GridView<const Real> band, PacketCost cost, double norm) {
  double sum = 0;
  for (size_t r = 0; r < band.rows(); ++r)
    for (const Real coefficient : band.row(r)) {
      const double magnitude = std::fabs(static_cast<double>(coefficient));
      if (magnitude == 0) continue;
      const double share = magnitude / norm * (magnitude / norm);
      if (cost == PacketCost::Entropy && share > 0) sum -= share * std::log(share);
      if (cost == PacketCost::LogEnergy) sum += 2 * std::log(magnitude);
      if (cost == PacketCost::Magnitude) sum += magnitude;
    }
  return sum;
}

}  // namespace

uint32_t frequency_place(PacketNode node) {
  uint32_t place = node.index;
  for (uint32_t shift = 1; shift < 32; shift *= 2) place ^= place >> shift;
  return place;
}

template <class Real>
PacketTree<Real>::PacketTree(Wavelet wavelet, Boundary boundary, uint32_t levels,
                             GridView<const Real> signal)
    : wavelet_(std::move(wavelet)), boundary_(boundary), levels_(levels) {
  if (levels > 16) fail("levels of packets", std::to_string(levels), "wanted 1 to 16");
  // Throws for a depth that makes no sense.
  const Dwt check(wavelet_, boundary, signal.rows(), levels);
  Grid<Real> root(signal.rows(), signal.cols());
  for (size_t r = 0; r < signal.rows(); ++r) std::ranges::copy(signal.row(r), root.row(r).begin());
  bands_.resize(levels + size_t{1});
  bands_[0].push_back(std::move(root));
  for (uint32_t level = 0; level < levels; ++level) {
    const Dwt split(wavelet_, boundary, bands_[level][0].rows(), 1, Depth::Any);
    for (const Grid<Real>& band : bands_[level]) {
      Grid<Real> low(split.length(0), band.cols()), high(split.length(1), band.cols());
      const SignalView<Real> halves[] = {rows_view(low.view()), rows_view(high.view())};
      split.forward<Real>(rows_view(band.view()), halves);
      bands_[level + 1].push_back(std::move(low));
      bands_[level + 1].push_back(std::move(high));
    }
  }
}

template <class Real>
GridView<const Real> PacketTree<Real>::band(PacketNode node) const {
  DENDROKV_ASSERT(node.level <= levels_ && node.index < bands_[node.level].size());
  return bands_[node.level][node.index].view();
}

template <class Real>
std::vector<PacketNode> PacketTree<Real>::level_basis(uint32_t level) {
  std::vector<PacketNode> basis;
  for (uint32_t index = 0; index < uint32_t{1} << level; ++index) basis.push_back({level, index});
  return basis;
}

/// From the leaves up: a node is kept whole when that is not dearer than the best of its halves.
template <class Real>
std::vector<PacketNode> PacketTree<Real>::best_basis(PacketCost cost) const {
  const double norm = norm_of<Real>(bands_[0][0].all());
  std::vector<double> best;                     // of the level below
  std::vector<std::vector<PacketNode>> chosen;  // likewise
  for (uint32_t level = levels_ + 1; level-- > 0;) {
    std::vector<double> costs;
    std::vector<std::vector<PacketNode>> nodes;
    for (uint32_t index = 0; index < bands_[level].size(); ++index) {
      const double whole = cost_of<Real>(bands_[level][index].view(), cost, norm);
      const double halves = level == levels_ ? whole : best[2 * index] + best[2 * index + 1];
      if (level == levels_ || whole <= halves) {
        costs.push_back(whole);
        nodes.push_back({{level, index}});
      } else {
        costs.push_back(halves);
        nodes.push_back(chosen[2 * index]);
        nodes.back().insert(nodes.back().end(), chosen[2 * index + 1].begin(),
                            chosen[2 * index + 1].end());
      }
    }
    best = std::move(costs);
    chosen = std::move(nodes);
  }
  return chosen[0];
}

template <class Real>
Grid<Real> PacketTree<Real>::inverse(std::span<const PacketNode> basis) const {
  std::vector<PacketNode> sorted(basis.begin(), basis.end());
  std::ranges::sort(sorted);
  size_t used = 0;
  Grid<Real> signal = rebuilt({0, 0}, sorted, used);
  if (used != basis.size())
    fail("basis of packets",
         std::to_string(basis.size()) + " nodes, " + std::to_string(used) + " of use",
         "wanted nodes that do not overlap");
  return signal;
}

template <class Real>
Grid<Real> PacketTree<Real>::rebuilt(PacketNode node, std::span<const PacketNode> basis,
                                     size_t& used) const {
  if (std::ranges::binary_search(basis, node)) {
    ++used;
    return bands_[node.level][node.index];
  }
  if (node.level == levels_)
    fail("basis of packets",
         "nothing for node " + std::to_string(node.index) + " of the last level",
         "wanted nodes that cover the signal");
  const Grid<Real> low = rebuilt({node.level + 1, 2 * node.index}, basis, used);
  const Grid<Real> high = rebuilt({node.level + 1, 2 * node.index + 1}, basis, used);
  Grid<Real> whole(bands_[node.level][node.index].rows(), low.cols());
  const Dwt split(wavelet_, boundary_, whole.rows(), 1, Depth::Any);
  const SignalView<const Real> halves[] = {rows_view(low.view()), rows_view(high.view())};
  split.inverse<Real>(halves, rows_view(whole.view()));
  return whole;
}

template class PacketTree<float>;
template class PacketTree<double>;

}  // namespace dendrokv
