#pragma once
// Matrix products, and the activations for them; part of model/kernels_body.h, which explains S.

#include <algorithm>
#include <cstring>
#include <span>

#include "model/activations.h"
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

  // The first column of a tile of quantised activations; `step` columns on is the next block.
  struct Columns {
    const int8_t* codes;
    const float *scales, *sums, *half_sums;
    const int32_t *offsets, *half_offsets;
    size_t step;

    static Columns of(const Activations& x, size_t column) {
      return {x.codes(0, column),   x.scales(0, column),
              x.sums(0, column),    x.half_sums(0, column),
              x.offsets(0, column), x.half_offsets(0, column),
              x.columns()};
    }
    void next_block() {
      codes += step * kBlock;
      scales += step;
      sums += step;
      half_sums += 2 * step;
      offsets += step;
      half_offsets += 2 * step;
    }
    // Of column c, over the columns that share a scale.
    template <size_t kScales>
    float sum(size_t c, size_t scale) const {
      return kScales == 1 ? sums[c] : half_sums[2 * c + scale];
    }
    template <size_t kScales>
    int32_t offset(size_t c, size_t scale) const {
      return kScales == 1 ? offsets[c] : half_offsets[2 * c + scale];
    }
  };

  // Where a tile of some groups begins: in the weights, `group_bytes` from group to group, and in
  // the lanes that a part has of them.
  struct Rows {
    const std::byte* first;
    size_t group_bytes;
    size_t lane;
  };

  struct Target {
    float* first;
    size_t stride;  // from column to column
  };

  // Asks for the weights that a single column needs soon. Groups lie one behind the other, so this
  // crosses their borders and those of pages, where the processor's own look-ahead stops: with it
  // decoding is 1.5 times as fast.
  template <size_t kBytes>
  static void prefetch(const std::byte* weights) {
    constexpr size_t kAhead = 8192;
#pragma GCC unroll 16
    for (size_t at = 0; at < kBytes; at += 64) __builtin_prefetch(weights + kAhead + at);
  }

  template <size_t kScaleBytes>
  static typename Part::F load_scale(const std::byte* from) {
    if constexpr (kScaleBytes == 2) {
      return Part::load_half(from);
    } else {
      return Part::load(reinterpret_cast<const float*>(from));
    }
  }

  // The integer dot products of a block, or of a half of it that has its own scale.
  template <PackedKind kKind, size_t kGroups, size_t kColumns>
  static void coded_dots(const std::byte* codes, size_t group_bytes, const Columns& x, size_t scale,
                         typename Part::I (&dots)[kGroups][kColumns]) {
    constexpr PackedLayout kLayout = layout_of(kKind);
    constexpr size_t kScales = kLayout.scales();
#pragma GCC unroll 16
    for (size_t c = 0; c < kColumns; ++c) {
      auto start = Part::all_int(0);
      if constexpr (kLayout.minimum == Minimum::None && kLayout.bits == 4)
        start = Part::all_int(x.template offset<kScales>(c, scale) >> 4);  // -8 * sum
      if constexpr (kLayout.minimum == Minimum::None && kLayout.bits == 8)
        start = Part::signed_bytes_start(x.template offset<kScales>(c, scale));
#pragma GCC unroll 4
      for (size_t g = 0; g < kGroups; ++g) dots[g][c] = start;
    }
    if constexpr (kLayout.bits == 4) {
      Part::add_nibbles(codes, group_bytes, x.codes, dots);
    } else {
      constexpr size_t kChunks = 8 / kScales;
      Part::template add_bytes<kLayout.minimum, kChunks>(codes + scale * kChunks * 64, group_bytes,
                                                         x.codes + scale * kChunks * 4, dots);
    }
  }

  template <PackedKind kKind, size_t kGroups, size_t kColumns>
  static void coded_tile(Rows rows, size_t blocks, Columns x, Target out) {
    constexpr PackedLayout kLayout = layout_of(kKind);
    constexpr size_t kScales = kLayout.scales();
    typename Part::F sums[kGroups][kColumns];
    for (auto& row : sums)
      for (auto& sum : row) sum = Part::zero();
    for (size_t block = 0; block < blocks; ++block, x.next_block()) {
      const std::byte* header =
          rows.first + kLayout.header_at(block) + kLayout.scale_bytes * rows.lane;
      const std::byte* codes = rows.first + kLayout.codes_at(block) + 4 * rows.lane;
      if constexpr (kColumns == 1) prefetch<kLayout.block_bytes()>(codes);
      for (size_t i = 0; i < kScales; ++i) {
        typename Part::I dots[kGroups][kColumns];
        coded_dots<kKind>(codes, rows.group_bytes, x, i, dots);
#pragma GCC unroll 4
        for (size_t g = 0; g < kGroups; ++g) {
          const std::byte* at = header + g * rows.group_bytes + i * kRowGroup * kLayout.scale_bytes;
          const auto scale = load_scale<kLayout.scale_bytes>(at);
#pragma GCC unroll 16
          for (size_t c = 0; c < kColumns; ++c) {
            const auto factor = Part::mul(scale, Part::all(x.scales[c]));
            sums[g][c] = Part::fma(Part::to_float(dots[g][c]), factor, sums[g][c]);
          }
          if constexpr (kLayout.minimum == Minimum::Stored) {
            const auto minimum = load_scale<kLayout.scale_bytes>(at + kLayout.minimum_offset());
#pragma GCC unroll 16
            for (size_t c = 0; c < kColumns; ++c)
              sums[g][c] = Part::fma(minimum, Part::all(x.template sum<kScales>(c, i)), sums[g][c]);
          }
        }
      }
    }
    store_tile(sums, rows.lane, out);
  }

  template <size_t kGroups, size_t kColumns>
  static void store_tile(const typename Part::F (&sums)[kGroups][kColumns], size_t lane,
                         Target out) {
    for (size_t g = 0; g < kGroups; ++g)
      for (size_t c = 0; c < kColumns; ++c)
        Part::store(out.first + c * out.stride + g * kRowGroup + lane, sums[g][c]);
  }

  // kGroups groups at once: a single column alone would wait for each FMA.
  template <PackedKind kKind, size_t kGroups, size_t kColumns>
  static void float_tile(Rows rows, size_t cols, const float* const (&values)[kColumns],
                         Target out) {
    constexpr size_t kBytes = layout_of(kKind).bits / 8;
    const std::byte* weights = rows.first + kBytes * rows.lane;
    typename Part::F sums[kGroups][kColumns];
    for (auto& row : sums)
      for (auto& sum : row) sum = Part::zero();
    for (size_t k = 0; k < cols; ++k, weights += kBytes * kRowGroup) {
      if constexpr (kColumns == 1)
        for (size_t g = 0; g < kGroups; ++g)
          prefetch<kBytes * kRowGroup>(weights + g * rows.group_bytes);
      typename Part::F weight[kGroups];
#pragma GCC unroll 4
      for (size_t g = 0; g < kGroups; ++g) {
        const std::byte* from = weights + g * rows.group_bytes;
        if constexpr (kKind == PackedKind::F32) {
          weight[g] = Part::load(reinterpret_cast<const float*>(from));
        } else if constexpr (kKind == PackedKind::F16) {
          weight[g] = Part::load_half(from);
        } else {
          weight[g] = Part::load_bfloat(from);
        }
      }
#pragma GCC unroll 8
      for (size_t c = 0; c < kColumns; ++c) {
        const auto value = Part::all(values[c][k]);
#pragma GCC unroll 4
        for (size_t g = 0; g < kGroups; ++g) sums[g][c] = Part::fma(weight[g], value, sums[g][c]);
      }
    }
    store_tile(sums, rows.lane, out);
  }

  // Some whole groups by some columns.
  template <PackedKind kKind, size_t kGroups, size_t kColumns>
  static void tile(const PackedSection& section, const Activations& x, size_t group, size_t column,
                   Target out) {
    for (size_t part = 0; part < kParts; ++part) {
      const Rows rows{section.group(group), section.group_bytes, part * Part::kLanes};
      if constexpr (layout_of(kKind).is_coded()) {
        coded_tile<kKind, kGroups, kColumns>(rows, section.cols / kBlock, Columns::of(x, column),
                                             out);
      } else {
        const float* values[kColumns];
        for (size_t c = 0; c < kColumns; ++c) values[c] = x.floats(column + c).data();
        float_tile<kKind, kGroups, kColumns>(rows, section.cols, values, out);
      }
    }
  }

  // The rows of a last group that is not whole, by way of a scratch copy.
  template <PackedKind kKind>
  static void rest(const PackedSection& section, const Activations& x, size_t group,
                   GridView<float> out) {
    const size_t first_row = (group - section.first_group) * kRowGroup;
    in_tiles<4, 1>(x.columns(), [&]<size_t kColumns>(size_t column) {
      alignas(64) float scratch[kColumns * kRowGroup];
      tile<kKind, 1, kColumns>(section, x, group, column, {scratch, kRowGroup});
      for (size_t c = 0; c < kColumns; ++c)
        std::memcpy(&out(column + c, section.first_row + first_row), scratch + c * kRowGroup,
                    (section.rows - first_row) * sizeof(float));
    });
  }

  // Whole groups [first, end) of a section by all columns, in tiles of at most kGroups by the
  // largest of kColumns.
  template <PackedKind kKind, size_t kGroups, size_t... kColumns>
  static void tiles(const PackedSection& section, const Activations& x, size_t first, size_t end,
                    GridView<float> out) {
    in_tiles<kGroups, 1>(end - first, [&]<size_t kSome>(size_t at) {
      const size_t group = first + at;
      const size_t row = section.first_row + (group - section.first_group) * kRowGroup;
      in_tiles<kColumns...>(x.columns(), [&]<size_t kWide>(size_t column) {
        tile<kKind, kSome, kWide>(section, x, group, column, {&out(column, row), out.stride()});
      });
    });
  }

  // Groups [first, end) of the matrix, all of the section.
  template <PackedKind kKind>
  static void section_matmul(const PackedSection& section, const Activations& x, size_t first,
                             size_t end, GridView<float> out) {
    constexpr bool kCoded = layout_of(kKind).is_coded();
    using Tiles = typename S::template TilesOf<kCoded>;
    const size_t whole_end =
        std::max(first, std::min(end, section.first_group + section.rows / kRowGroup));
    // A single column waits for memory, which gives one stream of codes faster than two; floats
    // would wait for each FMA.
    if (kCoded && x.columns() == 1) {
      tiles<kKind, 1, 1>(section, x, first, whole_end, out);
    } else {
      tiles<kKind, Tiles::kGroups, Tiles::kColumns, 4, 2, 1>(section, x, first, whole_end, out);
    }
    if (whole_end < end) rest<kKind>(section, x, whole_end, out);
  }

  template <PackedKind... kKinds>
  static void dispatch(const PackedSection& section, const Activations& x, size_t first, size_t end,
                       GridView<float> out) {
    ((section.kind == kKinds ? section_matmul<kKinds>(section, x, first, end, out) : void()), ...);
  }

  static void matmul(const PackedMatrix& matrix, const Activations& x, size_t first_group,
                     size_t groups, GridView<float> out) {
    for (const PackedSection& section : matrix.sections()) {
      const size_t first = std::max(first_group, section.first_group);
      const size_t end = std::min(first_group + groups, section.first_group + section.groups());
      if (first >= end) continue;
      using enum PackedKind;
      dispatch<F32, F16, BF16, W4, W4Minimum, W4WideMinimum, W8, W8Minimum, W8WideMinimum, W8Halves,
               W8HalvesMinimum>(section, x, first, end, out);
    }
  }

  static void quantise(std::span<const float> values, Activations& x, size_t column) {
    for (size_t block = 0; block < values.size() / kBlock; ++block) {
      const F low = S::load(values.data() + block * kBlock);
      const F high = S::load(values.data() + block * kBlock + 16);
      const float largest = S::largest(S::max(S::abs(low), S::abs(high)));
      // Below this the reciprocal of the scale would overflow; such a block adds nothing to any
      // product.
      const bool is_zero = largest < 1e-30f;
      const float scale = is_zero ? 0.0f : largest / 127.0f;
      const F per_scale = S::all(is_zero ? 0.0f : 127.0f / largest);
      const typename S::I low_codes = S::round(S::mul(low, per_scale));
      const typename S::I high_codes = S::round(S::mul(high, per_scale));
      int8_t* codes = x.codes(block, column);
      S::store_bytes(codes, low_codes);
      S::store_bytes(codes + 16, high_codes);
      const int low_sum = S::sum(low_codes), high_sum = S::sum(high_codes);
      const int sum = low_sum + high_sum;
      *x.scales(block, column) = scale;
      *x.sums(block, column) = scale * static_cast<float>(sum);
      *x.offsets(block, column) = -128 * sum;
      float* half_sums = x.half_sums(block, column);
      half_sums[0] = scale * static_cast<float>(low_sum);
      half_sums[1] = scale * static_cast<float>(high_sum);
      int32_t* half_offsets = x.half_offsets(block, column);
      half_offsets[0] = -128 * low_sum;
      half_offsets[1] = -128 * high_sum;
    }
  }
};

}  // namespace

}  // namespace dendrokv
