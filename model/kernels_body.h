#pragma once
// The kernels, written once over the vectors of an instruction set; each kernels_<isa>.cpp gives the vectors and takes the table.
//
// `S` gives vectors of 16 floats (S::F) and 16 integers (S::I): the width of a row group and of every reduction. `S::Part` gives
// the lanes of one machine register (S::Part::kLanes of them, a divisor of 16): matrix products work part by part, because their
// lanes are independent. S has internal linkage, so that the linker never merges code of one instruction set with code of another.
//
// What every instruction set does alike, bit for bit:
//   matrix product   per row and column, blocks in sequence: the integer dot product of the block, exact; one FMA of it by
//                    (weight scale * activation scale); W4 one more FMA, minimum by activation sum. F32: one FMA per k, in sequence.
//   reduction        element i goes to partial sum i mod 16, in sequence, zeros behind the end; partial sums i and i + 8 are
//                    joined, then 4, 2, 1.
//   elementwise      the operations as written here.

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include "model/kernels.h"
#include "model/packed_matrix.h"

namespace dendrokv {

namespace {

/// Covers [0, count) with tiles of the given sizes, in their order: body.operator()<size>(first).
template <size_t... kSizes, class Body>
inline void in_tiles(size_t count, const Body& body) {
  size_t first = 0;
  const auto run = [&]<size_t kSize>() {
    for (; count - first >= kSize; first += kSize) body.template operator()<kSize>(first);
  };
  (run.template operator()<kSizes>(), ...);
}

template <class S>
struct KernelBody {
  using F = typename S::F;
  using Part = typename S::Part;
  static constexpr size_t kParts = kRowGroup / Part::kLanes;

  // ---- matrix products

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

  // ---- activations

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

  // ---- vectors of any length

  template <class T>
  static F load_first(const T* from, size_t count, T rest) {
    T padded[16];
    std::fill(padded, padded + 16, rest);
    std::memcpy(padded, from, count * sizeof(T));
    return S::load(padded);
  }

  // Vector number `chunk` of `values`, zeros behind the end.
  template <class T>
  static F chunk_of(const T* values, size_t size, size_t chunk, T rest = T{}) {
    const size_t first = 16 * chunk;
    return first + 16 <= size ? S::load(values + first)
                              : load_first(values + first, size - first, rest);
  }

  template <class T>
  static void store_chunk(T* values, size_t size, size_t chunk, F vector) {
    const size_t first = 16 * chunk;
    if (first + 16 <= size) return S::store(values + first, vector);
    T padded[16];
    S::store(padded, vector);
    std::memcpy(values + first, padded, (size - first) * sizeof(T));
  }

  static size_t chunks_of(size_t size) {
    return (size + 15) / 16;
  }

  static void rms_norm(std::span<const float> x, std::span<const float> weight, float epsilon,
                       std::span<float> out) {
    F squares = S::zero();
    for (size_t chunk = 0; chunk < chunks_of(x.size()); ++chunk) {
      const F values = chunk_of(x.data(), x.size(), chunk);
      squares = S::fma(values, values, squares);
    }
    const float mean = S::join(squares) / static_cast<float>(x.size());
    const F per_rms = S::all(1.0f / std::sqrt(mean + epsilon));
    for (size_t chunk = 0; chunk < chunks_of(x.size()); ++chunk) {
      const F values = S::mul(chunk_of(x.data(), x.size(), chunk), per_rms);
      store_chunk(out.data(), out.size(), chunk,
                  S::mul(values, chunk_of(weight.data(), weight.size(), chunk)));
    }
  }

  static void rotate_pairs(std::span<const float> x, std::span<const float> cosine,
                           std::span<const float> sine, std::span<float> out) {
    const size_t pairs = cosine.size();
    size_t pair = 0;
    for (; pair + 8 <= pairs; pair += 8) {
      const F values = S::load(&x[2 * pair]);
      const F turned = S::mul(S::swap_pairs(values), S::load_each_twice(&sine[pair]));
      S::store(&out[2 * pair],
               S::sub_add(S::mul(values, S::load_each_twice(&cosine[pair])), turned));
    }
    for (; pair < pairs; ++pair) {
      const float even = x[2 * pair], odd = x[2 * pair + 1];
      out[2 * pair] = even * cosine[pair] - odd * sine[pair];
      out[2 * pair + 1] = odd * cosine[pair] + even * sine[pair];
    }
  }

