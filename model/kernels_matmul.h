#pragma once
// Matrix products, and the activations for them; part of model/kernels_body.h, which explains S.

#include <algorithm>
#include <cstring>
#include <span>

#include "model/kernels.h"
#include "model/kernels_tiles.h"
#include "model/packed_matrix.h"

namespace dendrokv {

namespace {

template <class S>
struct MatmulKernels {
  using F = typename S::F;
  using Part = typename S::Part;
  static constexpr size_t kParts = kRowGroup / Part::kLanes;

  // The blocks of some rows of a W4 or W8 matrix, as many as a part has lanes.
  struct Blocks {
    const std::byte* scales;  // W4: the minima lie 32 bytes behind
    const std::byte* codes;
    size_t scale_step, code_step;  // from block to block
    size_t count;
  };

  // The first column of a tile of quantised activations; `step` columns on is the next block.
  struct Columns {
    const int8_t* codes;
    const float *scales, *sums;
    const int32_t* offsets;
    size_t step;
  };

  struct Target {
    float* first;
    size_t stride;  // from column to column
  };

  template <PackedKind kKind, size_t kColumns>
  static void quantised_tile(Blocks weights, Columns x, Target out) {
    typename Part::F sums[kColumns];
    for (auto& sum : sums) sum = Part::zero();
    for (size_t block = 0; block < weights.count; ++block) {
      typename Part::I dots[kColumns];
      if constexpr (kKind == PackedKind::W4) {
        Part::template dot_nibbles<kColumns>(weights.codes, x.codes, dots);
      } else {
        Part::template dot_bytes<kColumns>(weights.codes, x.codes, x.offsets, dots);
      }
      const auto scale = Part::load_half(weights.scales);
#pragma GCC unroll 16
      for (size_t c = 0; c < kColumns; ++c) {
        const auto factor = Part::mul(scale, Part::all(x.scales[c]));
        sums[c] = Part::fma(Part::to_float(dots[c]), factor, sums[c]);
      }
      if constexpr (kKind == PackedKind::W4) {
        const auto minimum = Part::load_half(weights.scales + 32);
#pragma GCC unroll 16
        for (size_t c = 0; c < kColumns; ++c)
          sums[c] = Part::fma(minimum, Part::all(x.sums[c]), sums[c]);
      }
      weights.scales += weights.scale_step;
      weights.codes += weights.code_step;
      x.codes += x.step * kBlock;
      x.scales += x.step;
      x.sums += x.step;
      x.offsets += x.step;
    }
    for (size_t c = 0; c < kColumns; ++c) Part::store(out.first + c * out.stride, sums[c]);
  }

  template <PackedKind kKind>
  static Blocks blocks_of(const PackedMatrix& matrix, size_t group, size_t part) {
    const std::byte* data = matrix.data() + group * matrix.group_bytes();
    const size_t lane = part * Part::kLanes, count = matrix.cols() / kBlock;
    if constexpr (kKind == PackedKind::W4)
      return {data + 2 * lane, data + 64 + 4 * lane, 64 + 256, 64 + 256, count};
    const std::byte* codes = data + matrix.group_bytes() - count * 512;
    return {data + 2 * lane, codes + 4 * lane, 32, 512, count};
  }

  template <PackedKind kKind, size_t kColumns>
  static void quantised_group(const PackedMatrix& matrix, const Activations& x, size_t group,
                              size_t column, Target out) {
    const Columns columns{x.codes(0, column), x.scales(0, column), x.sums(0, column),
                          x.offsets(0, column), x.columns()};
    for (size_t part = 0; part < kParts; ++part)
      quantised_tile<kKind, kColumns>(blocks_of<kKind>(matrix, group, part), columns,
                                      {out.first + part * Part::kLanes, out.stride});
  }

  // kGroups groups at once: a single column alone would wait for each FMA.
  template <size_t kColumns, size_t kGroups>
  static void float_tile(const PackedMatrix& matrix, const Activations& x, size_t group,
                         size_t column, Target out) {
    for (size_t part = 0; part < kParts; ++part) {
      const float* weights[kGroups];
      for (size_t g = 0; g < kGroups; ++g)
        weights[g] =
            reinterpret_cast<const float*>(matrix.data() + (group + g) * matrix.group_bytes()) +
            part * Part::kLanes;
      const float* values[kColumns];
      for (size_t c = 0; c < kColumns; ++c) values[c] = x.floats(column + c).data();
      typename Part::F sums[kGroups][kColumns];
      for (auto& row : sums)
        for (auto& sum : row) sum = Part::zero();
      for (size_t k = 0; k < matrix.cols(); ++k) {
        typename Part::F weight[kGroups];
#pragma GCC unroll 4
        for (size_t g = 0; g < kGroups; ++g) weight[g] = Part::load(weights[g] + k * kRowGroup);
#pragma GCC unroll 8
        for (size_t c = 0; c < kColumns; ++c) {
          const auto value = Part::all(values[c][k]);
#pragma GCC unroll 4
          for (size_t g = 0; g < kGroups; ++g) sums[g][c] = Part::fma(weight[g], value, sums[g][c]);
        }
      }
      for (size_t g = 0; g < kGroups; ++g)
        for (size_t c = 0; c < kColumns; ++c)
          Part::store(out.first + c * out.stride + g * kRowGroup + part * Part::kLanes, sums[g][c]);
    }
  }

