// Lifting: the coefficients of the filters, over every factorisation, and exact inverses.

#include "analysis/lifting.h"

#include <gtest/gtest.h>
#include <limits>
#include <random>

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

// [position, channel] with threads: the bits of single lines.
TEST(Lifting, RowsGiveTheBitsOfLines) {
  constexpr size_t kPositions = 75, kChannels = 70;
  const Dwt layout(find_wavelet("db3"), Boundary::Periodization, kPositions, 3, Depth::Any);
  const LiftedDwt lifted("db3", kPositions, 3);
  const auto numbers = noise<double>(kPositions * kChannels);
  std::vector<double> out(layout.coefficients() * kChannels), back(numbers.size());
  const auto bands =
      layout.bands_of(rows_view(GridView<double>(out.data(), layout.coefficients(), kChannels)));
  lifted.forward<double>(rows_view(GridView<const double>(numbers.data(), kPositions, kChannels)),
                         bands, 3);
  const std::vector<SignalView<const double>> read(bands.begin(), bands.end());
  lifted.inverse<double>(read, rows_view(GridView<double>(back.data(), kPositions, kChannels)), 2);
  EXPECT_LE(largest_difference(back, numbers), 1e-12);
  for (size_t c = 0; c < kChannels; ++c) {
    std::vector<double> x;
    for (size_t p = 0; p < kPositions; ++p) x.push_back(numbers[p * kChannels + c]);
    const auto wanted = coefficients_of(lifted, layout, x);
    for (size_t k = 0; k < wanted.size(); ++k) ASSERT_EQ(out[k * kChannels + c], wanted[k]);
  }
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
