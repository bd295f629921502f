#pragma once
// Arithmetic of policies over all rows of a lane: one table of functions per instruction set,
// chosen once.
//
// Every sum has one order: of floats in 16 partial sums, of doubles in 8, joined pairwise (half by
// half), or one term after the other where a comment says so. No product is fused with a sum. So
// the bits do not depend on the instruction set.

#include <complex>
#include <span>
#include <string_view>

#include "cache/policy.h"
#include "data/grid.h"

namespace dendrokv {

/// Channels of a row in these functions are a multiple of this, with zeros behind the last, where a
/// comment says `padded`.
inline constexpr size_t kRowPadding = 16;
inline constexpr size_t padded(size_t channels) {
  return (channels + kRowPadding - 1) / kRowPadding * kRowPadding;
}

/// No function allocates.
struct RowKernels {
  std::string_view isa;

  /// bounds[page] = the largest, over the queries q, of sum_c max(q[c] lowest[c], q[c] highest[c]),
  /// where a page has its lowest channels and then its highest. Padded.
  void (*page_bounds)(GridView<const float> queries, GridView<const float> pages,
                      std::span<float> bounds);
  /// The largest number that `count` of the values reach; none is NaN, and 0 < count <= values.
  float (*reached_by)(std::span<const float> values, size_t count);
  /// sums[slot] += weights[slot]
  void (*add_weights)(std::span<const float> weights, std::span<double> sums);
  /// means[slot] = sums[slot] / (step + 1 - positions[slot])
  void (*divide_by_lives)(std::span<const double> sums, std::span<const Position> positions,
                          Step step, std::span<double> means);
  /// sums(i, j) += rows(t, i) rows(t, j), one t after the other, for j <= i; beyond that as it
  /// comes. [t, channel]; padded.
  void (*add_products)(GridView<const double> rows, GridView<double> sums);
  /// forms[r] = sum_i x(i, r) (linear[i] + sum_{j <= i} square(i, j) x(j, r)), one i and one j
  /// after the other. `square` has zeros above its diagonal. x: [channel, row]; rows a multiple of
  /// 32, channels one of 4.
  void (*quadratic_forms)(GridView<const double> x, GridView<const double> square,
                          std::span<const double> linear, std::span<double> forms);
  /// out = the row with each pair (2i, 2i + 1), a complex number, times turns[i]; channels behind
  /// the turns as they are.
  void (*turn_row)(std::span<const float> row, std::span<const std::complex<double>> turns,
                   std::span<double> out);
  /// The least and the largest of each channel over the slots of a range.
  void (*channel_bounds)(const RowsView& rows, SlotRange slots, std::span<float> lowest,
                         std::span<float> highest);
  /// spreads[i] = standard deviation over the channels of (row[c] - origin[c]) * factor[c], of the
  /// slots of a range.
  void (*spreads)(const RowsView& rows, SlotRange slots, std::span<const double> origin,
                  std::span<const double> factor, std::span<double> spreads);
  /// units.row(slot) = the row by its euclidean norm, or zeros; of as many slots as there are
  /// units.
  void (*unit_rows)(const RowsView& rows, GridView<float> units);
  /// dots[r] = sum_c rows(r, c) vector[c]
  void (*dots)(GridView<const float> rows, std::span<const double> vector, std::span<double> dots);
};

/// The best for this processor.
const RowKernels& row_kernels();

/// All that this processor can run, the plainest first: for tests.
std::span<const RowKernels* const> row_kernel_sets();

}  // namespace dendrokv
