#pragma once
// The numeric kernels of the engine: one table of functions per instruction set, chosen once.
//
// Order of summation is part of the contract. Matrix products give each output row a SIMD lane of
// its own and add the blocks of a row in sequence; reductions over a vector (dot product, sum of
// squares, softmax sum) run in 16 partial sums that are joined pairwise (8, 4, 2, 1). Every fused
// multiply-add is explicit. So scalar, AVX2 and AVX-512 agree bit for bit, at any thread count and
// batch size.

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "data/grid.h"

namespace dendrokv {

enum class Isa { Scalar, Avx2, Avx512 };
Isa best_isa();                        // of this machine
std::string_view isa_name(Isa isa);    // "scalar", "avx2", "avx512"
Isa parse_isa(std::string_view name);  // throws Error: unknown, or not available on this machine

class PackedMatrix;
class Activations;

/// What one instruction set offers. No function allocates; all pointers may be unaligned.
struct Kernels {
  Isa isa;

  /// out(column, row) = sum_k matrix(row, k) * activations(column, k), for the rows of the groups
  /// [first_group, first_group + groups) and all columns. `out` is [column, row].
  void (*matmul)(const PackedMatrix& matrix, const Activations& activations, size_t first_group,
                 size_t groups, GridView<float> out);
  /// Fills the quantised form of one column of activations (coded weights read it, others the
  /// floats): per block of 32 an f32 scale (largest magnitude / 127), int8 codes, and their sums.
  /// `values` may be activations.floats(column).
  void (*quantise)(std::span<const float> values, Activations& activations, size_t column);

  /// x / rms(x) * weight
  void (*rms_norm)(std::span<const float> x, std::span<const float> weight, float epsilon,
                   std::span<float> out);
  /// Turns adjacent lanes (2i, 2i + 1) by the angle whose cosine and sine are given, [head_dim /
  /// 2].
  void (*rotate_pairs)(std::span<const float> x, std::span<const float> cosine,
                       std::span<const float> sine, std::span<float> out);
  /// The same for lanes i and i + head_dim / 2. `out` may be `x`, here and above.
  void (*rotate_halves)(std::span<const float> x, std::span<const float> cosine,
                        std::span<const float> sine, std::span<float> out);
  /// Rows of heads as f16, `row_length` elements apart: rows[r] is turned by cosine.row(r) and
  /// sine.row(r), head by head, as by to_f32, rotate_pairs or rotate_halves, and to_f16 one after
  /// the other. [row, head_dim / 2]
  void (*rotate_rows_pairs)(const uint16_t* from, size_t row_length, std::span<const uint32_t> rows,
                            GridView<const float> cosine, GridView<const float> sine, uint16_t* to);
  void (*rotate_rows_halves)(const uint16_t* from, size_t row_length,
                             std::span<const uint32_t> rows, GridView<const float> cosine,
                             GridView<const float> sine, uint16_t* to);
  /// silu(gate) * up
  void (*gated_unit)(std::span<const float> gate, std::span<const float> up, std::span<float> out);
  /// gelu(gate) * up, GELU in its tanh form (Hendrycks and Gimpel, 2016, arXiv 1606.08415)
  void (*gated_gelu_unit)(std::span<const float> gate, std::span<const float> up,
                          std::span<float> out);
  /// In place: scores -> softmax weights.
  void (*softmax)(std::span<float> scores);
  /// ln sum exp(scores), to 3e-7 + 6e-8 |ln sum|; NaN where a score is not finite.
  double (*log_sum_exp)(std::span<const float> scores);

  /// Attention of several queries over the rows of one key or value head, [row, head_dim], rows
  /// `stride` elements apart; the queries of a group share each load of a row. `rows` lists the
  /// rows in time order. One query is a grid of one row.
  ///
  /// scores(query, r) = scale * dot(queries(query), keys[rows[r]]) for its columns r. Rows that are
  /// listed behind them are needed next, and asked for.
  void (*scores_f16)(GridView<const float> queries, const uint16_t* keys, size_t stride,
                     std::span<const uint32_t> rows, float scale, GridView<float> scores);
  void (*scores_f32)(GridView<const float> queries, const float* keys, size_t stride,
                     std::span<const uint32_t> rows, float scale, GridView<float> scores);
  /// out(query, d) += sum_r weights(query, r) * values[rows[r]][d], added to `out` one after the
  /// other in the order of r: a sum over some rows and then the rest has the bits of a sum over
  /// all.
  void (*weighted_sum_f16)(GridView<const float> weights, const uint16_t* values, size_t stride,
                           std::span<const uint32_t> rows, GridView<float> out);
  void (*weighted_sum_f32)(GridView<const float> weights, const float* values, size_t stride,
                           std::span<const uint32_t> rows, GridView<float> out);
  /// mean(column) = mean over the rows of `weights`, which are added in their order.
  void (*mean_of_rows)(GridView<const float> weights, std::span<float> mean);
  void (*to_f16)(std::span<const float> values, uint16_t* out);
  void (*to_f32)(std::span<const uint16_t> values, float* out);
};

/// The table of an instruction set that this machine has.
const Kernels& kernels_for(Isa isa);

}  // namespace dendrokv
