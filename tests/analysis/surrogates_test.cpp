// What each null keeps and what it changes.

#include "analysis/surrogates.h"

#include <algorithm>
#include <cmath>
#include <complex>
#include <gtest/gtest.h>
#include <numbers>
#include <vector>

#include "data/error.h"

namespace dendrokv {
namespace {

constexpr size_t kPositions = 600, kChannels = 3, kHeads = 2;
constexpr IndexRange kUsable{40, 512};

struct Parts {
  Grid<float> weights, values;
};

Parts parts() {
  Parts parts{Grid<float>(kHeads, kPositions), Grid<float>(kPositions, kChannels)};
  RandomStream random(3, 0);
  for (float& weight : parts.weights.all()) weight = static_cast<float>(random.uniform());
  for (size_t p = 0; p < kPositions; ++p)
    for (size_t c = 0; c < kChannels; ++c) {
      const double before = p == 0 ? 0 : double{parts.values(p - 1, c)};
      parts.values(p, c) = static_cast<float>(0.8 * before + random.normal() +
                                              (c == 1 ? double{parts.values(p, 0)} : 0));
    }
  return parts;
}

Parts changed(std::string_view name, uint64_t stream = 1) {
  Parts other = parts();
  RandomStream random(9, stream);
  find_surrogate(name).make(other.weights, other.values, kUsable, random);
  return other;
}

std::vector<double> channel(const Grid<float>& values, size_t c) {
  std::vector<double> series;
  for (size_t i = 0; i < kUsable.count; ++i) series.push_back(double{values(kUsable.first + i, c)});
  return series;
}

std::vector<double> sorted(std::vector<double> values) {
  std::ranges::sort(values);
  return values;
}

TEST(Surrogates, EachChangesItsPartOnlyAndNothingOutside) {
  const Parts before = parts();
  for (const Surrogate& row : surrogate_table()) {
    const Parts after = changed(row.name);
    const bool same_weights = std::ranges::equal(before.weights.all(), after.weights.all());
    const bool same_values = std::ranges::equal(before.values.all(), after.values.all());
    EXPECT_EQ(same_weights, row.part == ChangedPart::Values) << row.name;
    EXPECT_EQ(same_values, row.part == ChangedPart::Weights) << row.name;
    for (const size_t p :
         {size_t{0}, kUsable.first - 1, kUsable.first + kUsable.count, kPositions - 1}) {
      EXPECT_EQ(before.values(p, 1), after.values(p, 1)) << row.name << " " << p;
      EXPECT_EQ(before.weights(1, p), after.weights(1, p)) << row.name << " " << p;
    }
  }
}

TEST(Surrogates, OnlyRandomOnesDependOnTheStream) {
  for (const Surrogate& row : surrogate_table()) {
    const Parts one = changed(row.name, 1), other = changed(row.name, 2);
    const bool same = std::ranges::equal(one.weights.all(), other.weights.all()) &&
                      std::ranges::equal(one.values.all(), other.values.all());
    EXPECT_EQ(same, row.draw == DrawKind::Fixed) << row.name;
  }
}

TEST(Surrogates, PermutedRowsStayWhole) {
  const Parts before = parts(), after = changed("shuffle-values");
  const auto key = [](const Grid<float>& values) {
    std::vector<std::vector<float>> rows;
    for (size_t p = 0; p < kPositions; ++p)
      rows.emplace_back(values.row(p).begin(), values.row(p).end());
    std::ranges::sort(rows);
    return rows;
  };
  EXPECT_EQ(key(before.values), key(after.values));
}

TEST(Surrogates, ReversedTwiceIsAsItWas) {
  Parts other = changed("reverse");
  RandomStream random(1, 1);
  find_surrogate("reverse").make(other.weights, other.values, kUsable, random);
  EXPECT_TRUE(std::ranges::equal(other.values.all(), parts().values.all()));
}

// Means of 33 uniform numbers spread 1 / sqrt 33 as much.
TEST(Surrogates, SmoothedWeightsAreMeansAroundThem) {
  const Parts before = parts(), after = changed("smooth-weights");
  double sum = 0;
  for (size_t p = 284; p <= 316; ++p) sum += double{before.weights(0, p)} / 33;
  EXPECT_NEAR(after.weights(0, 300), sum, 1e-6);
}

// Mean and covariance of 512 draws: four standard errors of a correlated series' own are about 4
// sqrt(2 / 512) of the variance.
TEST(Surrogates, NormalValuesHaveMeanAndCovariance) {
  const Parts before = parts(), after = changed("gaussian-values");
  const auto covariance = [](const Grid<float>& values, size_t a, size_t b) {
    const std::vector<double> x = channel(values, a), y = channel(values, b);
    double mean_x = 0, mean_y = 0, sum = 0;
    for (size_t i = 0; i < x.size(); ++i) mean_x += x[i] / 512, mean_y += y[i] / 512;
    for (size_t i = 0; i < x.size(); ++i) sum += (x[i] - mean_x) * (y[i] - mean_y) / 512;
    return sum;
  };
  for (size_t a = 0; a < kChannels; ++a)
    for (size_t b = 0; b < kChannels; ++b) {
      const double scale =
          std::sqrt(covariance(before.values, a, a) * covariance(before.values, b, b));
      EXPECT_NEAR(covariance(after.values, a, b) / scale, covariance(before.values, a, b) / scale,
                  0.25);
    }
}

double power(const std::vector<double>& series, size_t k) {
  std::complex<double> sum = 0;
  for (size_t t = 0; t < series.size(); ++t)
    sum += series[t] * std::polar(1.0, -2 * std::numbers::pi * static_cast<double>(k * t) /
                                           static_cast<double>(series.size()));
  return std::norm(sum);
}

TEST(Surrogates, IaaftKeepsNumbersAndSpectrum) {
  const std::vector<double> before = channel(parts().values, 0),
                            after = channel(changed("iaaft").values, 0);
  EXPECT_EQ(sorted(before), sorted(after));
  double low_before = 0, low_after = 0, high_before = 0, high_after = 0;
  for (size_t k = 1; k <= 256; ++k) {
    (k <= 32 ? low_before : high_before) += power(before, k);
    (k <= 32 ? low_after : high_after) += power(after, k);
  }
  EXPECT_NEAR(low_after / low_before, 1, 0.05);
  EXPECT_NEAR(high_after / high_before, 1, 0.1);
}

TEST(Surrogates, AnUnknownNameIsRefused) {
  EXPECT_THROW(find_surrogate("shuffle"), Error);
}

// A sink may hold nearly all of the weight: what is left is averaged by itself.
TEST(Surrogates, SmoothedWeightsBesideASinkKeepTheirDigits) {
  Grid<float> weights(1, 200), values(200, 1);
  for (float& weight : weights.all()) weight = 1e-20f;
  weights(0, 0) = 1;
  RandomStream random(1, 1);
  find_surrogate("smooth-weights").make(weights, values, {0, 200}, random);
  EXPECT_FLOAT_EQ(weights(0, 17), 1e-20f);
  EXPECT_FLOAT_EQ(weights(0, 199), 1e-20f);
  EXPECT_FLOAT_EQ(weights(0, 16), 1.0f / 33);
}

}  // namespace
}  // namespace dendrokv
