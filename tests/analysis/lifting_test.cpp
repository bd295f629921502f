// Lifting: the coefficients of the filters, over every factorisation, and exact inverses.

#include "analysis/lifting.h"

#include <algorithm>
#include <array>
#include <gtest/gtest.h>
#include <limits>
#include <random>
#include <utility>
#include <vector>

#include "analysis/dwt.h"
#include "analysis/wavelets.h"
#include "data/error.h"
#include "tests/analysis/reference_cases.h"

namespace dendrokv {
namespace {

using testing::largest_difference;
using testing::largest_magnitude;

template <class Real>
std::vector<Real> noise(size_t count) {
  std::mt19937 draw(6);
  std::normal_distribution<double> normal;
  std::vector<Real> numbers(count);
  for (Real& number : numbers) number = static_cast<Real>(normal(draw));
  return numbers;
}

/// Layout and length of the bands are those of Dwt.
template <class Real, class Transform>
std::vector<Real> coefficients_of(const Transform& transform, const Dwt& layout,
                                  const std::vector<Real>& x) {
  std::vector<Real> out(layout.coefficients());
  transform.template forward<Real>(line_view(x.data(), x.size()),
                                   layout.bands_of(line_view(out.data(), out.size())));
  return out;
}

TEST(Lifting, HaarIsADifferenceAndAMean) {
  const auto haar = std::ranges::find(lifting_forms(), "haar", &LiftingForm::name);
  ASSERT_NE(haar, lifting_forms().end());
  EXPECT_EQ(haar->steps.size(), 2u);
  // 5/3 predicts by the mean of two neighbours and updates by a quarter of two details.
  const auto cdf53 = std::ranges::find(lifting_forms(), "bior2.2", &LiftingForm::name);
  ASSERT_NE(cdf53, lifting_forms().end());
  for (const double factor : cdf53->factors)
    EXPECT_TRUE(std::abs(factor) == 0.5 || std::abs(factor) == 0.25) << factor;
}

TEST(Lifting, TheWholeTableHasAForm) {
  EXPECT_EQ(lifting_names().size(), wavelet_names().size() - 1);  // dmey has no exact inverse
}

// Every wavelet, odd and even lengths: the filters' coefficients, and the signal again.
template <class Real>
void expect_equals_the_filters(double tolerance) {
  for (const std::string_view name : lifting_names())
    for (const size_t length : {1u, 2u, 3u, 17u, 40u, 129u, 1000u}) {
      const uint32_t levels = 1 + static_cast<uint32_t>(length % 3);
      const Dwt filters(find_wavelet(name), Boundary::Periodization, length, levels, Depth::Any);
      const LiftedDwt lifted(name, length, levels);
      const auto x = noise<Real>(length);
      const auto w = coefficients_of(lifted, filters, x);
      EXPECT_LE(largest_difference(w, coefficients_of(filters, filters, x)),
                tolerance * largest_magnitude(x))
          << name << " " << length;
      std::vector<Real> back(length);
      lifted.inverse<Real>(filters.bands_of(line_view<const Real>(w.data(), w.size())),
                           line_view(back.data(), length));
      EXPECT_LE(largest_difference(back, x), tolerance * largest_magnitude(x))
          << name << " " << length;
    }
}
TEST(Lifting, EqualsTheFiltersInDouble) {
  expect_equals_the_filters<double>(1e-12);
}
TEST(Lifting, EqualsTheFiltersInFloat) {
  expect_equals_the_filters<float>(1e-6);
}

/// A level on the whole circle, pair by pair and step by step: (approximation, details).
std::pair<std::vector<double>, std::vector<double>> plain_level(const LiftingForm& form,
                                                                const std::vector<double>& x) {
  const auto pairs = static_cast<int64_t>((x.size() + 1) / 2);
  std::array<std::vector<double>, 2> samples;
  for (size_t p = 0; p < 2 * static_cast<size_t>(pairs); ++p)
    samples[p % 2].push_back(x[std::min(p, x.size() - 1)]);
  const auto place = [&](int64_t k) { return static_cast<size_t>((k % pairs + pairs) % pairs); };
  const double* factor = form.factors.data();
  for (const LiftingStep& step : form.steps) {
    const auto changed = static_cast<size_t>(step.changed);
    for (int64_t k = 0; k < pairs; ++k)
      for (uint32_t i = 0; i < step.count; ++i)
        samples[changed][place(k)] += factor[i] * samples[1 - changed][place(k + step.first + i)];
    factor += step.count;
  }
  const auto band = [&](const LiftedBand& which) {
    std::vector<double> out;
    for (int64_t k = 0; k < pairs; ++k)
      out.push_back(which.factor *
                    samples[static_cast<size_t>(which.signal)][place(k + which.offset)]);
    return out;
  };
  return {band(form.low), band(form.high)};
}

// Long lines go by in blocks of several levels: the bits of one level after the other, where blocks
// end, where the circle closes, and where a level is odd.
TEST(Lifting, LongLinesGiveTheBitsOfTheWholeCircle) {
  for (const LiftingForm& form : lifting_forms())
    for (const size_t length : {16384u, 20001u, 50002u}) {
      constexpr uint32_t kLevels = 6;
      const Dwt layout(find_wavelet(form.name), Boundary::Periodization, length, kLevels,
                       Depth::Any);
      const auto x = noise<double>(length);
      const auto w = coefficients_of(LiftedDwt(form.name, length, kLevels), layout, x);
      std::vector<double> wanted(w.size()), low = x;
      const auto bands = layout.bands_of(line_view(wanted.data(), wanted.size()));
      for (uint32_t level = 1; level <= kLevels; ++level) {
        auto [approximation, details] = plain_level(form, low);
        std::ranges::copy(details, bands[kLevels + 1 - level].data);
        low = std::move(approximation);
      }
      std::ranges::copy(low, bands[0].data);
      EXPECT_EQ(w, wanted) << form.name << " " << length;
    }
}

/// A level undone on the whole circle, pair by pair and step by step; a band without samples is
/// zeros.
std::vector<double> plain_inverse(const LiftingForm& form, const std::vector<double>& low,
                                  const std::vector<double>& high, size_t length) {
  const auto pairs = static_cast<int64_t>((length + 1) / 2);
  const auto place = [&](int64_t k) { return static_cast<size_t>((k % pairs + pairs) % pairs); };
  std::array<std::vector<double>, 2> samples;
  for (std::vector<double>& half : samples) half.resize(static_cast<size_t>(pairs));
  const auto put = [&](const LiftedBand& band, const std::vector<double>& in) {
    for (size_t k = 0; k < in.size(); ++k)
      samples[static_cast<size_t>(band.signal)][place(static_cast<int64_t>(k) + band.offset)] =
          1 / band.factor * in[k];
  };
  put(form.low, low);
  put(form.high, high);
  const double* factor = form.factors.data() + form.factors.size();
  for (size_t s = form.steps.size(); s-- > 0;) {
    const LiftingStep& step = form.steps[s];
    factor -= step.count;
    const auto changed = static_cast<size_t>(step.changed);
    for (int64_t k = 0; k < pairs; ++k)
      for (uint32_t i = 0; i < step.count; ++i)
        samples[changed][place(k)] -= factor[i] * samples[1 - changed][place(k + step.first + i)];
  }
  std::vector<double> x(length);
  for (size_t p = 0; p < length; ++p) x[p] = samples[p % 2][p / 2];
  return x;
}

/// All levels of plain_inverse over bands [A_J, D_J, ..., D_1].
std::vector<double> plain_waverec(const LiftingForm& form, size_t length,
                                  const std::vector<std::vector<double>>& bands) {
  std::vector<size_t> lengths = {length};
  for (size_t b = 1; b < bands.size(); ++b) lengths.push_back((lengths.back() + 1) / 2);
  std::vector<double> low = bands[0];
  for (size_t level = bands.size() - 1; level > 0; --level)
    low = plain_inverse(form, low, bands[bands.size() - level], lengths[level - 1]);
  return low;
}

template <class Real>
void expect_inverse_bits(const LiftingForm& form, size_t length, uint32_t levels) {
  const LiftedDwt lifted(form.name, length, levels);
  std::vector<std::vector<Real>> bands;
  std::vector<std::vector<double>> wide;
  std::vector<SignalView<const Real>> views;
  for (uint32_t b = 0; b <= levels; ++b) {
    bands.push_back(noise<Real>(lifted.length(b == 0 ? 0 : levels + 1 - b) + b));
    bands.back().erase(bands.back().begin(), bands.back().begin() + b);  // not the same everywhere
    wide.emplace_back(bands.back().begin(), bands.back().end());
  }
  for (const std::vector<Real>& band : bands) views.push_back(line_view(band.data(), band.size()));
  std::vector<Real> x(length);
  const auto expect_same = [&] {
    lifted.inverse<Real>(views, line_view(x.data(), length));
    const std::vector<double> wanted = plain_waverec(form, length, wide);
    for (size_t p = 0; p < length; ++p)
      ASSERT_EQ(x[p], static_cast<Real>(wanted[p])) << form.name << " " << length << " " << p;
  };
  expect_same();
  for (const uint32_t gone : {0u, levels}) {  // A_J and D_1
    views[gone].data = nullptr;
    wide[gone].clear();
  }
  expect_same();
}

TEST(Lifting, TheInverseOfLongLinesGivesTheBitsOfTheWholeCircle) {
  for (const LiftingForm& form : lifting_forms())
    for (const size_t length : {16384u, 20001u, 50002u})
      expect_inverse_bits<double>(form, length, 6);
}

TEST(Lifting, TheInverseOfFloatsIsRoundedOnce) {
  for (const LiftingForm& form : lifting_forms()) expect_inverse_bits<float>(form, 20003, 5);
}

// Around the lengths at which a level begins to go by in blocks, and where all of them are short.
TEST(Lifting, TheInverseOfEveryLengthGivesTheBitsOfTheWholeCircle) {
  for (const char* name : {"haar", "db2", "bior2.2", "sym8", "db20"}) {
    const auto form = std::ranges::find(lifting_forms(), name, &LiftingForm::name);
    for (const size_t length : {1u, 2u, 3u, 5u, 64u, 2046u, 2047u, 2048u, 2049u, 4095u, 8193u})
      for (const uint32_t levels : {1u, 2u, 4u, 9u, 14u})
        expect_inverse_bits<double>(*form, length, levels);
  }
}

// [position, channel] with threads: the bits of single lines.
void expect_bits_of_lines(size_t positions, size_t channels) {
  const Dwt layout(find_wavelet("db3"), Boundary::Periodization, positions, 3, Depth::Any);
  const LiftedDwt lifted("db3", positions, 3);
  const auto numbers = noise<double>(positions * channels);
  std::vector<double> out(layout.coefficients() * channels), back(numbers.size());
  const auto bands =
      layout.bands_of(rows_view(GridView<double>(out.data(), layout.coefficients(), channels)));
  lifted.forward<double>(rows_view(GridView<const double>(numbers.data(), positions, channels)),
                         bands, 3);
  const std::vector<SignalView<const double>> read(bands.begin(), bands.end());
  lifted.inverse<double>(read, rows_view(GridView<double>(back.data(), positions, channels)), 2);
  EXPECT_LE(largest_difference(back, numbers), 1e-12);
  for (size_t c = 0; c < channels; ++c) {
    std::vector<double> x;
    for (size_t p = 0; p < positions; ++p) x.push_back(numbers[p * channels + c]);
    const auto wanted = coefficients_of(lifted, layout, x);
    for (size_t k = 0; k < wanted.size(); ++k) ASSERT_EQ(out[k * channels + c], wanted[k]);
    std::vector<double> line(positions);
    lifted.inverse<double>(layout.bands_of(line_view(wanted.data(), wanted.size())),
                           line_view(line.data(), positions));
    for (size_t p = 0; p < positions; ++p) ASSERT_EQ(back[p * channels + c], line[p]);
  }
}
TEST(Lifting, RowsGiveTheBitsOfLines) {
  expect_bits_of_lines(75, 70);
  expect_bits_of_lines(3001, 35);
}

TEST(Lifting, BadInputIsRefused) {
  EXPECT_THROW(LiftedDwt("dmey", 64, 2), Error);
  EXPECT_THROW(LiftedDwt("db2", 0, 2), Error);
  EXPECT_THROW(LiftedDwt("db2", 64, 0), Error);
  const Dwt layout(find_wavelet("db2"), Boundary::Periodization, 64, 2);
  auto x = noise<double>(64);
  x[9] = std::numeric_limits<double>::quiet_NaN();
  EXPECT_THROW(coefficients_of(LiftedDwt("db2", 64, 2), layout, x), Error);
}

}  // namespace
}  // namespace dendrokv
