#pragma once
// Attention of a group of queries over the rows of a cache; part of model/kernels_body.h, which explains S.

#include <algorithm>
#include <cstdint>
#include <span>

#include "data/grid.h"
#include "model/kernels_tiles.h"
#include "model/kernels_vectors.h"

namespace dendrokv {

namespace {

template <class S>
struct AttentionKernels : VectorKernels<S> {
  using F = typename S::F;
  using VectorKernels<S>::chunk_of;
  using VectorKernels<S>::chunks_of;
  using VectorKernels<S>::store_chunk;

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
};

}  // namespace

}  // namespace dendrokv
