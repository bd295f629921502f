#pragma once
// The kernels, written once over the vectors of an instruction set; each kernels_<isa>.cpp gives
// the vectors and takes the table.
//
// `S` gives vectors of 16 floats (S::F) and 16 integers (S::I): the width of a row group and of
// every reduction. `S::Part` gives the lanes of one machine register (S::Part::kLanes of them, a
// divisor of 16): matrix products work part by part, because their lanes are independent.
// S::TilesOf<is_coded> gives the largest tile of a product that fits the registers: kGroups groups
// of rows by kColumns columns. S has internal linkage, so that the linker never merges code of one
// instruction set with code of another.
//
// What every instruction set does alike, bit for bit:
//   matrix product   per row and column, blocks (or halves that have a scale) in sequence: the
//                    integer dot product, exact; one FMA of it by (weight scale * activation
//                    scale); with a minimum one more, minimum by activation sum. Weights that are
//                    floats: one FMA per k, in sequence.
//   reduction        element i goes to partial sum i mod 16, in sequence, zeros behind the end;
//                    partial sums i and i + 8 are joined, then 4, 2, 1.
//   elementwise      the operations as written here.

#include "model/kernels.h"
#include "model/kernels_attention.h"
#include "model/kernels_matmul.h"
#include "model/kernels_vectors.h"

namespace dendrokv {

namespace {

template <class S>
constexpr Kernels kernels_of(Isa isa) {
  using Matmul = MatmulKernels<S>;
  using Vectors = VectorKernels<S>;
  using Attention = AttentionKernels<S>;
  return {.isa = isa,
          .matmul = Matmul::matmul,
          .quantise = Matmul::quantise,
          .rms_norm = Vectors::rms_norm,
          .rotate_pairs = Vectors::rotate_pairs,
          .rotate_halves = Vectors::rotate_halves,
          .rotate_rows_pairs = Vectors::rotate_rows_pairs,
          .rotate_rows_halves = Vectors::rotate_rows_halves,
          .gated_unit = Vectors::gated_unit,
          .gated_gelu_unit = Vectors::gated_gelu_unit,
          .softmax = Vectors::softmax,
          .log_sum_exp = Vectors::log_sum_exp,
          .scores_f16 = Attention::template scores<uint16_t>,
          .scores_f32 = Attention::template scores<float>,
          .weighted_sum_f16 = Attention::template weighted_sum<uint16_t>,
          .weighted_sum_f32 = Attention::template weighted_sum<float>,
          .mean_of_rows = Attention::mean_of_rows,
          .to_f16 = Vectors::to_f16,
          .to_f32 = Vectors::to_f32};
}

}  // namespace

}  // namespace dendrokv