  // Runs tile(target) on `out`, or by way of a scratch copy where the last group reaches beyond the rows of the matrix.
  template <size_t kColumns, class Tile>
  static void with_target(GridView<float> out, size_t rows, size_t first_row, size_t column,
                          const Tile& tile) {
    float* to = out.data() + column * out.stride() + first_row;
    if (first_row + kRowGroup <= rows) return tile(Target{to, out.stride()});
    alignas(64) float scratch[kColumns * kRowGroup];
    tile(Target{scratch, kRowGroup});
    for (size_t c = 0; c < kColumns; ++c)
      std::memcpy(to + c * out.stride(), scratch + c * kRowGroup,
                  (rows - first_row) * sizeof(float));
  }

  template <PackedKind kKind>
  static void quantised_matmul(const PackedMatrix& matrix, const Activations& x, size_t first_group,
                               size_t groups, GridView<float> out) {
    for (size_t group = first_group; group < first_group + groups; ++group)
      in_tiles<S::kColumns, 4, 2, 1>(x.columns(), [&]<size_t kColumns>(size_t column) {
        with_target<kColumns>(out, matrix.rows(), group * kRowGroup, column, [&](Target target) {
          quantised_group<kKind, kColumns>(matrix, x, group, column, target);
        });
      });
  }

  static void float_matmul(const PackedMatrix& matrix, const Activations& x, size_t first_group,
                           size_t groups, GridView<float> out) {
    const size_t whole = std::min(first_group + groups, matrix.rows() / kRowGroup);
    const size_t whole_groups = whole > first_group ? whole - first_group : 0;
    in_tiles<S::kFloatGroups, 1>(whole_groups, [&]<size_t kGroups>(size_t group) {
      in_tiles<S::kFloatColumns, 4, 2, 1>(x.columns(), [&]<size_t kColumns>(size_t column) {
        const Target target{out.data() + column * out.stride() + (first_group + group) * kRowGroup,
                            out.stride()};
        float_tile<kColumns, kGroups>(matrix, x, first_group + group, column, target);
      });
    });
    if (whole_groups == groups) return;
    for (size_t column = 0; column < x.columns(); ++column)
      with_target<1>(out, matrix.rows(), whole * kRowGroup, column,
                     [&](Target target) { float_tile<1, 1>(matrix, x, whole, column, target); });
  }

  static void matmul(const PackedMatrix& matrix, const Activations& x, size_t first_group,
                     size_t groups, GridView<float> out) {
    switch (matrix.kind()) {
      case PackedKind::W4:
        return quantised_matmul<PackedKind::W4>(matrix, x, first_group, groups, out);
      case PackedKind::W8:
        return quantised_matmul<PackedKind::W8>(matrix, x, first_group, groups, out);
      case PackedKind::F32:
        return float_matmul(matrix, x, first_group, groups, out);
    }
  }

  static void quantise(std::span<const float> values, Activations& x, size_t column) {
    for (size_t block = 0; block < values.size() / kBlock; ++block) {
      const F low = S::load(values.data() + block * kBlock);
      const F high = S::load(values.data() + block * kBlock + 16);
      const float largest = S::largest(S::max(S::abs(low), S::abs(high)));
      // Below this the reciprocal of the scale would overflow; such a block adds nothing to any product.
      const bool is_zero = largest < 1e-30f;
      const float scale = is_zero ? 0.0f : largest / 127.0f;
      const F per_scale = S::all(is_zero ? 0.0f : 127.0f / largest);
      const typename S::I low_codes = S::round(S::mul(low, per_scale));
      const typename S::I high_codes = S::round(S::mul(high, per_scale));
      int8_t* codes = x.codes(block, column);
      S::store_bytes(codes, low_codes);
      S::store_bytes(codes + 16, high_codes);
      const int sum = S::sum(S::add(low_codes, high_codes));
      *x.scales(block, column) = scale;
      *x.sums(block, column) = scale * static_cast<float>(sum);
      *x.offsets(block, column) = -128 * sum;
    }
  }
};

}  // namespace

}  // namespace dendrokv
