#pragma once
// Attention of a group of queries over the rows of a cache; part of model/kernels_body.h, which
// explains S.

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

  // Of a cache in memory 16 make the scores take 1.3 times as long, 32 a little longer.
  static constexpr size_t kRowsAhead = 48;

  // Asks for the first 64 elements of a row that is needed soon. Rows are listed in any order, and
  // taken in an order that the processor does not guess: without this the scores of a cache beyond
  // L2 take 1.6 times as long.
  template <class T>
  static void prefetch_row(const T* row) {
    for (size_t at = 0; at < 64; at += 64 / sizeof(T)) __builtin_prefetch(row + at);
  }

  // Products of queries with a quarter of 16 rows: numbers j, 4 + j, 8 + j and 12 + j. joined[q][j]
  // = the 16 partial sums of each of the four rows, joined to four. One of three ways, which differ
  // in what stays in registers.

  // Few queries of 64 channels: the queries do, and rows pass.
  template <size_t kQueries_>
  struct FewQueriesOf64 {
    static constexpr size_t kQueries = kQueries_;
    F query[kQueries][4];

    explicit FewQueriesOf64(GridView<const float> queries) {
      for (size_t q = 0; q < kQueries; ++q)
        for (size_t chunk = 0; chunk < 4; ++chunk)
          query[q][chunk] = S::load(&queries(q, 16 * chunk));
    }

    static constexpr size_t count() { return kQueries; }

    template <class T>
    void multiply(const T* const (&rows)[4], size_t j, F (&joined)[kQueries][4]) const {
      F sums[4][kQueries];
#pragma GCC unroll 4
      for (size_t i = 0; i < 4; ++i) {
        for (F& sum : sums[i]) sum = S::zero();
#pragma GCC unroll 4
        for (size_t chunk = 0; chunk < 4; ++chunk) {
          const F key = S::load(rows[i] + 16 * chunk);
#pragma GCC unroll 4
          for (size_t q = 0; q < kQueries; ++q)
            sums[i][q] = S::fma(query[q][chunk], key, sums[i][q]);
        }
      }
#pragma GCC unroll 4
      for (size_t q = 0; q < kQueries; ++q)
        joined[q][j] = S::join_4(sums[0][q], sums[1][q], sums[2][q], sums[3][q]);
    }
  };

  // kChunks vectors of each of four rows, held in registers while queries pass: loaded and
  // converted once for all of them.
  template <size_t kChunks>
  struct FourRows {
    F key[4][kChunks];

    template <class T>
    FourRows(const T* const (&rows)[4], size_t size, size_t first_chunk) {
#pragma GCC unroll 4
      for (size_t i = 0; i < 4; ++i)
#pragma GCC unroll 4
        for (size_t c = 0; c < kChunks; ++c) key[i][c] = chunk_of(rows[i], size, first_chunk + c);
    }

    void multiply(const float* query, size_t size, size_t first_chunk, F (&sums)[4]) const {
#pragma GCC unroll 4
      for (size_t c = 0; c < kChunks; ++c) {
        const F values = chunk_of(query, size, first_chunk + c);
#pragma GCC unroll 4
        for (size_t i = 0; i < 4; ++i) sums[i] = S::fma(values, key[i][c], sums[i]);
      }
    }
  };

  // At most kQueries of 64 channels.
  struct QueriesOf64 {
    static constexpr size_t kQueries = 16;
    GridView<const float> queries;

    size_t count() const { return queries.rows(); }

    template <class T>
    void multiply(const T* const (&rows)[4], size_t j, F (&joined)[kQueries][4]) const {
      const FourRows<4> four(rows, 64, 0);
      for (size_t q = 0; q < queries.rows(); ++q) {
        F sums[4] = {S::zero(), S::zero(), S::zero(), S::zero()};
        four.multiply(&queries(q, 0), 64, 0, sums);
        joined[q][j] = S::join_4(sums[0], sums[1], sums[2], sums[3]);
      }
    }
  };

  // At most kQueries of any number of channels: sums wait in memory while the next channels are
  // loaded.
  struct QueriesOfAny {
    static constexpr size_t kQueries = 16;
    GridView<const float> queries;

    size_t count() const { return queries.rows(); }

    template <class T>
    void multiply(const T* const (&rows)[4], size_t j, F (&joined)[kQueries][4]) const {
      const size_t size = queries.cols();
      F sums[kQueries][4];
      for (size_t q = 0; q < queries.rows(); ++q)
        for (F& sum : sums[q]) sum = S::zero();
      in_tiles<4, 1>(chunks_of(size), [&]<size_t kChunks>(size_t chunk) {
        const FourRows<kChunks> four(rows, size, chunk);
        for (size_t q = 0; q < queries.rows(); ++q)
          four.multiply(&queries(q, 0), size, chunk, sums[q]);
      });
      for (size_t q = 0; q < queries.rows(); ++q)
        joined[q][j] = S::join_4(sums[q][0], sums[q][1], sums[q][2], sums[q][3]);
    }
  };

  // 16 rows at a time, a quarter after the other; as many as `out` has columns.
  template <class Queries, class T>
  static void score_rows(const Queries& queries, const T* keys, size_t stride,
                         std::span<const uint32_t> rows, float scale, GridView<float> out) {
    F joined[Queries::kQueries][4];
    for (size_t chunk = 0; chunk < chunks_of(out.cols()); ++chunk) {
      const uint32_t* row = rows.data() + 16 * chunk;
      const size_t last = std::min<size_t>(16, out.cols() - 16 * chunk) - 1;
      for (size_t j = 0; j < 4; ++j) {
        const T* quarter[4];
#pragma GCC unroll 4
        for (size_t i = 0; i < 4; ++i) quarter[i] = keys + stride * row[std::min(4 * i + j, last)];
        queries.multiply(quarter, j, joined);
        for (size_t i = 0; i < 4; ++i)
          prefetch_row(
              keys + stride * row[std::min(kRowsAhead + 4 * j + i, rows.size() - 1 - 16 * chunk)]);
      }
      for (size_t q = 0; q < queries.count(); ++q)
        store_chunk(&out(q, 0), out.cols(), chunk,
                    S::mul(S::join_quarters(joined[q]), S::all(scale)));
    }
  }

  template <class T>
  static void scores(GridView<const float> queries, const T* keys, size_t stride,
                     std::span<const uint32_t> rows, float scale, GridView<float> out) {
    const auto run = [&](const auto& some, size_t first) {
      score_rows(some, keys, stride, rows, scale, out.rows_from(first, some.count()));
    };
    if (queries.cols() == 64 && queries.rows() <= 3)
      return in_tiles<3, 2, 1>(queries.rows(), [&]<size_t kQueries>(size_t first) {
        run(FewQueriesOf64<kQueries>(queries.rows_from(first, kQueries)), first);
      });
    for (size_t first = 0; first < queries.rows(); first += QueriesOfAny::kQueries) {
      const auto some =
          queries.rows_from(first, std::min(QueriesOfAny::kQueries, queries.rows() - first));
      if (queries.cols() == 64) {
        run(QueriesOf64{some}, first);
      } else {
        run(QueriesOfAny{some}, first);
      }
    }
  }

  template <bool kWhole, class T>
  static F load_tile(const T* row, size_t size, size_t chunk) {
    if constexpr (kWhole) {
      return S::load(row + 16 * chunk);
    } else {
      return chunk_of(row, size, chunk);
    }
  }

  // Some channels, [16 * first_chunk, ...), of some queries. kWhole: all of these chunks have 16
  // channels. A function of its own: within others gcc 12 leaves some of the sums in memory, and it
  // takes twice as long.
  template <size_t kQueries, size_t kChunks, bool kWhole, class T>
  [[gnu::noinline]] static void sum_tile(GridView<const float> weights, const T* values,
                                         size_t stride, std::span<const uint32_t> rows,
                                         size_t first_chunk, GridView<float> out) {
    F sums[kQueries][kChunks];
#pragma GCC unroll 6
    for (size_t q = 0; q < kQueries; ++q)
#pragma GCC unroll 4
      for (size_t c = 0; c < kChunks; ++c)
        sums[q][c] = load_tile<kWhole>(&out(q, 0), out.cols(), first_chunk + c);
    for (size_t r = 0; r < rows.size(); ++r) {
      const T* row = values + stride * rows[r];
      prefetch_row(values + stride * rows[std::min(r + kRowsAhead, rows.size() - 1)] +
                   16 * first_chunk);
      F value[kChunks];
#pragma GCC unroll 4
      for (size_t c = 0; c < kChunks; ++c)
        value[c] = load_tile<kWhole>(row, out.cols(), first_chunk + c);
#pragma GCC unroll 6
      for (size_t q = 0; q < kQueries; ++q) {
        const F weight = S::all(weights(q, r));
#pragma GCC unroll 4
        for (size_t c = 0; c < kChunks; ++c) sums[q][c] = S::fma(weight, value[c], sums[q][c]);
      }
    }
#pragma GCC unroll 6
    for (size_t q = 0; q < kQueries; ++q)
#pragma GCC unroll 4
      for (size_t c = 0; c < kChunks; ++c) {
        if constexpr (kWhole) {
          S::store(&out(q, 16 * (first_chunk + c)), sums[q][c]);
        } else {
          store_chunk(&out(q, 0), out.cols(), first_chunk + c, sums[q][c]);
        }
      }
  }

  template <class T>
  static void weighted_sum(GridView<const float> weights, const T* values, size_t stride,
                           std::span<const uint32_t> rows, GridView<float> out) {
    const size_t whole_chunks = out.cols() / 16;
    in_tiles<S::kSumQueries, 3, 2, 1>(weights.rows(), [&]<size_t kQueries>(size_t first) {
      const GridView<const float> from = weights.rows_from(first, kQueries);
      const GridView<float> to = out.rows_from(first, kQueries);
      in_tiles<S::kSumChunks, 2, 1>(whole_chunks, [&]<size_t kChunks>(size_t chunk) {
        sum_tile<kQueries, kChunks, true>(from, values, stride, rows, chunk, to);
      });
      if (out.cols() % 16 != 0)
        sum_tile<kQueries, 1, false>(from, values, stride, rows, whole_chunks, to);
    });
  }

  // kRows known, and whole vectors: 3 heads in half of the time of the loops below.
  template <size_t kRows>
  static void mean_of(GridView<const float> weights, size_t chunks, F per_row, float* mean) {
    for (size_t at = 0; at < 16 * chunks; at += 16) {
      F sum = S::load(&weights(0, 0) + at);
#pragma GCC unroll 4
      for (size_t row = 1; row < kRows; ++row)
        sum = S::add(sum, S::load(&weights(0, 0) + row * weights.stride() + at));
      S::store(mean + at, S::mul(sum, per_row));
    }
  }

  static void mean_of_rows(GridView<const float> weights, std::span<float> mean) {
    const F per_row = S::all(1.0f / static_cast<float>(weights.rows()));
    size_t whole = mean.size() / 16;
    switch (weights.rows()) {
      case 2:
        mean_of<2>(weights, whole, per_row, mean.data());
        break;
      case 3:
        mean_of<3>(weights, whole, per_row, mean.data());
        break;
      case 4:
        mean_of<4>(weights, whole, per_row, mean.data());
        break;
      default:
        whole = 0;
    }
    for (size_t chunk = whole; chunk < chunks_of(mean.size()); ++chunk) {
      F sum = chunk_of(&weights(0, 0), mean.size(), chunk);
      for (size_t row = 1; row < weights.rows(); ++row)
        sum = S::add(sum, chunk_of(&weights(row, 0), mean.size(), chunk));
      store_chunk(mean.data(), mean.size(), chunk, S::mul(sum, per_row));
    }
  }
};

}  // namespace

}  // namespace dendrokv
