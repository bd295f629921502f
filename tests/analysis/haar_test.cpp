// The transform and its inverse: convention, closed forms, PyWavelets' numbers
// (tests/data/wavelets), refusals.

#include "analysis/haar.h"

#include <cmath>
#include <gtest/gtest.h>
#include <limits>

#include "data/error.h"
#include "tests/analysis/signals.h"
#include "tests/support/files.h"

namespace dendrokv {
namespace {

using testing::random_signal;

TEST(Haar, DetailIsOlderMinusNewer) {
  Grid<double> signal(2, 1);
  signal(0, 0) = 3;
  signal(1, 0) = 1;
  haar_forward(signal.view(), 1);
  EXPECT_NEAR(signal(0, 0), 4 / std::sqrt(2.0), 1e-15);
  EXPECT_NEAR(signal(1, 0), 2 / std::sqrt(2.0), 1e-15);
}

TEST(Haar, CoefficientsEqualPyWavelets) {
  for (const std::string length : {"64", "512"}) {
    const auto x =
        testing::read_npy<double>(testing::data_file("wavelets/dwt_haar_" + length + "_x.npy"));
    const auto wanted = testing::read_npy<double>(
        testing::data_file("wavelets/dwt_haar_" + length + "_coefficients.npy"));
    Grid<double> signal(x.values.size(), 1);
    std::ranges::copy(x.values, signal.all().begin());
    haar_forward(signal.view(), 5);
    double largest = 0;
    for (const double sample : x.values) largest = std::max(largest, std::abs(sample));
    // Same filter, five levels of two roundings each.
    for (size_t i = 0; i < wanted.values.size(); ++i)
      EXPECT_NEAR(signal(i, 0), wanted.values[i], 1e-14 * largest);
  }
}

TEST(Haar, BandsEqualPyWaveletsMultiresolutionAnalysis) {
  const auto x = testing::read_npy<double>(testing::data_file("wavelets/mra_haar_512x3_x.npy"));
  // [approximation, D_5 .. D_1][position][channel]
  const auto wanted =
      testing::read_npy<double>(testing::data_file("wavelets/mra_haar_512x3_bands.npy"));
  Grid<double> signal(512, 3);
  std::ranges::copy(x.values, signal.all().begin());
  double largest = 0;
  for (const double sample : x.values) largest = std::max(largest, std::abs(sample));
  haar_forward(signal.view(), 5);
  for (uint32_t row = 0; row <= 5; ++row) {
    const uint32_t level = row == 0 ? 0 : 6 - row;
    const Grid<double> band = haar_reconstruct_band(std::as_const(signal).view(), 5, level);
    for (size_t i = 0; i < band.all().size(); ++i)
      EXPECT_NEAR(band.all()[i], wanted.values[row * 512 * 3 + i], 1e-12 * largest);
  }
}

TEST(Haar, InverseRestoresAndEnergyIsKept) {
  for (const uint32_t levels : {1u, 3u, 5u}) {
    const Grid<double> signal = random_signal<double>(96, 3);
    Grid<double> coefficients = signal;
    haar_forward(coefficients.view(), levels);
    double before = 0, after = 0;
    for (const double sample : signal.all()) before += sample * sample;
    for (const double coefficient : coefficients.all()) after += coefficient * coefficient;
    EXPECT_NEAR(after / before, 1, 1e-13);  // orthonormal
    haar_inverse(coefficients.view(), levels);
    for (size_t i = 0; i < signal.all().size(); ++i)
      EXPECT_NEAR(coefficients.all()[i], signal.all()[i], 1e-13);
  }
}

TEST(Haar, BandsAndApproximationAddUpToTheSignal) {
  const Grid<double> signal = random_signal<double>(64, 2);
  Grid<double> coefficients = signal;
  haar_forward(coefficients.view(), 5);
  Grid<double> sum(64, 2);
  for (uint32_t level = 0; level <= 5; ++level) {
    const Grid<double> band = haar_reconstruct_band(std::as_const(coefficients).view(), 5, level);
    for (size_t i = 0; i < sum.all().size(); ++i) sum.all()[i] += band.all()[i];
  }
  for (size_t i = 0; i < sum.all().size(); ++i) EXPECT_NEAR(sum.all()[i], signal.all()[i], 1e-13);
}

// A step from 0 to 1 between positions 7 and 8 of 32 is the middle of a block of 16 and of no other
// block: D_4 alone sees the jump (+-1/2 on positions 0..15), and D_5 the difference of the halves'
// means (1/2 and 1: +-1/4).
TEST(Haar, StepHasItsClosedForm) {
  Grid<double> signal(32, 1, 0.0);
  for (size_t p = 8; p < 32; ++p) signal(p, 0) = 1;
  haar_forward(signal.view(), 5);
  for (uint32_t level = 1; level <= 5; ++level) {
    const Grid<double> band = haar_reconstruct_band(std::as_const(signal).view(), 5, level);
    for (size_t p = 0; p < 32; ++p) {
      double wanted = 0;
      if (level == 4 && p < 16) wanted = p < 8 ? -0.5 : 0.5;
      if (level == 5) wanted = p < 16 ? -0.25 : 0.25;
      EXPECT_NEAR(band(p, 0), wanted, 1e-15) << "level " << level << " position " << p;
    }
  }
}

TEST(Haar, WindowsEndAtTheQuery) {
  EXPECT_EQ(aligned_window(512, 5).first, 0u);
  EXPECT_EQ(aligned_window(100, 5).first, 4u);
  EXPECT_EQ(aligned_window(100, 5).count, 96u);
  EXPECT_EQ(aligned_window(4096, 12).count, 4096u);
  EXPECT_THROW(aligned_window(31, 5), Error);
  EXPECT_THROW(aligned_window(100, 0), Error);
  EXPECT_THROW(aligned_window(100000, 13), Error);
}

TEST(Haar, WhatIsNotANumberIsRefusedByPosition) {
  Grid<double> signal(8, 2, 1.0);
  signal(5, 1) = std::numeric_limits<double>::quiet_NaN();
  try {
    haar_forward(signal.view(), 3);
    FAIL() << "took a gap for a number";
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("position 5"), std::string::npos) << error.what();
  }
}

}  // namespace
}  // namespace dendrokv
