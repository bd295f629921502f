// The table of wavelets: filter identities, vanishing moments, PyWavelets' taps, refusals.

#include "analysis/wavelets.h"

#include <cmath>
#include <gtest/gtest.h>
#include <limits>
#include <sstream>

#include "data/error.h"
#include "tests/analysis/reference_cases.h"
#include "tests/support/files.h"

namespace dendrokv {
namespace {

TEST(Wavelets, TableHasEveryFamilyInFull) {
  const std::vector<std::string_view> names = wavelet_names();
  EXPECT_EQ(names.size(), 1u + 20 + 19 + 7 + 5 + 15 + 15 + 1);
  for (const char* name : {"haar", "db1", "db20", "sym2", "sym20", "la8", "la20", "coif1", "coif5",
                           "bior1.1", "bior6.8", "rbio3.9", "dmey"})
    EXPECT_EQ(find_wavelet(name).name, name);
}

/// sum_k dec_lo[k] rec_lo[L - 1 - k + shift]: 1 for shift 0, 0 for other even shifts.
double product(const std::vector<double>& a, const std::vector<double>& b, ptrdiff_t shift) {
  double sum = 0;
  const auto length = static_cast<ptrdiff_t>(a.size());
  for (ptrdiff_t k = 0; k < length; ++k) {
    const ptrdiff_t other = length - 1 - k + shift;
    if (other >= 0 && other < length)
      sum += a[static_cast<size_t>(k)] * b[static_cast<size_t>(other)];
  }
  return sum;
}

TEST(Wavelets, FiltersReconstruct) {
  for (const std::string_view name : wavelet_names()) {
    const Wavelet wavelet = find_wavelet(name);
    // dmey is an approximation by design; the others are sums of at most 40 products of exactly
    // rounded taps.
    const double tolerance = name == "dmey" ? 3e-3 : 5e-16;
    for (ptrdiff_t shift = -62; shift <= 62; shift += 2) {
      EXPECT_NEAR(product(wavelet.dec_lo, wavelet.rec_lo, shift), shift == 0 ? 1 : 0, tolerance)
          << name;
      EXPECT_NEAR(product(wavelet.dec_hi, wavelet.rec_hi, shift), shift == 0 ? 1 : 0, tolerance)
          << name;
      EXPECT_NEAR(product(wavelet.dec_lo, wavelet.rec_hi, shift), 0, tolerance) << name;
    }
    double sum = 0;
    for (const double tap : wavelet.rec_lo) sum += tap;
    EXPECT_NEAR(sum, std::sqrt(2.0), name == "dmey" ? 1e-6 : 1e-15) << name;
  }
}

TEST(Wavelets, DetailFiltersHaveTheirVanishingMoments) {
  for (const std::string_view name : wavelet_names()) {
    const Wavelet wavelet = find_wavelet(name);
    const auto length = static_cast<double>(wavelet.length());
    const auto moment = [&](uint32_t power) {
      double sum = 0;
      for (size_t k = 0; k < wavelet.length(); ++k)
        sum += wavelet.dec_hi[k] * std::pow(2 * static_cast<double>(k) / (length - 1) - 1, power);
      return std::abs(sum);
    };
    for (uint32_t power = 0; power < wavelet.vanishing_moments; ++power)
      EXPECT_LE(moment(power), 1e-14) << name << " power " << power;
    // Long filters leave less and less of the first moment that does not vanish.
    if (wavelet.vanishing_moments > 0 && wavelet.vanishing_moments <= 8) {
      EXPECT_GE(moment(wavelet.vanishing_moments), 1e-9) << name;
    }
  }
}

// The reference's tolerance: its symlets are exact to 1e-11 and 1e-10 only.
TEST(Wavelets, TapsEqualPyWavelets) {
  std::istringstream lines(testing::read_text(testing::data_file("wavelets/filters.txt")));
  size_t count = 0;
  for (std::string line; std::getline(lines, line); ++count) {
    std::istringstream words(line);
    std::string name, part;
    words >> name >> part;
    std::vector<double> wanted;
    for (double tap; words >> tap;) wanted.push_back(tap);
    const Wavelet wavelet = find_wavelet(name);
    const std::vector<double>& taps = part == "dec_lo"   ? wavelet.dec_lo
                                      : part == "dec_hi" ? wavelet.dec_hi
                                      : part == "rec_lo" ? wavelet.rec_lo
                                                         : wavelet.rec_hi;
    const bool symlet = name.starts_with("sym"),
               biorthogonal = wavelet.orthogonality == Orthogonality::Biorthogonal;
    const double tolerance = symlet         ? (wavelet.length() <= 16 ? 1e-11 : 1e-10)
                             : biorthogonal ? 2e-12
                                            : 1e-14;
    EXPECT_LE(testing::largest_difference(taps, wanted), tolerance) << name << " " << part;
  }
  EXPECT_EQ(count, 200u);
}

// Percival and Walden (2000), table 109, first taps of their g.
TEST(Wavelets, LeastAsymmetricHasTheOrderOfPercivalAndWalden) {
  EXPECT_NEAR(find_wavelet("la8").rec_lo[0], -0.0757657147893407, 1e-12);
  EXPECT_NEAR(find_wavelet("la10").rec_lo[0], 0.0195388827353869, 1e-12);
  EXPECT_NEAR(find_wavelet("la14").rec_lo[0], 0.0102681767084968, 1e-12);
  EXPECT_NEAR(find_wavelet("la16").rec_lo[0], -0.0033824159513594, 1e-12);
  EXPECT_NEAR(find_wavelet("la20").rec_lo[0], 0.0007701598091030, 1e-12);
}

TEST(Wavelets, UnknownNamesAreRefusedWithNearOnes) {
  try {
    find_wavelet("db21");
    FAIL();
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("db2"), std::string::npos) << error.what();
  }
  EXPECT_THROW(custom_wavelet("mine", {1, 2, 3}, {1, 2, 3}, {1, 2, 3}, {1, 2, 3}), Error);
  EXPECT_THROW(custom_wavelet("mine", {1, 2}, {1, 2}, {1, 2}, {1, 2, 3, 4}), Error);
}

TEST(Wavelets, DeepestLevelLeavesACoefficientThatNoEndTouches) {
  EXPECT_EQ(deepest_level(512, 2), 9u);
  EXPECT_EQ(deepest_level(512, 8), 6u);
  EXPECT_EQ(deepest_level(7, 8), 0u);
  EXPECT_EQ(deepest_level(14, 8), 1u);
}

TEST(DeepestLevel, IsThatOfItsFormulaForEveryLength) {
  constexpr size_t kMost = std::numeric_limits<size_t>::max();
  EXPECT_EQ(deepest_level(0, 2), 0u);
  EXPECT_EQ(deepest_level(1, 2), 0u);
  EXPECT_EQ(deepest_level(2, 2), 1u);
  EXPECT_EQ(deepest_level(7, 4), 1u);
  EXPECT_EQ(deepest_level(12, 4), 2u);
  EXPECT_EQ(deepest_level(11, 4), 1u);
  EXPECT_EQ(deepest_level(1000, 1), 0u);  // no filter at all
  EXPECT_EQ(deepest_level(kMost, 2), 63u);
  EXPECT_EQ(deepest_level(kMost, 3), 62u);
}

TEST(CustomWavelet, TapsAreNumbers) {
  const std::vector<double> taps = {1, 1};
  EXPECT_EQ(custom_wavelet("own", taps, taps, taps, taps).length(), 2u);
  EXPECT_THROW(custom_wavelet("own", taps, taps, {1, std::nan("")}, taps), Error);
  EXPECT_THROW(custom_wavelet("own", {INFINITY, 1}, taps, taps, taps), Error);
}

}  // namespace
}  // namespace dendrokv
