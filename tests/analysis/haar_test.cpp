#include "analysis/haar.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "data/error.h"
#include "tests/support/files.h"

namespace dendrokv {
namespace {

template <class Real>
Grid<Real> random_signal(size_t positions, size_t channels) {
  std::mt19937 draw(11);
  std::normal_distribution<double> normal;
  Grid<Real> signal(positions, channels);
  for (Real& sample : signal.all()) sample = static_cast<Real>(normal(draw));
  return signal;
}

// |Rec(D_level)| averaged over channels by an explicit forward and inverse transform.
template <class Real>
Grid<double> honest_profile(Grid<Real> signal, uint32_t levels) {
  haar_forward(signal.view(), levels);
  Grid<double> profile(levels, signal.rows());
  for (uint32_t level = 1; level <= levels; ++level) {
    const Grid<Real> band = haar_reconstruct_band(std::as_const(signal).view(), levels, level);
    for (size_t p = 0; p < band.rows(); ++p) {
      double sum = 0;
      for (const Real sample : band.row(p)) sum += std::abs(static_cast<double>(sample));
      profile(level - 1, p) = sum / static_cast<double>(band.cols());
    }
  }
  return profile;
}

TEST(Haar, ConventionsOfASinglePair) {
  Grid<double> signal(2, 1);
  signal(0, 0) = 3;
  signal(1, 0) = 1;
  haar_forward(signal.view(), 1);
  EXPECT_NEAR(signal(0, 0), 4 / std::sqrt(2.0), 1e-15);
  EXPECT_NEAR(signal(1, 0), 2 / std::sqrt(2.0), 1e-15);  // older minus newer
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
    for (size_t i = 0; i < signal.all().size(); ++i) EXPECT_NEAR(coefficients.all()[i], signal.all()[i], 1e-13);
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

// An impulse of height 1 at position 5 of 32: at level l the halves of its block differ by 2^(1 - l), so |Rec(D_l)| = 2^-l there.
TEST(Haar, ImpulseHasItsClosedForm) {
  Grid<float> weights(1, 32, 1.0f), values(32, 1, 0.0f);
  values(5, 0) = 1;
  Grid<double> profile(5, 32);
  const std::vector<GridView<double>> views = {profile.view()};
  add_haar_profiles(weights.view(), values.view(), views);
  for (uint32_t level = 1; level <= 5; ++level)
    for (size_t p = 0; p < 32; ++p)
      EXPECT_EQ(profile(level - 1, p), p >> level == size_t{5} >> level ? std::ldexp(1.0, -static_cast<int>(level)) : 0.0);
}

TEST(Haar, FusedProfileAgreesWithTheHonestTransform) {
  // Channel counts around the width of the partial sums.
  for (const size_t channels : {1u, 7u, 8u, 64u, 67u}) {
    const Grid<float> values = random_signal<float>(64, channels);
    Grid<float> weights(2, 64);
    for (size_t p = 0; p < 64; ++p) {
      weights(0, p) = 1.0f / static_cast<float>(64 - p);
      weights(1, p) = p % 3 == 0 ? 0.5f : 0.25f;
    }
    std::vector<Grid<double>> fused(2, Grid<double>(5, 64));
    const std::vector<GridView<double>> views = {fused[0].view(), fused[1].view()};
    add_haar_profiles(weights.view(), values.view(), views);
    for (size_t h = 0; h < 2; ++h) {
      Grid<float> single(64, channels);
      Grid<double> precise(64, channels);
      for (size_t p = 0; p < 64; ++p)
        for (size_t c = 0; c < channels; ++c) {
          single(p, c) = weights(h, p) * values(p, c);
          precise(p, c) = static_cast<double>(weights(h, p)) * static_cast<double>(values(p, c));
        }
      const Grid<double> honest = honest_profile(single, 5), exact = honest_profile(precise, 5);
      for (size_t i = 0; i < honest.all().size(); ++i) {
        // Means of 2^5 float products: a few roundings of 6e-8 of the largest sample.
        EXPECT_NEAR(fused[h].all()[i], honest.all()[i], 1e-6);
        EXPECT_NEAR(fused[h].all()[i], exact.all()[i], 1e-6);
      }
    }
  }
}

TEST(Haar, HonestProfileIsTheBlockMeanIdentityInDouble) {
  const Grid<double> signal = random_signal<double>(64, 3);
  const Grid<double> honest = honest_profile(signal, 5);
  for (uint32_t level = 1; level <= 5; ++level) {
    const size_t block = size_t{1} << level;
    for (size_t p = 0; p < 64; ++p) {
      double sum = 0;
      for (size_t c = 0; c < 3; ++c) {
        double older = 0, newer = 0;
        for (size_t i = 0; i < block / 2; ++i) {
          older += signal(p / block * block + i, c);
          newer += signal(p / block * block + block / 2 + i, c);
        }
        sum += std::abs(older - newer) / static_cast<double>(block);
      }
      EXPECT_NEAR(honest(level - 1, p), sum / 3, 1e-14);
    }
  }
}

// Reference numbers: float64, 512 tokens, layers 0, 14 and 29 (tests/data/README.md).
TEST(Haar, EqualsTheReferenceProfileOfARealModel) {
  const auto attention = testing::read_npy<float>(testing::data_file("attention/attention_last_row.npy"));
  const auto values = testing::read_npy<float>(testing::data_file("attention/values_layers_0_14_29.npy"));
  const auto wanted = testing::read_npy<float>(testing::data_file("attention/haar_heads_layers_0_14_29.npy"));
  constexpr size_t kLayers[] = {0, 14, 29}, kTokens = 512, kChannels = 64;
  double worst = 0;
  for (size_t l = 0; l < 3; ++l)
    for (size_t g = 0; g < 3; ++g) {
      const GridView<const float> rows(values.values.data() + (l * 3 + g) * kTokens * kChannels, kTokens, kChannels);
      const GridView<const float> weights(attention.values.data() + (kLayers[l] * 9 + g * 3) * kTokens, 3, kTokens);
      std::vector<Grid<double>> profiles(3, Grid<double>(5, kTokens));
      std::vector<GridView<double>> views;
      for (Grid<double>& profile : profiles) views.push_back(profile.view());
      add_haar_profiles(weights, rows, views);
      for (size_t level = 0; level < 5; ++level)
        for (size_t h = 0; h < 3; ++h)
          for (size_t p = 0; p < kTokens; ++p) {
            const double reference =
                static_cast<double>(wanted.values[((level * 3 + l) * 9 + g * 3 + h) * kTokens + p]);
            worst = std::max(worst, std::abs(profiles[h](level, p) - reference) / reference);
          }
    }
  EXPECT_LE(worst, 1e-4);
}

TEST(Haar, WindowsEndAtTheQuery) {
  EXPECT_EQ(aligned_window(512, 5).first, 0u);
  EXPECT_EQ(aligned_window(100, 5).first, 4u);
  EXPECT_EQ(aligned_window(100, 5).count, 96u);
  EXPECT_THROW(aligned_window(31, 5), Error);
  EXPECT_THROW(aligned_window(100, 0), Error);
  EXPECT_THROW(aligned_window(100000, 13), Error);
}

TEST(Haar, AbsentWeightsAreRefusedByPosition) {
  Grid<float> weights(1, 4, 0.25f), values(4, 1, 1.0f);
  weights(0, 2) = std::nanf("");
  Grid<double> profile(2, 4);
  const std::vector<GridView<double>> views = {profile.view()};
  try {
    add_haar_profiles(weights.view(), values.view(), views);
    FAIL() << "took a gap for a number";
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("position 2"), std::string::npos);
  }
}

}  // namespace
}  // namespace dendrokv
