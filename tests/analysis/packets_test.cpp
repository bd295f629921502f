// Packets: the first path is the decimated transform, every basis restores the signal, a tone is
// found, the basis is the cheapest.

#include "analysis/packets.h"

#include <cmath>
#include <gtest/gtest.h>
#include <limits>
#include <numbers>

#include "analysis/dwt.h"
#include "data/error.h"
#include "tests/analysis/signals.h"

namespace dendrokv {
namespace {

using testing::random_signal;

TEST(Packets, LowPathIsTheDecimatedTransform) {
  const auto x = random_signal<double>(120, 3);
  const PacketTree<double> tree(find_wavelet("db3"), Boundary::Symmetric, 3, x.view());
  const Dwt dwt(find_wavelet("db3"), Boundary::Symmetric, 120, 3);
  Grid<double> out(dwt.coefficients(), 3);
  const auto bands = dwt.bands_of(rows_view(out.view()));
  dwt.forward<double>(rows_view(x.view()), bands);
  const PacketNode nodes[] = {{3, 0}, {3, 1}, {2, 1}, {1, 1}};
  for (size_t b = 0; b < 4; ++b)
    for (size_t k = 0; k < bands[b].positions; ++k)
      for (size_t c = 0; c < 3; ++c) EXPECT_EQ(tree.band(nodes[b])(k, c), *bands[b].at(0, k, c));
}

TEST(Packets, EveryBasisRestoresTheSignal) {
  for (const Boundary boundary : {Boundary::Zero, Boundary::Periodization, Boundary::Reflect}) {
    const auto x = random_signal<double>(101, 2);
    const PacketTree<double> tree(find_wavelet("sym4"), boundary, 3, x.view());
    for (const auto& basis :
         {tree.level_basis(0), tree.level_basis(3), tree.best_basis(PacketCost::Entropy),
          std::vector<PacketNode>{{1, 0}, {2, 2}, {3, 6}, {3, 7}}}) {
      const Grid<double> back = tree.inverse(basis);
      for (size_t i = 0; i < x.all().size(); ++i) EXPECT_NEAR(back.all()[i], x.all()[i], 1e-12);
    }
    EXPECT_THROW(tree.inverse(std::vector<PacketNode>{{1, 0}}), Error);
    EXPECT_THROW(tree.inverse(std::vector<PacketNode>{{1, 0}, {1, 1}, {2, 3}}), Error);
  }
}

// A tone of frequency f (Nyquist 1) has its energy in the node whose place in order of frequency is
// f * 2^levels.
TEST(Packets, TonesAreWhereTheirFrequencyIs) {
  for (uint32_t place = 0; place < 8; ++place) {
    Grid<double> x(512, 1);
    const double frequency = std::numbers::pi * (place + 0.5) / 8;
    for (size_t n = 0; n < 512; ++n) x(n, 0) = std::sin(frequency * static_cast<double>(n));
    const PacketTree<double> tree(find_wavelet("db10"), Boundary::Periodization, 3, x.view());
    double most = 0;
    PacketNode loudest;
    for (const PacketNode node : tree.level_basis(3)) {
      double energy = 0;
      for (size_t k = 0; k < tree.band(node).rows(); ++k)
        energy += std::pow(tree.band(node)(k, 0), 2);
      if (energy > most) most = energy, loudest = node;
    }
    EXPECT_EQ(frequency_place(loudest), place);
    // The rest leaks to its neighbours: ten moments are not a sharp filter.
    EXPECT_GT(most, 0.75 * 256);
  }
}

TEST(Packets, BestBasisIsTheCheapestOfAll) {
  const auto x = random_signal<double>(64, 1);
  const PacketTree<double> tree(find_wavelet("haar"), Boundary::Periodization, 2, x.view());
  const auto cost = [&](std::span<const PacketNode> basis) {
    double sum = 0;
    for (const PacketNode node : basis)
      for (size_t k = 0; k < tree.band(node).rows(); ++k) sum += std::abs(tree.band(node)(k, 0));
    return sum;
  };
  // The five covers of two levels.
  const std::vector<std::vector<PacketNode>> all = {{{0, 0}},
                                                    {{1, 0}, {1, 1}},
                                                    {{2, 0}, {2, 1}, {1, 1}},
                                                    {{1, 0}, {2, 2}, {2, 3}},
                                                    {{2, 0}, {2, 1}, {2, 2}, {2, 3}}};
  double least = std::numeric_limits<double>::infinity();
  for (const auto& basis : all) least = std::min(least, cost(basis));
  EXPECT_DOUBLE_EQ(cost(tree.best_basis(PacketCost::Magnitude)), least);
}

TEST(Packets, DepthIsChecked) {
  const auto x = random_signal<double>(16, 1);
  EXPECT_THROW(PacketTree<double>(find_wavelet("db4"), Boundary::Zero, 3, x.view()), Error);
  EXPECT_THROW(PacketTree<double>(find_wavelet("haar"), Boundary::Zero, 17, x.view()), Error);
}

// What is far below or beyond the square of a number still has its share.
TEST(Packets, BestBasisDoesNotDependOnTheUnit) {
  auto x = random_signal<double>(64, 1);
  x(5, 0) = 1e-162;  // its square over the energy is below the smallest number
  const auto basis_of = [&](double unit) {
    auto scaled = x;
    for (double& sample : scaled.all()) sample *= unit;
    return PacketTree<double>(find_wavelet("haar"), Boundary::Periodization, 3, scaled.view())
        .best_basis(PacketCost::Entropy);
  };
  const std::vector<PacketNode> wanted = basis_of(1);
  EXPECT_EQ(basis_of(0x1p600), wanted);
  EXPECT_EQ(basis_of(0x1p-600), wanted);
}

// One sample is its own best basis: every split spreads it.
TEST(Packets, ATinySampleBesideALargeOneHasACost) {
  Grid<double> x(64, 1);
  x(8, 0) = 10;
  x(40, 0) = 1e-161;
  const PacketTree<double> tree(find_wavelet("haar"), Boundary::Periodization, 3,
                                std::as_const(x).view());
  EXPECT_EQ(tree.best_basis(PacketCost::Entropy), (std::vector<PacketNode>{{0, 0}}));
}

}  // namespace
}  // namespace dendrokv