  // exp(x) = 2^n exp(r), n = round(x / ln 2), |r| <= ln(2) / 2, exp(r) by its series to r^7 / 7! (next term: 5e-9). Relative error
  // below 1.5e-7; exactly 1 at 0. x is held within [-87, 88], where 2^n is a normal float.
  static F exponential(F x) {
    x = S::min(S::max(x, S::all(-87.0f)), S::all(88.0f));
    // Adding 1.5 * 2^23 rounds to an integer and leaves it in the low bits.
    const F shifted = S::fma(x, S::all(1.44269504f), S::all(12582912.0f));
    const F n = S::sub(shifted, S::all(12582912.0f));
    F r = S::fma(n, S::all(-0.693145752f), x);  // ln 2 in two pieces, the first one short
    r = S::fma(n, S::all(-1.42860677e-6f), r);
    F sum = S::all(1.0f / 5040);
    for (const float factor : {1.0f / 720, 1.0f / 120, 1.0f / 24, 1.0f / 6, 0.5f, 1.0f, 1.0f})
      sum = S::fma(sum, r, S::all(factor));
    return S::add_to_exponent(sum, shifted);
  }

  static void gated_unit(std::span<const float> gate, std::span<const float> up,
                         std::span<float> out) {
    for (size_t chunk = 0; chunk < chunks_of(gate.size()); ++chunk) {
      const F g = chunk_of(gate.data(), gate.size(), chunk);
      const F silu = S::div(g, S::add(S::all(1.0f), exponential(S::sub(S::zero(), g))));
      store_chunk(out.data(), out.size(), chunk,
                  S::mul(silu, chunk_of(up.data(), up.size(), chunk)));
    }
  }

  static void softmax(std::span<float> scores) {
    constexpr float kLowest = std::numeric_limits<float>::lowest();
    const size_t size = scores.size(), chunks = chunks_of(size);
    F largest = S::all(kLowest);
    for (size_t chunk = 0; chunk < chunks; ++chunk)
      largest = S::max(largest, chunk_of(scores.data(), size, chunk, kLowest));
    const F top = S::all(S::largest(largest));
    F sums = S::zero();
    for (size_t chunk = 0; chunk < chunks; ++chunk) {
      store_chunk(scores.data(), size, chunk,
                  exponential(S::sub(chunk_of(scores.data(), size, chunk), top)));
      sums = S::add(sums, chunk_of(scores.data(), size, chunk));
    }
    const F per_sum = S::all(1.0f / S::join(sums));
    for (size_t chunk = 0; chunk < chunks; ++chunk)
      store_chunk(scores.data(), size, chunk,
                  S::mul(chunk_of(scores.data(), size, chunk), per_sum));
  }

  // ---- attention

  // Some queries, ready to be multiplied with rows. Of 64 channels: held in registers.
  template <size_t kQueries>
  struct QueriesOf64 {
    F query[kQueries][4];

    explicit QueriesOf64(GridView<const float> queries) {
      for (size_t q = 0; q < kQueries; ++q)
        for (size_t chunk = 0; chunk < 4; ++chunk)
          query[q][chunk] = S::load(&queries(q, 16 * chunk));
    }

    // The 16 partial sums of the dot product of each query with a row.
    template <class T>
    void multiply(const T* row, F (&sums)[kQueries]) const {
      for (F& sum : sums) sum = S::zero();
#pragma GCC unroll 4
      for (size_t chunk = 0; chunk < 4; ++chunk) {
        const F key = S::load(row + 16 * chunk);
#pragma GCC unroll 4
        for (size_t q = 0; q < kQueries; ++q) sums[q] = S::fma(query[q][chunk], key, sums[q]);
      }
    }
  };

  // The same for any number of channels.
  template <size_t kQueries>
  struct QueriesOfAny {
    GridView<const float> queries;

    template <class T>
    void multiply(const T* row, F (&sums)[kQueries]) const {
      for (F& sum : sums) sum = S::zero();
      const size_t size = queries.cols();
      for (size_t chunk = 0; chunk < chunks_of(size); ++chunk) {
        const F key = chunk_of(row, size, chunk);
        for (size_t q = 0; q < kQueries; ++q)
          sums[q] = S::fma(chunk_of(&queries(q, 0), size, chunk), key, sums[q]);
      }
    }
  };

  // Asks for the first 64 elements of a row that is needed soon. Rows are listed in any order, and taken in an order that the
  // processor does not guess: without this the scores of a cache beyond L2 take 1.6 times as long.
  template <class T>
  static void prefetch_row(const T* row) {
    for (size_t at = 0; at < 64; at += 64 / sizeof(T)) __builtin_prefetch(row + at);
  }

  // Rows by 16, one per lane in the end; rows j, j + 4, j + 8, j + 12 together, whose partial sums are joined in registers.
  template <size_t kQueries, class Queries, class T>
  static void score_rows(const Queries& queries, const T* keys, size_t stride,
                         std::span<const uint32_t> rows, float scale, GridView<float> out) {
    for (size_t chunk = 0; chunk < chunks_of(rows.size()); ++chunk) {
      const uint32_t* row = rows.data() + 16 * chunk;
      const size_t last = std::min<size_t>(16, rows.size() - 16 * chunk) - 1;
      F joined[kQueries][4];
      for (size_t j = 0; j < 4; ++j) {
        F sums[4][kQueries];
#pragma GCC unroll 4
        for (size_t i = 0; i < 4; ++i)
          queries.multiply(keys + stride * row[std::min(4 * i + j, last)], sums[i]);
        if (16 * chunk + 32 <= rows.size())
          for (size_t i = 0; i < 4; ++i) prefetch_row(keys + stride * row[16 + 4 * j + i]);
#pragma GCC unroll 4
        for (size_t q = 0; q < kQueries; ++q)
          joined[q][j] = S::join_4(sums[0][q], sums[1][q], sums[2][q], sums[3][q]);
      }
      for (size_t q = 0; q < kQueries; ++q)
        store_chunk(&out(q, 0), rows.size(), chunk,
                    S::mul(S::join_quarters(joined[q]), S::all(scale)));
    }
  }

