// The kernels of every instruction set: equal bits, and what a plain loop in double gives.

#include "cache/row_kernels.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <gtest/gtest.h>
#include <random>
#include <vector>

#include "cache/query_statistics.h"

namespace dendrokv::testing {
namespace {

template <class Real>
std::vector<Real> normals(size_t count, uint32_t seed) {
  std::mt19937 draw(seed);
  std::normal_distribution<double> normal;
  std::vector<Real> numbers(count);
  for (Real& number : numbers) number = static_cast<Real>(normal(draw));
  return numbers;
}

/// What every set gives, which must be the same.
template <class Real>
std::vector<Real> on_every_set(const std::function<std::vector<Real>(const RowKernels&)>& compute) {
  std::vector<Real> expected = compute(*row_kernel_sets()[0]);
  for (const RowKernels* set : row_kernel_sets()) EXPECT_EQ(compute(*set), expected) << set->isa;
  return expected;
}

/// Rows in another order than their slots.
struct ShuffledRows {
  ShuffledRows(size_t count, size_t channels) : numbers(normals<float>(count * channels, 4)) {
    for (uint32_t slot = 0; slot < count; ++slot)
      row.push_back(static_cast<uint32_t>(slot * 7 % count));
    view = {{numbers.data(), count, channels}, row};
  }
  std::vector<float> numbers;
  std::vector<uint32_t> row;
  RowsView view;
};

TEST(RowKernels, PageBoundIsTheLargestOverQueriesOfTheSumOfTheLargerProducts) {
  for (const size_t channels : {16, 64, 80}) {
    constexpr size_t kQueries = 3, kPages = 5;
    const auto queries = normals<float>(kQueries * channels, 1);
    auto pages = normals<float>(kPages * 2 * channels, 2);  // [page] of the lowest, the highest
    const auto low = [&](size_t page, size_t c) -> float& {
      return pages[page * 2 * channels + c];
    };
    const auto high = [&](size_t page, size_t c) -> float& { return low(page, channels + c); };
    for (size_t page = 0; page < kPages; ++page)
      for (size_t c = 0; c < channels; ++c)
        if (low(page, c) > high(page, c)) std::swap(low(page, c), high(page, c));
    const auto found = on_every_set<float>([&](const RowKernels& kernels) {
      std::vector<float> bounds(kPages);
      kernels.page_bounds({queries.data(), kQueries, channels},
                          {pages.data(), kPages, 2 * channels}, bounds);
      return bounds;
    });
    for (size_t page = 0; page < kPages; ++page) {
      double most = -1e9;
      for (size_t q = 0; q < kQueries; ++q) {
        double bound = 0;
        for (size_t c = 0; c < channels; ++c)
          bound += std::max(double{queries[q * channels + c]} * low(page, c),
                            double{queries[q * channels + c]} * high(page, c));
        most = std::max(most, bound);
      }
      EXPECT_NEAR(found[page], most, 1e-5 * static_cast<double>(channels));  // floats of size 1
    }
  }
}

TEST(RowKernels, ReachedByIsTheValueOfThatRank) {
  for (const size_t size : {1, 7, 125}) {
    auto values = normals<float>(size, 3);
    if (size > 2) values[2] = values[0];
    auto ranked = values;
    std::ranges::sort(ranked, std::greater<>());
    for (size_t count = 1; count <= size; ++count)
      EXPECT_EQ(on_every_set<float>([&](const RowKernels& kernels) {
                  return std::vector{kernels.reached_by(values, count)};
                })[0],
                ranked[count - 1]);
  }
  const std::vector<float> signs{-1.5f, 0, 1.5f, -2.5f};
  EXPECT_EQ(row_kernels().reached_by(signs, 3), -1.5f);
}

TEST(RowKernels, AddWeightsInDouble) {
  for (const size_t size : {0, 1, 7, 8, 37}) {
    const auto weights = normals<float>(size, 1);
    const auto before = normals<double>(size + 3, 2);
    const auto found = on_every_set<double>([&](const RowKernels& kernels) {
      auto sums = before;
      kernels.add_weights(weights, sums);
      return sums;
    });
    for (size_t slot = 0; slot < size + 3; ++slot)
      EXPECT_EQ(found[slot], slot < size ? before[slot] + double{weights[slot]} : before[slot]);
  }
}

TEST(RowKernels, MeansOverLives) {
  const auto sums = normals<double>(37, 1);
  std::vector<Position> positions;
  for (uint32_t slot = 0; slot < 37; ++slot) positions.emplace_back(3 * slot);
  const auto found = on_every_set<double>([&](const RowKernels& kernels) {
    std::vector<double> means(37);
    kernels.divide_by_lives(sums, positions, Step(120), means);
    return means;
  });
  for (size_t slot = 0; slot < 37; ++slot)
    EXPECT_EQ(found[slot], sums[slot] / (121.0 - 3.0 * static_cast<double>(slot)));
}

TEST(RowKernels, QuadraticForms) {
  for (const size_t channels : {16, 64}) {
    constexpr size_t kRows = 64;
    const auto x = normals<double>(channels * kRows, 1), linear = normals<double>(channels, 2);
    auto square = normals<double>(channels * channels, 3);
    for (size_t i = 0; i < channels; ++i)
      for (size_t j = i + 1; j < channels; ++j) square[i * channels + j] = 0;
    const auto found = on_every_set<double>([&](const RowKernels& kernels) {
      std::vector<double> forms(kRows);
      kernels.quadratic_forms({x.data(), channels, kRows}, {square.data(), channels, channels},
                              linear, forms);
      return forms;
    });
    for (size_t row = 0; row < kRows; ++row) {
      double form = 0;
      for (size_t i = 0; i < channels; ++i) {
        double sum = linear[i];
        for (size_t j = 0; j < channels; ++j) sum += square[i * channels + j] * x[j * kRows + row];
        form += sum * x[i * kRows + row];
      }
      EXPECT_NEAR(found[row], form, 1e-11);  // 4096 terms of size 1
    }
  }
}

TEST(RowKernels, TurnRowMultipliesPairsAsComplexNumbers) {
  for (const size_t pairs : {0, 1, 4, 13, 32}) {
    const auto row = normals<float>(2 * pairs + 3, 1);
    const auto parts = normals<double>(2 * pairs, 2);
    std::vector<std::complex<double>> turns;
    for (size_t i = 0; i < pairs; ++i) turns.emplace_back(parts[2 * i], parts[2 * i + 1]);
    const auto found = on_every_set<double>([&](const RowKernels& kernels) {
      std::vector<double> out(row.size());
      kernels.turn_row(row, turns, out);
      return out;
    });
    for (size_t i = 0; i < pairs; ++i) {
      const auto product = std::complex<double>(row[2 * i], row[2 * i + 1]) * turns[i];
      EXPECT_DOUBLE_EQ(found[2 * i], product.real());
      EXPECT_DOUBLE_EQ(found[2 * i + 1], product.imag());
    }
    for (size_t c = 2 * pairs; c < row.size(); ++c) EXPECT_EQ(found[c], double{row[c]});
  }
}

TEST(RowKernels, BoundsAndSpreadsOfChannels) {
  for (const size_t channels : {1, 8, 13, 64}) {
    const ShuffledRows rows(20, channels);
    const auto lows = on_every_set<float>([&](const RowKernels& kernels) {
      std::vector<float> low(channels), high(channels);
      kernels.channel_bounds(rows.view, {5, 12}, low, high);
      low.insert(low.end(), high.begin(), high.end());
      return low;
    });
    const auto origin = normals<double>(channels, 5), factor = normals<double>(channels, 6);
    const auto spreads = on_every_set<double>([&](const RowKernels& kernels) {
      std::vector<double> found(7);
      kernels.spreads(rows.view, {5, 12}, origin, factor, found);
      return found;
    });
    for (size_t c = 0; c < channels; ++c)
      for (size_t slot = 5; slot < 12; ++slot) {
        EXPECT_LE(lows[c], rows.view[slot][c]);
        EXPECT_GE(lows[channels + c], rows.view[slot][c]);
      }
    for (size_t slot = 5; slot < 12; ++slot) {
      double mean = 0, variance = 0;
      const auto at = [&](size_t c) {
        return (double{rows.view[slot][c]} - origin[c]) * factor[c];
      };
      for (size_t c = 0; c < channels; ++c) mean += at(c) / static_cast<double>(channels);
      for (size_t c = 0; c < channels; ++c)
        variance += (at(c) - mean) * (at(c) - mean) / static_cast<double>(channels);
      // The difference of two means of squares of size 1, then its root: one channel has none.
      EXPECT_NEAR(spreads[slot - 5], std::sqrt(variance), 1e-7);
    }
  }
}

TEST(RowKernels, UnitRowsAndTheirProducts) {
  for (const size_t channels : {1, 8, 13, 64}) {
    ShuffledRows rows(9, channels);
    for (size_t c = 0; c < channels; ++c) rows.numbers[rows.row[3] * channels + c] = 0;
    const auto vector = normals<double>(channels, 5);
    const auto units = on_every_set<float>([&](const RowKernels& kernels) {
      std::vector<float> found(6 * channels);
      kernels.unit_rows(rows.view, {found.data(), 6, channels});
      return found;
    });
    const auto dots = on_every_set<double>([&](const RowKernels& kernels) {
      std::vector<double> found(6);
      kernels.dots({units.data(), 6, channels}, vector, found);
      return found;
    });
    for (size_t slot = 0; slot < 6; ++slot) {
      double square = 0, dot = 0;
      for (size_t c = 0; c < channels; ++c) {
        square += double{units[slot * channels + c]} * units[slot * channels + c];
        dot += double{units[slot * channels + c]} * vector[c];
        EXPECT_GE(units[slot * channels + c] * rows.view[slot][c], 0);
      }
      EXPECT_NEAR(square, slot == 3 ? 0 : 1, 1e-6);  // 64 roundings of floats
      EXPECT_NEAR(dots[slot], dot, 1e-14);
    }
  }
}

// More queries than wait at a time, asked for in between; a product of two floats is exact in
// double, so the order alone counts.
TEST(QueryStatistics, AreTheSumsOfQueriesOneAfterTheOther) {
  constexpr size_t kChannels = 13;
  QueryStatistics statistics(2, kChannels);
  std::vector<double> sum(kChannels), products(kChannels * kChannels);
  for (uint32_t query = 0; query < 150; ++query) {
    const auto both = normals<float>(2 * kChannels, query);
    statistics.add({both.data(), 2, kChannels});
    for (size_t i = 0; i < kChannels; ++i) {
      sum[i] += double{both[kChannels + i]};
      for (size_t j = 0; j <= i; ++j)
        products[i * kChannels + j] += double{both[kChannels + i]} * double{both[kChannels + j]};
    }
    if (query % 47 != 5 && query != 149) continue;
    EXPECT_EQ(statistics.count(), query + 1);
    for (size_t i = 0; i < kChannels; ++i) {
      EXPECT_EQ(statistics.sum(1)[i], sum[i]);
      for (size_t j = 0; j <= i; ++j)
        EXPECT_EQ(statistics.products(1)(i, j), products[i * kChannels + j]);
    }
  }
}

}  // namespace
}  // namespace dendrokv::testing
