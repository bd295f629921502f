// The fused profile against the transform and its inverse, closed forms, and the profile of a real
// model (tests/data/attention).

#include <algorithm>
#include <cmath>
#include <gtest/gtest.h>
#include <limits>
#include <utility>
#include <vector>

#include "analysis/haar.h"
#include "analysis/haar_kernels.h"
#include "data/error.h"
#include "data/half.h"
#include "tests/analysis/signals.h"
#include "tests/support/files.h"

namespace dendrokv {
namespace {

using testing::random_signal;

/// |Rec(D_level)| averaged over channels, by the transform and the inverse of one band, [level,
/// position].
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

/// Weights of two heads that fall toward the past, and that jump about.
template <class Real>
Grid<Real> two_rows_of_weights(size_t positions) {
  Grid<Real> weights(2, positions);
  for (size_t p = 0; p < positions; ++p) {
    weights(0, p) = static_cast<Real>(1.0 / static_cast<double>(positions - p));
    weights(1, p) = static_cast<Real>(p % 3 == 0 ? 0.5 : 0.2);
  }
  return weights;
}

/// Largest difference from the honest profile, relative to it, over all heads, levels and
/// positions.
template <class Real>
double worst_difference(size_t positions, size_t channels, uint32_t levels) {
  const Grid<Real> values = random_signal<Real>(positions, channels);
  const Grid<Real> weights = two_rows_of_weights<Real>(positions);
  Grid<double> amplitudes(2, amplitude_count(positions, levels));
  haar_amplitudes<Real>(weights.view(), values.view(), levels, amplitudes.view());
  double worst = 0;
  for (size_t h = 0; h < 2; ++h) {
    Grid<Real> signal(positions, channels);
    for (size_t p = 0; p < positions; ++p)
      for (size_t c = 0; c < channels; ++c) signal(p, c) = weights(h, p) * values(p, c);
    const Grid<double> honest = honest_profile(signal, levels);
    for (uint32_t level = 1; level <= levels; ++level)
      for (size_t p = 0; p < positions; ++p) {
        const size_t block = amplitudes_of_level(positions, level).first + (p >> level);
        const double wanted = honest(level - 1, p);
        worst = std::max(worst, std::abs(amplitudes(h, block) - wanted) / wanted);
      }
  }
  return worst;
}

// Channel counts around the vector (4) and the tile (64). The honest path rounds at each of 2 *
// levels products with 1/sqrt 2, and a difference of block means loses the digits that they share:
// a single channel is asked for less.
TEST(HaarProfile, AgreesWithTheTransformInDouble) {
  for (const size_t channels : {3u, 4u, 7u, 64u, 67u, 131u})
    EXPECT_LE(worst_difference<double>(64, channels, 5), 1e-12) << channels << " channels";
  EXPECT_LE(worst_difference<double>(64, 1, 5), 1e-11);
}

TEST(HaarProfile, AgreesWithTheTransformInFloat) {
  for (const size_t channels : {16u, 64u, 67u, 131u})
    EXPECT_LE(worst_difference<float>(64, channels, 5), 1e-6) << channels << " channels";
}

TEST(HaarProfile, AgreesForEveryNumberOfLevels) {
  for (uint32_t levels = 1; levels <= 8; ++levels)
    for (const size_t blocks : {1u, 3u})
      EXPECT_LE(worst_difference<double>(blocks << levels, 16, levels), 1e-12)
          << levels << " levels";
  EXPECT_LE(worst_difference<double>(4096, 16, 12), 1e-12);
}

/// Measures of one head by the transform and the inverse of each band, channel by channel.
struct PlainMeasures {
  Grid<double> magnitude, energy, log_magnitude;  // [level, position]
  std::vector<double> signal_energy;              // [position]
};

template <class Real>
PlainMeasures plain_measures(const Grid<Real>& signal, uint32_t levels) {
  const size_t positions = signal.rows();
  const auto channels = static_cast<double>(signal.cols());
  PlainMeasures plain{{levels, positions},
                      {levels, positions},
                      {levels, positions},
                      std::vector<double>(positions)};
  Grid<Real> coefficients = signal;
  haar_forward(coefficients.view(), levels);
  for (uint32_t level = 1; level <= levels; ++level) {
    const Grid<Real> band =
        haar_reconstruct_band(std::as_const(coefficients).view(), levels, level);
    for (size_t p = 0; p < positions; ++p)
      for (const Real sample : band.row(p)) {
        const double number = std::abs(static_cast<double>(sample));
        plain.magnitude(level - 1, p) += number / channels;
        plain.energy(level - 1, p) += number * number / channels;
        plain.log_magnitude(level - 1, p) += std::log(number) / channels;
      }
  }
  for (size_t p = 0; p < positions; ++p)
    for (const Real sample : signal.row(p))
      plain.signal_energy[p] +=
          static_cast<double>(sample) * static_cast<double>(sample) / channels;
  return plain;
}

template <class Real>
void expect_plain_measures(size_t positions, size_t channels, uint32_t levels, double tolerance) {
  const Grid<Real> values = random_signal<Real>(positions, channels);
  const Grid<Real> weights = two_rows_of_weights<Real>(positions);
  const size_t count = amplitude_count(positions, levels);
  Grid<double> magnitude(2, count), energy(2, count), log_magnitude(2, count),
      signal_energy(2, positions);
  haar_measures<Real>(
      weights.view(), values.view(), levels,
      {magnitude.view(), energy.view(), log_magnitude.view(), signal_energy.view()});
  Grid<double> alone(2, count);
  haar_amplitudes<Real>(weights.view(), values.view(), levels, alone.view());
  EXPECT_TRUE(std::ranges::equal(alone.all(), magnitude.all()));
  for (size_t h = 0; h < 2; ++h) {
    Grid<Real> signal(positions, channels);
    for (size_t p = 0; p < positions; ++p)
      for (size_t c = 0; c < channels; ++c) signal(p, c) = weights(h, p) * values(p, c);
    const PlainMeasures plain = plain_measures(signal, levels);
    std::vector<double> relative(positions), entropy(positions);
    wavelet_entropy(energy.row(h), positions, levels, entropy);
    for (uint32_t level = 1; level <= levels; ++level) {
      relative_variability(energy.row(h), signal_energy.row(h), level, relative);
      for (size_t p = 0; p < positions; ++p) {
        const size_t block = amplitudes_of_level(positions, level).first + (p >> level);
        EXPECT_NEAR(magnitude(h, block), plain.magnitude(level - 1, p),
                    tolerance * plain.magnitude(level - 1, p));
        EXPECT_NEAR(energy(h, block), plain.energy(level - 1, p),
                    2 * tolerance * plain.energy(level - 1, p));
        // A channel whose difference is small loses digits; its logarithm is a mean over channels
        // of that.
        EXPECT_NEAR(log_magnitude(h, block), plain.log_magnitude(level - 1, p), 100 * tolerance);
        double local = 0;
        for (size_t i = p >> level << level; i < ((p >> level) + 1) << level; ++i)
          local += plain.signal_energy[i] / static_cast<double>(1 << level);
        EXPECT_NEAR(relative[p], std::sqrt(plain.energy(level - 1, p) / local), 4 * tolerance);
      }
    }
    for (size_t p = 0; p < positions; ++p) {
      EXPECT_NEAR(signal_energy(h, p), plain.signal_energy[p], tolerance * plain.signal_energy[p]);
      double total = 0, wanted = 0;
      for (uint32_t level = 1; level <= levels; ++level) total += plain.energy(level - 1, p);
      for (uint32_t level = 1; level <= levels; ++level) {
        const double share = plain.energy(level - 1, p) / total;
        wanted -= share * std::log(share) / std::log(static_cast<double>(levels));
      }
      if (levels > 1) {
        EXPECT_NEAR(entropy[p], wanted, 10 * tolerance);
      }
    }
  }
}

TEST(HaarProfile, EveryMeasureAgreesWithTheTransform) {
  for (const size_t channels : {16u, 64u, 67u, 131u}) {
    expect_plain_measures<double>(96, channels, 5, 1e-12);
    expect_plain_measures<double>(96, channels, 1, 1e-12);
    expect_plain_measures<float>(96, channels, 5, 1e-6);
  }
}

// Under modulated noise with equal weights all levels' shares are what the null says: energies
// halve per level, whatever the gain.
TEST(HaarProfile, RelativeVariabilityIgnoresTheWeights) {
  const Grid<double> values = random_signal<double>(64, 8);
  Grid<double> weights(2, 64, 1.0);
  for (double& weight : weights.row(1)) weight = 7.5;
  Grid<double> magnitude(2, 56), energy(2, 56), signal_energy(2, 64);
  haar_measures<double>(weights.view(), values.view(), 3,
                        {magnitude.view(), energy.view(), {}, signal_energy.view()});
  std::vector<double> a(64), b(64);
  relative_variability(energy.row(0), signal_energy.row(0), 2, a);
  relative_variability(energy.row(1), signal_energy.row(1), 2, b);
  for (size_t p = 0; p < 64; ++p) EXPECT_NEAR(a[p], b[p], 1e-14);
}

/// Sums of every difference of a block, then its sum.
template <class Real>
std::vector<double> numbers_of(const HaarKernels<Real>& kernels, const HaarBlock<Real>& block,
                               Measured measured) {
  std::vector<Real> sum(block.channels);
  BlockSums sums;
  kernels.measure[static_cast<size_t>(measured)](block, sum.data(), &sums);
  std::vector<double> numbers;
  for (uint32_t level = 1; level <= block.depth; ++level)
    for (size_t i = 0; i < size_t{1} << (block.depth - level); ++i) {
      const size_t difference = first_difference(level) + i;
      numbers.push_back(sums.magnitude[difference]);
      if (measured == Measured::Magnitude) continue;
      numbers.push_back(sums.square[difference]);
      numbers.push_back(sums.log[difference]);
    }
  if (measured == Measured::All)
    numbers.insert(numbers.end(), sums.signal_square,
                   sums.signal_square + (size_t{1} << block.depth));
  numbers.insert(numbers.end(), sum.begin(), sum.end());
  return numbers;
}

// The plainest set is held to the transform only on a processor that has no other; here all are
// held to it.
template <class Real>
void expect_equal_bits_of_all_sets() {
  const HaarKernels<Real>* sets[8];
  const size_t count = haar_kernel_sets<Real>(sets, 8);
  const Grid<Real> weights = two_rows_of_weights<Real>(kBlockRows);
  for (const size_t channels : {1u, 15u, 16u, 64u, 67u, 131u})
    for (uint32_t depth = 1; depth <= kBlockLevels; ++depth)
      for (const Measured measured : {Measured::Magnitude, Measured::All}) {
        const Grid<Real> values = random_signal<Real>(kBlockRows, channels + 3);
        const HaarBlock<Real> block{weights.row(0).data(), values.data(),
                                    static_cast<ptrdiff_t>(channels + 3), channels, depth};
        const std::vector<double> wanted = numbers_of(*sets[0], block, measured);
        for (size_t set = 1; set < count; ++set)
          EXPECT_EQ(numbers_of(*sets[set], block, measured), wanted)
              << "set " << set << ", " << channels << " channels, " << depth << " levels";
      }
}

TEST(HaarProfile, EveryInstructionSetGivesTheSameBits) {
  expect_equal_bits_of_all_sets<float>();
  expect_equal_bits_of_all_sets<double>();
}

TEST(HaarProfile, HalfValuesGiveTheBitsOfTheirFloats) {
  const Grid<float> values = random_signal<float>(64, 70), weights = two_rows_of_weights<float>(64);
  std::vector<uint16_t> halves(values.all().size());
  to_half(values.all(), halves);
  Grid<float> wide(64, 70);
  from_half(halves, wide.all());
  for (const uint32_t levels : {1u, 4u}) {
    Grid<double> a(2, amplitude_count(64, levels)), b = a;
    haar_measures<float>(weights.view(), std::as_const(wide).view(), levels,
                         {a.view(), {}, {}, {}});
    haar_measures(weights.view(), GridView<const uint16_t>(halves.data(), 64, 70), levels,
                  {b.view(), {}, {}, {}});
    EXPECT_TRUE(std::ranges::equal(a.all(), b.all()));
  }
}

TEST(HaarProfile, EqualsPyWavelets) {
  const auto x = testing::read_npy<double>(testing::data_file("wavelets/mra_haar_512x3_x.npy"));
  // [approximation, D_5 .. D_1][position]
  const auto wanted =
      testing::read_npy<double>(testing::data_file("wavelets/mra_haar_512x3_mean_abs.npy"));
  const Grid<double> ones(1, 512, 1.0);
  Grid<double> amplitudes(1, amplitude_count(512, 5));
  haar_amplitudes<double>(ones.view(), {x.values.data(), 512, 3}, 5, amplitudes.view());
  double largest = 0;
  for (const double sample : x.values) largest = std::max(largest, std::abs(sample));
  for (uint32_t level = 1; level <= 5; ++level)
    for (size_t p = 0; p < 512; ++p)
      EXPECT_NEAR(amplitudes(0, amplitudes_of_level(512, level).first + (p >> level)),
                  wanted.values[(6 - level) * 512 + p], 1e-12 * largest);
}

// An impulse of height 1 at position 5 of 32: at level l the means of its block's halves differ by
// 2^(1 - l), and half of that is 2^-l.
TEST(HaarProfile, ImpulseHasItsClosedForm) {
  const Grid<float> weights(1, 32, 1.0f);
  Grid<float> values(32, 1, 0.0f);
  values(5, 0) = 1;
  Grid<double> profile(5, 32);
  const std::vector<GridView<double>> views = {profile.view()};
  add_haar_profiles(weights.view(), std::as_const(values).view(), views);
  for (uint32_t level = 1; level <= 5; ++level)
    for (size_t p = 0; p < 32; ++p)
      EXPECT_EQ(profile(level - 1, p),
                p >> level == size_t{5} >> level ? std::ldexp(1.0, -static_cast<int>(level)) : 0.0);
}

TEST(HaarProfile, ProfilesAreAddedTo) {
  const Grid<float> weights = two_rows_of_weights<float>(32);
  const Grid<float> values = random_signal<float>(32, 5);
  std::vector<Grid<double>> once(2, Grid<double>(3, 32)), twice = once;
  const std::vector<GridView<double>> once_views = {once[0].view(), once[1].view()};
  const std::vector<GridView<double>> twice_views = {twice[0].view(), twice[1].view()};
  add_haar_profiles(weights.view(), values.view(), once_views);
  for (int i = 0; i < 2; ++i) add_haar_profiles(weights.view(), values.view(), twice_views);
  for (size_t h = 0; h < 2; ++h)
    for (size_t i = 0; i < once[h].all().size(); ++i)
      EXPECT_EQ(twice[h].all()[i], 2 * once[h].all()[i]);
}

// Float64 reference from recorded float32: the largest relative difference of any head, level and
// position, amplitudes from 2e-10 to 1e-1 (wanted 1e-4).
TEST(HaarProfile, EqualsTheReferenceProfileOfARealModel) {
  const auto attention =
      testing::read_npy<float>(testing::data_file("attention/attention_last_row.npy"));
  const auto values =
      testing::read_npy<float>(testing::data_file("attention/values_layers_0_14_29.npy"));
  const auto wanted =
      testing::read_npy<float>(testing::data_file("attention/haar_heads_layers_0_14_29.npy"));
  constexpr size_t kLayers[] = {0, 14, 29}, kTokens = 512, kChannels = 64;
  double worst = 0;
  for (size_t l = 0; l < 3; ++l)
    for (size_t g = 0; g < 3; ++g) {
      const GridView<const float> rows(values.values.data() + (l * 3 + g) * kTokens * kChannels,
                                       kTokens, kChannels);
      const GridView<const float> weights(
          attention.values.data() + (kLayers[l] * 9 + g * 3) * kTokens, 3, kTokens);
      Grid<double> amplitudes(3, amplitude_count(kTokens, 5));
      haar_amplitudes(weights, rows, 5, amplitudes.view());
      for (uint32_t level = 1; level <= 5; ++level)
        for (size_t h = 0; h < 3; ++h)
          for (size_t p = 0; p < kTokens; ++p) {
            const size_t row = ((level - 1) * 3 + l) * 9 + g * 3 + h;
            const auto reference = static_cast<double>(wanted.values[row * kTokens + p]);
            const size_t block = amplitudes_of_level(kTokens, level).first + (p >> level);
            worst = std::max(worst, std::abs(amplitudes(h, block) - reference) / reference);
          }
    }
  EXPECT_LE(worst, 1e-4);
}

void expect_refusal(GridView<const float> weights, GridView<const float> values,
                    const std::string& words) {
  Grid<double> amplitudes(weights.rows(), amplitude_count(values.rows(), 2));
  try {
    haar_amplitudes(weights, values, 2, amplitudes.view());
    FAIL() << "took a gap for a number";
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find(words), std::string::npos) << error.what();
  }
}

TEST(HaarProfile, WhatIsNotANumberIsRefusedByPosition) {
  Grid<float> weights(2, 8, 0.25f), values(8, 5, 1.0f);
  weights(1, 6) = std::numeric_limits<float>::quiet_NaN();
  expect_refusal(weights.view(), values.view(), "position 6");
  values(3, 4) = std::numeric_limits<float>::infinity();
  expect_refusal(weights.view(), values.view(), "position 3");
}

}  // namespace
}  // namespace dendrokv
