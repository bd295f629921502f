// The decimated transform: PyWavelets' numbers, a plain oracle, and the properties over the whole
// table.

#include "analysis/dwt.h"

#include <cmath>
#include <gtest/gtest.h>
#include <limits>
#include <map>
#include <random>
#include <type_traits>

#include "data/error.h"
#include "data/half.h"
#include "tests/analysis/reference_cases.h"

namespace dendrokv {
namespace {

using testing::largest_difference;
using testing::largest_magnitude;

template <class Real>
std::vector<Real> noise(size_t count, unsigned seed = 3) {
  std::mt19937 draw(seed);
  std::normal_distribution<double> normal;
  std::vector<Real> numbers(count);
  for (Real& number : numbers) number = static_cast<Real>(normal(draw));
  return numbers;
}

template <class Real>
std::vector<Real> coefficients_of(const Dwt& dwt, const std::vector<Real>& signal,
                                  unsigned threads = 1) {
  std::vector<Real> out(dwt.coefficients());
  const auto bands = dwt.bands_of(line_view(out.data(), out.size()));
  dwt.forward<Real>(line_view(signal.data(), signal.size()), bands, threads);
  return out;
}

template <class Real>
std::vector<Real> signal_of(const Dwt& dwt, const std::vector<Real>& coefficients) {
  std::vector<Real> out(dwt.positions());
  const auto bands = dwt.bands_of(line_view(coefficients.data(), coefficients.size()));
  dwt.inverse<Real>(bands, line_view(out.data(), out.size()));
  return out;
}

std::vector<Boundary> all_boundaries() {
  std::vector<Boundary> all;
  for (size_t b = 0; b < kBoundaries; ++b) all.push_back(static_cast<Boundary>(b));
  return all;
}

// Forward and inverse each: the tolerance of the reference, with the exactness of its own taps
// times 10.
TEST(Dwt, EqualsPyWavelets) {
  testing::ReferenceCases cases("dwt_cases");
  std::map<std::string, std::vector<double>> inputs;
  size_t count = 0;
  for (auto words = cases.next_line(); !words.empty(); words = cases.next_line()) {
    if (words[0] == "x") {
      const auto x = cases.take(std::stoul(words[2]));
      inputs[words[1]].assign(x.begin(), x.end());
      continue;
    }
    const Wavelet wavelet = find_wavelet(words[1]);
    const Boundary boundary = parse_boundary(words[2]);
    const std::vector<double>& x = inputs.at(words[3]);
    const auto levels = static_cast<uint32_t>(std::stoul(words[4]));
    const auto wanted = cases.take(std::stoul(words[5])), random = cases.take(std::stoul(words[5]));
    const auto wanted_inverse = cases.take(std::stoul(words[6]));
    const double taps = words[1].starts_with("sym")                            ? 1e-10
                        : wavelet.orthogonality == Orthogonality::Biorthogonal ? 2e-11
                                                                               : 0;
    const double rounding = boundary == Boundary::Smooth ? 1e-11 : 1e-12;
    const Dwt dwt(wavelet, boundary, x.size(), levels, Depth::Any);
    EXPECT_LE(largest_difference(coefficients_of(dwt, x), wanted),
              (rounding + taps) * largest_magnitude(x))
        << words[1] << " " << words[2] << " " << words[3];
    // PyWavelets' inverse of an odd signal is one longer: the transform of that length has the same
    // coefficients.
    const Dwt longer(wavelet, boundary, wanted_inverse.size(), levels, Depth::Any);
    const std::vector<double> coefficients(random.begin(), random.end());
    EXPECT_LE(largest_difference(signal_of(longer, coefficients), wanted_inverse),
              (1e-12 + taps) * largest_magnitude(random))
        << words[1] << " " << words[2] << " " << words[3];
    ++count;
  }
  EXPECT_EQ(count, 648u);
  EXPECT_TRUE(cases.all_taken());
}

// Each band rebuilt alone, [position, channel], and its mean magnitude and square over channels.
TEST(Dwt, EqualsPyWaveletsMultiresolutionAnalysis) {
  testing::ReferenceCases cases("mra_cases");
  for (auto words = cases.next_line(); !words.empty(); words = cases.next_line()) {
    const size_t positions = std::stoul(words[2]), channels = std::stoul(words[3]);
    const auto levels = static_cast<uint32_t>(std::stoul(words[4]));
    const auto x = cases.take(positions * channels),
               bands = cases.take((levels + 1) * positions * channels);
    const auto magnitude = cases.take((levels + 1) * positions),
               square = cases.take((levels + 1) * positions);
    const double tolerance = 1e-12 * largest_magnitude(x);
    const Dwt dwt(find_wavelet(words[1]), Boundary::Periodization, positions, levels);
    std::vector<double> coefficients(dwt.coefficients() * channels), part(positions * channels);
    const auto views = dwt.bands_of(
        rows_view(GridView<double>(coefficients.data(), dwt.coefficients(), channels)));
    dwt.forward<double>(rows_view(GridView<const double>(x.data(), positions, channels)), views);
    for (uint32_t band = 0; band <= levels; ++band) {
      std::vector<SignalView<const double>> alone(views.begin(), views.end());
      for (uint32_t other = 0; other <= levels; ++other)
        if (other != band) alone[other].data = nullptr;
      dwt.inverse<double>(alone, rows_view(GridView<double>(part.data(), positions, channels)));
      EXPECT_LE(largest_difference(part, bands.subspan(band * part.size(), part.size())), tolerance)
          << words[1] << " " << band;
      for (size_t p = 0; p < positions; ++p) {
        double sum = 0, squares = 0;
        for (size_t c = 0; c < channels; ++c) {
          sum += std::abs(part[p * channels + c]);
          squares += part[p * channels + c] * part[p * channels + c];
        }
        ASSERT_NEAR(sum / static_cast<double>(channels), magnitude[band * positions + p],
                    tolerance);
        ASSERT_NEAR(squares / static_cast<double>(channels), square[band * positions + p],
                    10 * tolerance);
      }
    }
  }
  EXPECT_TRUE(cases.all_taken());
}

/// One level by the formula of dwt.h.
std::pair<std::vector<double>, std::vector<double>> plain_level(const Wavelet& wavelet,
                                                                Boundary boundary,
                                                                const std::vector<double>& x) {
  const bool centred = boundary == Boundary::Periodization || boundary == Boundary::BrickWall;
  const auto shift = centred                        ? static_cast<int64_t>(wavelet.length() / 2)
                     : boundary == Boundary::Causal ? 1 - static_cast<int64_t>(x.size() % 2)
                                                    : 1;
  std::vector<double> low(dwt_length(x.size(), wavelet.length(), boundary)), high(low.size());
  for (size_t k = 0; k < low.size(); ++k)
    for (size_t i = 0; i < wavelet.length(); ++i) {
      const int64_t index = 2 * static_cast<int64_t>(k) + shift - static_cast<int64_t>(i);
      for (const ExtensionTerm& term : extended_sample(boundary, x.size(), index)) {
        low[k] += wavelet.dec_lo[i] * term.factor * x[term.index];
        high[k] += wavelet.dec_hi[i] * term.factor * x[term.index];
      }
    }
  return {low, high};
}

std::vector<double> plain_transform(const Dwt& dwt, std::vector<double> x) {
  std::vector<double> out;
  for (uint32_t level = 1; level <= dwt.levels(); ++level) {
    auto [low, high] = plain_level(dwt.wavelet(), dwt.boundary(), x);
    out.insert(out.begin(), high.begin(), high.end());
    x = low;
  }
  out.insert(out.begin(), x.begin(), x.end());
  return out;
}

// Long enough for the cascade, of every parity on the way down; the sums are the same, so are the
// bits but for the order at the ends.
TEST(Dwt, LongSignalsEqualThePlainWay) {
  for (const char* name : {"haar", "db4", "db20", "bior2.2", "rbio3.1"})
    for (const Boundary boundary : all_boundaries())
      for (const size_t length : {32768u, 40001u, 65543u}) {
        const auto x = noise<double>(length);
        const Dwt dwt(find_wavelet(name), boundary, length, 6);
        EXPECT_LE(largest_difference(coefficients_of(dwt, x), plain_transform(dwt, x)),
                  1e-12 * largest_magnitude(x))
            << name << " " << boundary_name(boundary) << " " << length;
      }
}

/// What is asked of every property, relative to the largest number in it.
template <class Real>
constexpr double kTolerance = std::is_same_v<Real, float> ? 1e-6 : 1e-12;

// A rule that continues a slope past a short signal makes coefficients many times the samples (db20
// on 6 samples: 36 times, on 2^20 in ten levels 250,000 times). As floats they are good to 2^-24 of
// themselves, whatever the arithmetic, so there the largest coefficient counts too.
template <class Real>
void expect_round_trip(std::string_view name, Boundary boundary, const std::vector<Real>& x,
                       uint32_t levels) {
  const Dwt dwt(find_wavelet(name), boundary, x.size(), levels, Depth::Any);
  const auto w = coefficients_of(dwt, x);
  double largest = largest_magnitude(x);
  if (boundary == Boundary::Smooth || boundary == Boundary::Antireflect)
    largest = std::max(largest, largest_magnitude(w));
  EXPECT_LE(largest_difference(signal_of(dwt, w), x), kTolerance<Real> * largest)
      << name << " " << boundary_name(boundary) << " " << x.size() << " " << levels << " levels";
}

// The whole table but dmey, which reconstructs to 1e-2 by design: see below.
template <class Real>
void expect_any_length_comes_back() {
  for (size_t length = 1; length <= 40; ++length) {
    const auto x = noise<Real>(length);
    for (const std::string_view name : wavelet_names())
      for (const Boundary boundary : all_boundaries())
        if (name != "dmey")
          expect_round_trip(name, boundary, x, 1 + static_cast<uint32_t>(length % 3));
  }
}
TEST(Dwt, AnyLengthComesBackInDouble) {
  expect_any_length_comes_back<double>();
}
TEST(Dwt, AnyLengthComesBackInFloat) {
  expect_any_length_comes_back<float>();
}

template <class Real>
void expect_long_signals_come_back() {
  const auto even = noise<Real>(size_t{1} << 20), odd = noise<Real>((size_t{1} << 20) + 1);
  for (const std::string_view name : wavelet_names()) {
    if (name == "dmey") continue;
    expect_round_trip(name, Boundary::Periodization, even, 10);
    if (name == "db4" || name == "sym20" || name.ends_with("3.1"))
      for (const Boundary boundary : all_boundaries()) expect_round_trip(name, boundary, odd, 10);
  }
}
TEST(Dwt, LongSignalsComeBackInDouble) {
  expect_long_signals_come_back<double>();
}
TEST(Dwt, LongSignalsComeBackInFloat) {
  expect_long_signals_come_back<float>();
}

// The discrete Meyer filters are cut to 62 taps: what does not come back is theirs, and the type
// adds nothing to it.
TEST(Dwt, MeyerComesBackToItsFilters) {
  const auto x = noise<double>(1000);
  const std::vector<float> single(x.begin(), x.end());
  const Dwt dwt(find_wavelet("dmey"), Boundary::Periodization, x.size(), 3);
  const auto back = signal_of(dwt, coefficients_of(dwt, x));
  EXPECT_LE(largest_difference(back, x), 1e-2 * largest_magnitude(x));
  EXPECT_LE(largest_difference(signal_of(dwt, coefficients_of(dwt, single)), back),
            1e-6 * largest_magnitude(x));
}

template <class Real>
double energy(const std::vector<Real>& numbers) {
  double sum = 0;
  for (const Real number : numbers)
    sum += static_cast<double>(number) * static_cast<double>(number);
  return sum;
}

template <class Real>
double inner_product(const std::vector<Real>& a, const std::vector<Real>& b) {
  double sum = 0;
  for (size_t i = 0; i < a.size(); ++i)
    sum += static_cast<double>(a[i]) * static_cast<double>(b[i]);
  return sum;
}

// Orthogonal filters on a circle: energy is kept, and the inverse is the adjoint. Of biorthogonal
// ones the adjoint is the inverse of the wavelet with both sides exchanged.
template <class Real>
void expect_energy_and_adjoint(std::string_view name, size_t length, uint32_t levels) {
  const Wavelet wavelet = find_wavelet(name);
  std::string dual(name);
  if (name.starts_with("bior")) dual.replace(0, 4, "rbio");
  if (name.starts_with("rbio")) dual.replace(0, 4, "bior");
  for (const Boundary boundary : {Boundary::Periodization, Boundary::Causal}) {
    const Dwt dwt(wavelet, boundary, length, levels, Depth::Any),
        other(find_wavelet(dual), boundary, length, levels, Depth::Any);
    const auto x = noise<Real>(length), y = noise<Real>(dwt.coefficients(), 4);
    const auto w = coefficients_of(dwt, x);
    if (wavelet.orthogonality == Orthogonality::Orthogonal) {
      EXPECT_NEAR(energy(w), energy(x), kTolerance<Real> * energy(x)) << name << " " << length;
    }
    const auto back = signal_of(other, y);
    EXPECT_NEAR(inner_product(w, y), inner_product(x, back),
                kTolerance<Real> * std::sqrt(energy(w) * energy(y)))
        << name << " " << length;
  }
}

TEST(Dwt, EnergyAndAdjointOverTheTable) {
  for (const std::string_view name : wavelet_names()) {
    if (name == "dmey") continue;
    // A circle of whole pairs on each level has an adjoint.
    for (const size_t length : {2u, 8u, 16u, 24u, 32u, 40u, 64u, 200u}) {
      const uint32_t levels = length % 8 == 0 ? 3 : 1;
      expect_energy_and_adjoint<double>(name, length, levels);
      expect_energy_and_adjoint<float>(name, length, levels);
    }
  }
  for (const char* name : {"haar", "db20", "sym8", "coif5", "bior6.8", "rbio3.9"}) {
    expect_energy_and_adjoint<double>(name, size_t{1} << 20, 10);
    expect_energy_and_adjoint<float>(name, size_t{1} << 20, 10);
  }
}

// Relative to the largest sample, 1.
template <class Real>
void expect_no_details_of_polynomials(std::string_view name, size_t length, uint32_t levels) {
  const Wavelet wavelet = find_wavelet(name);
  const Dwt dwt(wavelet, Boundary::BrickWall, length, levels, Depth::Any);
  for (uint32_t degree = 0; degree < std::min(wavelet.vanishing_moments, 5u); ++degree) {
    std::vector<Real> x(length);
    for (size_t p = 0; p < x.size(); ++p)
      x[p] = static_cast<Real>(
          std::pow(2 * static_cast<double>(p) / static_cast<double>(length) - 1, degree));
    const auto w = coefficients_of(dwt, x);
    size_t first = w.size();
    for (uint32_t level = 1; level <= levels; ++level) {
      first -= dwt.length(level);
      const IndexRange valid = dwt.valid(level);
      EXPECT_GT(valid.count, 0u);
      for (size_t k = valid.first; k < valid.first + valid.count; ++k)
        ASSERT_NEAR(w[first + k], 0, kTolerance<Real>)
            << name << " degree " << degree << " level " << level;
    }
  }
}

TEST(Dwt, PolynomialsHaveNoValidDetails) {
  for (const std::string_view name : wavelet_names()) {
    expect_no_details_of_polynomials<double>(name, 1024, 2);
    expect_no_details_of_polynomials<float>(name, 1024, 2);
  }
}

// What is valid does not change when samples beyond the ends would: two rules that differ there
// agree on it, and only on it.
TEST(Dwt, ValidCoefficientsDoNotSeeTheEnds) {
  const auto x = noise<double>(203);
  const Dwt zero(find_wavelet("db3"), Boundary::Zero, 203, 3),
      smooth(find_wavelet("db3"), Boundary::Smooth, 203, 3);
  const auto a = coefficients_of(zero, x), b = coefficients_of(smooth, x);
  size_t first = 0;
  for (const uint32_t level : {0u, 3u, 2u, 1u}) {
    const IndexRange valid = zero.valid(level);
    for (size_t k = 0; k < zero.length(level); ++k) {
      const bool inside = k >= valid.first && k < valid.first + valid.count;
      EXPECT_EQ(a[first + k] == b[first + k], inside) << level << " " << k;
    }
    first += zero.length(level);
  }
}

TEST(Dwt, CausalCoefficientsEndClean) {
  for (const size_t length : {64u, 65u, 100u}) {
    const Dwt dwt(find_wavelet("db4"), Boundary::Causal, length, 2);
    for (uint32_t level = 1; level <= 2; ++level)
      EXPECT_EQ(dwt.valid(level).first + dwt.valid(level).count, dwt.length(level)) << length;
  }
}

// Strides, batches and axes: the same bits as one contiguous signal.
TEST(Dwt, AnyLayoutGivesTheSameBits) {
  constexpr size_t kBatches = 2, kPositions = 97, kChannels = 37;
  const Dwt dwt(find_wavelet("db3"), Boundary::Symmetric, kPositions, 3);
  const auto numbers = noise<double>(kBatches * kPositions * kChannels);
  struct Layout {
    ptrdiff_t batch, position, channel;
  };
  const auto p = static_cast<ptrdiff_t>(kPositions), c = static_cast<ptrdiff_t>(kChannels);
  for (const Layout in : {Layout{p * c, c, 1}, Layout{p * c, 1, p}, Layout{1, 2 * c, 2}})
    for (const unsigned threads : {1u, 3u}) {
      const SignalView<const double> signal{numbers.data(), kBatches,    kPositions, kChannels,
                                            in.batch,       in.position, in.channel};
      std::vector<double> out(kBatches * dwt.coefficients() * kChannels);
      const SignalView<double> all{out.data(),
                                   kBatches,
                                   dwt.coefficients(),
                                   kChannels,
                                   static_cast<ptrdiff_t>(dwt.coefficients() * kChannels),
                                   c,
                                   1};
      dwt.forward<double>(signal, dwt.bands_of(all), threads);
      std::vector<double> back(numbers.size(), -1);
      dwt.inverse<double>(
          dwt.bands_of(SignalView<const double>(all)),
          {back.data(), kBatches, kPositions, kChannels, in.batch, in.position, in.channel},
          threads);
      for (size_t b = 0; b < kBatches; ++b)
        for (size_t channel = 0; channel < kChannels; ++channel) {
          std::vector<double> x;
          for (size_t position = 0; position < kPositions; ++position)
            x.push_back(*signal.at(b, position, channel));
          const auto wanted = coefficients_of(dwt, x);
          for (size_t k = 0; k < wanted.size(); ++k) ASSERT_EQ(*all.at(b, k, channel), wanted[k]);
          for (size_t position = 0; position < kPositions; ++position)
            ASSERT_NEAR(back[static_cast<size_t>(signal.at(b, position, channel) - numbers.data())],
                        x[position], 1e-12);
        }
    }
}

TEST(Dwt, HalfFloatsAreWidened) {
  const auto x = noise<float>(64 * 5);
  std::vector<uint16_t> halves(x.size());
  to_half(x, halves);
  std::vector<float> wide(x.size());
  from_half(halves, wide);
  const Dwt dwt(find_wavelet("haar"), Boundary::Periodization, 64, 3);
  std::vector<float> a(64 * 5), b(64 * 5);
  const GridView<const float> grid(wide.data(), 64, 5);
  dwt.forward<float>(rows_view(grid), dwt.bands_of(rows_view(GridView<float>(a.data(), 64, 5))));
  dwt.forward(SignalView<const uint16_t>{halves.data(), 1, 64, 5, 0, 5, 1},
              dwt.bands_of(rows_view(GridView<float>(b.data(), 64, 5))));
  EXPECT_EQ(a, b);
}

TEST(Dwt, OneBandAloneAddsUp) {
  const auto x = noise<double>(150);
  const Dwt dwt(find_wavelet("sym4"), Boundary::Reflect, 150, 3);
  const auto w = coefficients_of(dwt, x);
  const auto bands = dwt.bands_of(line_view(w.data(), w.size()));
  std::vector<double> sum(150), part(150);
  for (size_t kept = 0; kept < bands.size(); ++kept) {
    auto alone = bands;
    for (size_t b = 0; b < alone.size(); ++b)
      if (b != kept) alone[b].data = nullptr;
    dwt.inverse<double>(alone, line_view(part.data(), part.size()));
    for (size_t i = 0; i < sum.size(); ++i) sum[i] += part[i];
  }
  EXPECT_LE(largest_difference(sum, x), 1e-12);
}

TEST(Dwt, BadInputIsRefused) {
  std::vector<double> x(64, 1.0), out(64);
  const Dwt dwt(find_wavelet("haar"), Boundary::Periodization, 64, 3);
  x[17] = std::numeric_limits<double>::quiet_NaN();
  try {
    dwt.forward<double>(line_view<const double>(x.data(), 64),
                        dwt.bands_of(line_view(out.data(), 64)));
    FAIL();
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("position 17"), std::string::npos) << error.what();
  }
  EXPECT_THROW(Dwt(find_wavelet("db4"), Boundary::Zero, 64, 5), Error);
  EXPECT_THROW(Dwt(find_wavelet("db4"), Boundary::Zero, 0, 1, Depth::Any), Error);
  EXPECT_THROW(Dwt(find_wavelet("db4"), Boundary::Zero, 64, 0), Error);
}

// An array without channels has nothing to transform.
TEST(Dwt, NoChannelsAreNoWork) {
  const Dwt dwt(find_wavelet("db2"), Boundary::Symmetric, 64, 2);
  double nothing = 0;
  const SignalView<double> signal{&nothing, 1, 64, 0, 0, 0, 1};
  const std::vector<SignalView<double>> bands =
      dwt.bands_of(SignalView<double>{&nothing, 1, dwt.coefficients(), 0, 0, 0, 1});
  dwt.forward<double>(signal, bands);
  const std::vector<SignalView<const double>> read(bands.begin(), bands.end());
  dwt.inverse<double>(read, signal);
  EXPECT_EQ(nothing, 0);
}

}  // namespace
}  // namespace dendrokv
