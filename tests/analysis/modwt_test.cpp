// Undecimated transforms: PyWavelets' and the reference's numbers, properties over the table.

#include "analysis/modwt.h"

#include <cmath>
#include <gtest/gtest.h>
#include <limits>
#include <map>
#include <random>
#include <type_traits>
#include <utility>

#include "analysis/line_kernels.h"
#include "data/error.h"
#include "data/half.h"
#include "tests/analysis/reference_cases.h"

namespace dendrokv {
namespace {

using testing::largest_difference;

template <class Real>
struct Bands {
  std::vector<std::vector<Real>> details;  // level 1 first
  std::vector<Real> smooth;
};

template <class Real>
Bands<Real> bands_of(const Modwt& modwt, const std::vector<Real>& x) {
  Bands<Real> bands{std::vector<std::vector<Real>>(modwt.levels(), std::vector<Real>(x.size())),
                    std::vector<Real>(x.size())};
  std::vector<SignalView<Real>> details, smooths(modwt.levels());
  for (auto& detail : bands.details) details.push_back(line_view(detail.data(), x.size()));
  smooths.back() = line_view(bands.smooth.data(), x.size());
  modwt.forward<Real>(line_view(x.data(), x.size()), details, smooths);
  return bands;
}

enum class Keep { All, Smooth };

/// The inverse of all bands, of the smooth alone, or of one detail (level from 1).
template <class Real>
std::vector<Real> inverse_of(const Modwt& modwt, const Bands<Real>& bands, Keep keep,
                             uint32_t detail = 0) {
  std::vector<SignalView<const Real>> details;
  for (uint32_t level = 1; level <= modwt.levels(); ++level) {
    const bool kept = keep == Keep::All ? detail == 0 || detail == level : false;
    details.push_back(line_view<const Real>(kept ? bands.details[level - 1].data() : nullptr,
                                            bands.smooth.size()));
  }
  const bool smooth = keep == Keep::Smooth || detail == 0;
  std::vector<Real> out(bands.smooth.size());
  modwt.inverse<Real>(details,
                      line_view<const Real>(smooth ? bands.smooth.data() : nullptr, out.size()),
                      line_view(out.data(), out.size()));
  return out;
}

template <class Real>
std::vector<Real> noise(size_t count, unsigned seed = 3) {
  std::mt19937 draw(seed);
  std::normal_distribution<double> normal;
  std::vector<Real> numbers(count);
  for (Real& number : numbers) number = static_cast<Real>(normal(draw));
  return numbers;
}

TEST(Modwt, EqualsTheReference) {
  testing::ReferenceCases cases("undecimated_cases");
  std::map<std::string, std::vector<double>> inputs;  // by kind and length
  size_t count = 0;
  for (auto words = cases.next_line(); !words.empty(); words = cases.next_line()) {
    if (words[0] == "x") {
      const auto x = cases.take(std::stoul(words[2]));
      inputs[words[1] + words[2]].assign(x.begin(), x.end());
      continue;
    }
    const std::vector<double>& x = inputs.at(words[0] + words[2]);
    const auto levels = static_cast<uint32_t>(std::stoul(words[3]));
    const Wavelet wavelet =
        find_wavelet(words[0] == "modwt" && words[1] == "sym4" ? "la8" : words[1]);
    // The symlets of the reference are exact to 1e-11, taken ten times.
    const double tolerance =
        words[1].starts_with("sym") ? 1e-10 : 1e-12 * testing::largest_magnitude(x);
    if (words[0] == "swt") {
      for (const Undecimated kind : {Undecimated::StationaryNormalised, Undecimated::Stationary}) {
        const double grown = kind == Undecimated::Stationary ? std::exp2(levels / 2.0) : 1;
        const auto bands = bands_of(Modwt(wavelet, x.size(), levels, kind), x);
        EXPECT_LE(largest_difference(bands.smooth, cases.take(x.size())), tolerance * grown)
            << words[1];
        for (uint32_t level = levels; level >= 1; --level)
          EXPECT_LE(largest_difference(bands.details[level - 1], cases.take(x.size())),
                    tolerance * grown)
              << words[1];
      }
    } else {
      const Modwt modwt(wavelet, x.size(), levels);
      const auto bands = bands_of(modwt, x);
      for (const auto& detail : bands.details)
        EXPECT_LE(largest_difference(detail, cases.take(x.size())), tolerance) << words[1];
      EXPECT_LE(largest_difference(bands.smooth, cases.take(x.size())), tolerance);
      for (uint32_t level = 1; level <= levels; ++level)
        EXPECT_LE(
            largest_difference(inverse_of(modwt, bands, Keep::All, level), cases.take(x.size())),
            tolerance);
      EXPECT_LE(largest_difference(inverse_of(modwt, bands, Keep::Smooth), cases.take(x.size())),
                tolerance);
    }
    ++count;
  }
  EXPECT_EQ(count, 11u);
  EXPECT_TRUE(cases.all_taken());
}

TEST(Modwt, HaarIsHalfTheDifferenceToTheOlderSample) {
  const std::vector<double> x = {1, 5, 2, 7, 4};
  const auto bands = bands_of(Modwt(find_wavelet("haar"), 5, 2), x);
  for (size_t t = 0; t < 5; ++t)
    EXPECT_NEAR(bands.details[0][t], (x[t] - x[(t + 4) % 5]) / 2, 1e-15);
  for (size_t t = 0; t < 5; ++t)
    EXPECT_NEAR(bands.details[1][t], (x[t] + x[(t + 4) % 5] - x[(t + 3) % 5] - x[(t + 2) % 5]) / 4,
                1e-15);
}

// Long signals go through all levels in blocks, a level at a time does not: `skipped` makes that of
// the same levels.
template <class Real>
void expect_the_bits_of_level_after_level(std::string_view name, size_t positions, size_t channels,
                                          uint32_t levels, Undecimated kind) {
  const auto x = noise<Real>(positions * channels);
  const auto view = [&](auto* data) {
    const auto stride = static_cast<ptrdiff_t>(channels);
    return SignalView<std::remove_pointer_t<decltype(data)>>{data, 1,      positions, channels,
                                                             0,    stride, 1};
  };
  std::vector<std::vector<Real>> details(levels, std::vector<Real>(x.size()));
  std::vector<Real> smooth(x.size()), above = x;
  std::vector<SignalView<Real>> outs, smooths(levels);
  for (auto& detail : details) outs.push_back(view(detail.data()));
  smooths.back() = view(smooth.data());
  const Modwt whole(find_wavelet(name), positions, levels, kind);
  whole.forward<Real>(view(x.data()), outs, smooths, 2);
  for (uint32_t level = 0; level < levels; ++level) {
    std::vector<Real> detail(x.size()), below(x.size());
    const std::vector<SignalView<Real>> high = {view(detail.data())}, low = {view(below.data())};
    Modwt(find_wavelet(name), positions, 1, kind, level)
        .forward<Real>(view(std::as_const(above).data()), high, low);
    ASSERT_EQ(details[level], detail) << name << " " << level;
    above = below;
  }
  ASSERT_EQ(smooth, above) << name;
}

TEST(Modwt, LongSignalsGetTheBitsOfLevelAfterLevel) {
  for (const Undecimated kind : {Undecimated::Modwt, Undecimated::Stationary}) {
    expect_the_bits_of_level_after_level<double>("haar", 4099, 37, 9, kind);
    expect_the_bits_of_level_after_level<float>("haar", 4096, 128, 9, kind);
    expect_the_bits_of_level_after_level<double>("sym4", 200'003, 1, 9, kind);
    expect_the_bits_of_level_after_level<float>("db3", 5'001, 80, 5, kind);
    expect_the_bits_of_level_after_level<float>("db12", 131'072, 1, 5, kind);
  }
}

template <class Real>
constexpr double kTolerance = std::is_same_v<Real, float> ? 1e-6 : 1e-12;

// Any length, any depth: round trip relative to the largest sample, energy, and shift equivariance
// to the bit.
template <class Real>
void expect_properties(std::string_view name, size_t length, uint32_t levels, Undecimated kind) {
  const Wavelet wavelet = find_wavelet(name);
  const Modwt modwt(wavelet, length, levels, kind);
  const auto x = noise<Real>(length);
  const auto bands = bands_of(modwt, x);
  EXPECT_LE(largest_difference(inverse_of(modwt, bands, Keep::All), x),
            kTolerance<Real> * testing::largest_magnitude(x))
      << name << " " << length;
  if (wavelet.orthogonality == Orthogonality::Orthogonal && kind != Undecimated::Stationary) {
    const auto energy = [](const std::vector<Real>& numbers) {
      double sum = 0;
      for (const Real number : numbers)
        sum += static_cast<double>(number) * static_cast<double>(number);
      return sum;
    };
    double out = energy(bands.smooth);
    for (const auto& detail : bands.details) out += energy(detail);
    EXPECT_NEAR(out, energy(x), kTolerance<Real> * energy(x)) << name << " " << length;
  }
  std::vector<Real> shifted(x);
  std::rotate(shifted.begin(), shifted.begin() + static_cast<ptrdiff_t>(length / 3), shifted.end());
  const auto moved = bands_of(modwt, shifted);
  for (size_t t = 0; t < length; ++t)
    ASSERT_EQ(moved.details[levels - 1][t], bands.details[levels - 1][(t + length / 3) % length])
        << name << " " << length;
}

TEST(Modwt, PropertiesOverTheTable) {
  for (const std::string_view name : wavelet_names()) {
    if (name == "dmey") continue;
    for (const Undecimated kind :
         {Undecimated::Modwt, Undecimated::StationaryNormalised, Undecimated::Stationary})
      for (size_t length = 1; length <= 40; ++length) {
        expect_properties<double>(name, length, 4, kind);
        expect_properties<float>(name, length, 4, kind);
      }
  }
}

TEST(Modwt, PropertiesOfLongSignals) {
  for (const char* name : {"haar", "la8", "db17", "sym20", "coif5", "bior3.1", "rbio6.8"}) {
    expect_properties<double>(name, 100'003, 9, Undecimated::Modwt);
    expect_properties<float>(name, 100'003, 9, Undecimated::Modwt);
    expect_properties<float>(name, size_t{1} << 20, 6, Undecimated::Modwt);
  }
}

// The end is never touched by the wrap; the start is, as long as the equivalent filter is.
TEST(Modwt, CausalCoefficientsAreValidFromTheLengthOfTheirFilter) {
  const Modwt modwt(find_wavelet("db4"), 300, 3);
  auto x = noise<double>(300);
  const auto before = bands_of(modwt, x);
  x[299] += 1;  // seen by the start through the wrap, and by the last position
  const auto after = bands_of(modwt, x);
  for (uint32_t level = 1; level <= 3; ++level) {
    const IndexRange valid = modwt.valid(level);
    EXPECT_EQ(valid.first, ((size_t{1} << level) - 1) * 7);
    EXPECT_EQ(valid.first + valid.count, 300u);
    for (size_t t = valid.first; t < 299; ++t)
      EXPECT_EQ(before.details[level - 1][t], after.details[level - 1][t]);
    EXPECT_NE(before.details[level - 1][valid.first - 1],
              after.details[level - 1][valid.first - 1]);
  }
}

TEST(Modwt, RowsGiveTheBitsOfLines) {
  constexpr size_t kPositions = 90, kChannels = 70;
  const auto numbers = noise<double>(kPositions * kChannels);
  const Modwt modwt(find_wavelet("sym5"), kPositions, 3);
  std::vector<std::vector<double>> out(6, std::vector<double>(numbers.size()));
  std::vector<SignalView<double>> details, smooths;
  for (size_t j = 0; j < 3; ++j) {
    details.push_back(rows_view(GridView<double>(out[j].data(), kPositions, kChannels)));
    smooths.push_back(rows_view(GridView<double>(out[3 + j].data(), kPositions, kChannels)));
  }
  modwt.forward<double>(rows_view(GridView<const double>(numbers.data(), kPositions, kChannels)),
                        details, smooths, 2);
  for (size_t c = 0; c < kChannels; ++c) {
    std::vector<double> x;
    for (size_t p = 0; p < kPositions; ++p) x.push_back(numbers[p * kChannels + c]);
    const auto wanted = bands_of(modwt, x);
    for (size_t p = 0; p < kPositions; ++p) {
      for (size_t j = 0; j < 3; ++j) ASSERT_EQ(out[j][p * kChannels + c], wanted.details[j][p]);
      ASSERT_EQ(out[5][p * kChannels + c], wanted.smooth[p]);
    }
  }
}

TEST(Modwt, HalfFloatsAreWidened) {
  const auto x = noise<float>(64 * 5);
  std::vector<uint16_t> halves(x.size());
  to_half(x, halves);
  std::vector<float> wide(x.size()), a(3 * x.size()), b(3 * x.size());
  from_half(halves, wide);
  const Modwt modwt(find_wavelet("db2"), 64, 2);
  const auto bands = [&](std::vector<float>& out, size_t first, size_t count) {
    std::vector<SignalView<float>> views;
    for (size_t i = first; i < first + count; ++i)
      views.push_back(rows_view(GridView<float>(out.data() + i * x.size(), 64, 5)));
    return views;
  };
  const auto smooths_of = [&](std::vector<float>& out) {
    return std::vector<SignalView<float>>{SignalView<float>{}, bands(out, 2, 1)[0]};
  };
  modwt.forward<float>(rows_view(GridView<const float>(wide.data(), 64, 5)), bands(a, 0, 2),
                       smooths_of(a));
  modwt.forward(SignalView<const uint16_t>{halves.data(), 1, 64, 5, 0, 5, 1}, bands(b, 0, 2),
                smooths_of(b));
  EXPECT_EQ(a, b);
}

// Results that are written past the caches, from any place in memory: the bits of small ones,
// channel by channel.
TEST(Modwt, LargeResultsHaveTheBitsOfSmallOnes) {
  constexpr size_t kPositions = 4096, kChannels = 96, kLevels = 9;
  const auto numbers = noise<float>(kPositions * kChannels);
  const Modwt modwt(find_wavelet("haar"), kPositions, kLevels);
  ASSERT_EQ(stores_for(kLevels * numbers.size() * sizeof(float)), Stores::Streamed);
  for (const size_t offset : {0u, 1u, 16u}) {
    std::vector<float> out((kLevels + 1) * numbers.size() + offset);
    std::vector<SignalView<float>> details, smooths(kLevels);
    for (size_t j = 0; j <= kLevels; ++j) {
      const auto band = rows_view(
          GridView<float>(out.data() + offset + j * numbers.size(), kPositions, kChannels));
      j < kLevels ? details.push_back(band) : void(smooths.back() = band);
    }
    modwt.forward<float>(rows_view(GridView<const float>(numbers.data(), kPositions, kChannels)),
                         details, smooths);
    for (const size_t c : {0u, 40u, 95u}) {
      std::vector<float> x;
      for (size_t p = 0; p < kPositions; ++p) x.push_back(numbers[p * kChannels + c]);
      const auto wanted = bands_of(modwt, x);
      for (size_t j = 0; j < kLevels; ++j)
        for (size_t p = 0; p < kPositions; ++p)
          ASSERT_EQ(*details[j].at(0, p, c), wanted.details[j][p]);
    }
  }
}

TEST(Modwt, BadInputIsRefused) {
  auto x = noise<double>(50);
  x[20] = std::numeric_limits<double>::infinity();
  try {
    bands_of(Modwt(find_wavelet("db2"), 50, 2), x);
    FAIL();
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("position 20"), std::string::npos) << error.what();
  }
  EXPECT_THROW(Modwt(find_wavelet("db2"), 0, 2), Error);
  EXPECT_THROW(Modwt(find_wavelet("db2"), 50, 0), Error);
  EXPECT_THROW(Modwt(find_wavelet("db2"), 50, 41), Error);
}

TEST(Modwt, LevelsThatOverflowAreRefused) {
  EXPECT_THROW(Modwt(find_wavelet("haar"), 64, UINT32_MAX, Undecimated::Modwt, 1), Error);
  EXPECT_THROW(Modwt(find_wavelet("haar"), 64, 40, Undecimated::Modwt, 1), Error);
  EXPECT_NO_THROW(Modwt(find_wavelet("haar"), 64, 39, Undecimated::Modwt, 1));
}

}  // namespace
}  // namespace dendrokv