  template <class T>
  static void scores(GridView<const float> queries, const T* keys, size_t stride,
                     std::span<const uint32_t> rows, float scale, GridView<float> out) {
    in_tiles<4, 3, 2, 1>(queries.rows(), [&]<size_t kQueries>(size_t first) {
      const GridView<const float> some = queries.rows_from(first, kQueries);
      const GridView<float> to = out.rows_from(first, kQueries);
      if (queries.cols() == 64) {
        score_rows<kQueries>(QueriesOf64<kQueries>(some), keys, stride, rows, scale, to);
      } else {
        score_rows<kQueries>(QueriesOfAny<kQueries>{some}, keys, stride, rows, scale, to);
      }
    });
  }

  // Some channels, [16 * first_chunk, ...), of some queries. kWhole: all of these chunks have 16 channels.
  template <size_t kQueries, size_t kChunks, bool kWhole, class T>
  static void sum_tile(GridView<const float> weights, const T* values, size_t stride,
                       std::span<const uint32_t> rows, size_t first_chunk, GridView<float> out) {
    F sums[kQueries][kChunks];
    for (auto& row : sums)
      for (F& sum : row) sum = S::zero();
    for (size_t r = 0; r < rows.size(); ++r) {
      const T* row = values + stride * rows[r];
      prefetch_row(values + stride * rows[std::min(r + 16, rows.size() - 1)] + 16 * first_chunk);
      F value[kChunks];
#pragma GCC unroll 4
      for (size_t c = 0; c < kChunks; ++c)
        value[c] = kWhole ? S::load(row + 16 * (first_chunk + c))
                          : chunk_of(row, out.cols(), first_chunk + c);
#pragma GCC unroll 4
      for (size_t q = 0; q < kQueries; ++q) {
        const F weight = S::all(weights(q, r));
#pragma GCC unroll 4
        for (size_t c = 0; c < kChunks; ++c) sums[q][c] = S::fma(weight, value[c], sums[q][c]);
      }
    }
    for (size_t q = 0; q < kQueries; ++q)
      for (size_t c = 0; c < kChunks; ++c)
        store_chunk(&out(q, 0), out.cols(), first_chunk + c, sums[q][c]);
  }

  template <class T>
  static void weighted_sum(GridView<const float> weights, const T* values, size_t stride,
                           std::span<const uint32_t> rows, GridView<float> out) {
    const size_t whole_chunks = out.cols() / 16;
    in_tiles<4, 3, 2, 1>(weights.rows(), [&]<size_t kQueries>(size_t first) {
      const GridView<const float> from = weights.rows_from(first, kQueries);
      const GridView<float> to = out.rows_from(first, kQueries);
      in_tiles<S::kSumChunks, 1>(whole_chunks, [&]<size_t kChunks>(size_t chunk) {
        sum_tile<kQueries, kChunks, true>(from, values, stride, rows, chunk, to);
      });
      if (out.cols() % 16 != 0)
        sum_tile<kQueries, 1, false>(from, values, stride, rows, whole_chunks, to);
    });
  }

  // ---- half floats

  static void to_f16(std::span<const float> values, uint16_t* out) {
    for (size_t chunk = 0; chunk < chunks_of(values.size()); ++chunk)
      store_chunk(out, values.size(), chunk, chunk_of(values.data(), values.size(), chunk));
  }

  static void to_f32(std::span<const uint16_t> values, float* out) {
    for (size_t chunk = 0; chunk < chunks_of(values.size()); ++chunk)
      store_chunk(out, values.size(), chunk, chunk_of(values.data(), values.size(), chunk));
  }

  static constexpr Kernels table(Isa isa) {
    return {.isa = isa,
            .matmul = matmul,
            .quantise = quantise,
            .rms_norm = rms_norm,
            .rotate_pairs = rotate_pairs,
            .gated_unit = gated_unit,
            .softmax = softmax,
            .scores_f16 = scores<uint16_t>,
            .scores_f32 = scores<float>,
            .weighted_sum_f16 = weighted_sum<uint16_t>,
            .weighted_sum_f32 = weighted_sum<float>,
            .to_f16 = to_f16,
            .to_f32 = to_f32};
  }
};

}  // namespace

}  // namespace dendrokv
