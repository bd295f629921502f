#pragma once
// Kernels on vectors of any length; part of model/kernels_body.h, which explains S.

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <span>

#include "data/grid.h"

namespace dendrokv {

namespace {

template <class S>
struct VectorKernels {
  using F = typename S::F;

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

  static size_t chunks_of(size_t size) { return (size + 15) / 16; }

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

  // Of floats or halves, [2 * pairs].
  template <class T>
  static void turn_pairs(const T* x, size_t pairs, const float* cosine, const float* sine, T* out) {
    size_t pair = 0;
    for (; pair + 8 <= pairs; pair += 8) {
      const F values = S::load(x + 2 * pair);
      const F turned = S::mul(S::swap_pairs(values), S::load_each_twice(sine + pair));
      S::store(out + 2 * pair,
               S::sub_add(S::mul(values, S::load_each_twice(cosine + pair)), turned));
    }
    if (pair == pairs) return;
    float c[8] = {}, s[8] = {};
    std::memcpy(c, cosine + pair, (pairs - pair) * sizeof(float));
    std::memcpy(s, sine + pair, (pairs - pair) * sizeof(float));
    const F values = chunk_of(x, 2 * pairs, pair / 8);
    const F turned = S::mul(S::swap_pairs(values), S::load_each_twice(s));
    store_chunk(out, 2 * pairs, pair / 8,
                S::sub_add(S::mul(values, S::load_each_twice(c)), turned));
  }

  template <class T>
  static void turn_halves(const T* x, size_t pairs, const float* cosine, const float* sine,
                          T* out) {
    for (size_t chunk = 0; chunk < chunks_of(pairs); ++chunk) {
      const F low = chunk_of(x, pairs, chunk), high = chunk_of(x + pairs, pairs, chunk);
      const F c = chunk_of(cosine, pairs, chunk), s = chunk_of(sine, pairs, chunk);
      store_chunk(out, pairs, chunk, S::sub(S::mul(low, c), S::mul(high, s)));
      store_chunk(out + pairs, pairs, chunk, S::add(S::mul(high, c), S::mul(low, s)));
    }
  }

  static void rotate_pairs(std::span<const float> x, std::span<const float> cosine,
                           std::span<const float> sine, std::span<float> out) {
    turn_pairs(x.data(), cosine.size(), cosine.data(), sine.data(), out.data());
  }

  static void rotate_halves(std::span<const float> x, std::span<const float> cosine,
                            std::span<const float> sine, std::span<float> out) {
    turn_halves(x.data(), cosine.size(), cosine.data(), sine.data(), out.data());
  }

  // turn(head, cosine, sine, where to) for every head of the rows.
  template <class Turn>
  static void turn_rows(const uint16_t* from, size_t row_length, std::span<const uint32_t> rows,
                        GridView<const float> cosine, GridView<const float> sine, uint16_t* to,
                        const Turn& turn) {
    for (size_t r = 0; r < rows.size(); ++r) {
      const size_t row = rows[r] * row_length;
      for (size_t head = row; head < row + row_length; head += 2 * cosine.cols())
        turn(from + head, &cosine(r, 0), &sine(r, 0), to + head);
    }
  }

  static void rotate_rows_pairs(const uint16_t* from, size_t row_length,
                                std::span<const uint32_t> rows, GridView<const float> cosine,
                                GridView<const float> sine, uint16_t* to) {
    turn_rows(from, row_length, rows, cosine, sine, to,
              [&](const uint16_t* head, const float* c, const float* s, uint16_t* out) {
                turn_pairs(head, cosine.cols(), c, s, out);
              });
  }

  static void rotate_rows_halves(const uint16_t* from, size_t row_length,
                                 std::span<const uint32_t> rows, GridView<const float> cosine,
                                 GridView<const float> sine, uint16_t* to) {
    turn_rows(from, row_length, rows, cosine, sine, to,
              [&](const uint16_t* head, const float* c, const float* s, uint16_t* out) {
                turn_halves(head, cosine.cols(), c, s, out);
              });
  }

  // exp(x) = 2^n exp(r), n = round(x / ln 2), |r| <= ln(2) / 2, exp(r) by its series to r^7 / 7!
  // (next term: 5e-9). Relative error below 1.5e-7; exactly 1 at 0. x is held within [-87, 88],
  // where 2^n is a normal float.
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

  // gate / (1 + exp(-steepness(gate))) * up
  template <class Steepness>
  static void gated(std::span<const float> gate, std::span<const float> up, std::span<float> out,
                    const Steepness& steepness) {
    for (size_t chunk = 0; chunk < chunks_of(gate.size()); ++chunk) {
      const F g = chunk_of(gate.data(), gate.size(), chunk);
      const F open = S::div(g, S::add(S::all(1.0f), exponential(S::sub(S::zero(), steepness(g)))));
      store_chunk(out.data(), out.size(), chunk,
                  S::mul(open, chunk_of(up.data(), up.size(), chunk)));
    }
  }

  static void gated_unit(std::span<const float> gate, std::span<const float> up,
                         std::span<float> out) {
    gated(gate, up, out, [](F g) { return g; });
  }

  // x / 2 (1 + tanh(u)) = x / (1 + exp(-2u)), u = sqrt(2 / pi) (x + 0.044715 x^3)
  static void gated_gelu_unit(std::span<const float> gate, std::span<const float> up,
                              std::span<float> out) {
    gated(gate, up, out, [](F g) {
      const F cubic = S::fma(S::mul(g, g), S::all(0.044715f), S::all(1.0f));
      return S::mul(S::mul(g, cubic), S::all(1.59576912f));
    });
  }

  static constexpr float kLowest = std::numeric_limits<float>::lowest();

  static float largest_of(std::span<const float> scores) {
    F largest = S::all(kLowest);
    for (size_t chunk = 0; chunk < chunks_of(scores.size()); ++chunk)
      largest = S::max(largest, chunk_of(scores.data(), scores.size(), chunk, kLowest));
    return S::largest(largest);
  }

  // Short sums in floats, added up in double; products with 0 find what is not finite.
  static double log_sum_exp(std::span<const float> scores) {
    constexpr size_t kChunksOfSum = 32;
    const size_t size = scores.size(), whole = size / 16;
    const float top = largest_of(scores);
    const F from = S::all(top);
    double total = 0;
    F zeros = S::zero();
    for (size_t first = 0; first < whole; first += kChunksOfSum) {
      F sums = S::zero();
      for (size_t chunk = first; chunk < std::min(first + kChunksOfSum, whole); ++chunk) {
        const F some = S::load(scores.data() + 16 * chunk);
        zeros = S::fma(some, S::zero(), zeros);
        sums = S::add(sums, exponential(S::sub(some, from)));
      }
      total += static_cast<double>(S::join(sums));
    }
    float not_finite = S::join(zeros);
    for (const float score : scores.subspan(16 * whole)) {
      not_finite += score * 0.0f;
      total += std::exp(static_cast<double>(score) - static_cast<double>(top));
    }
    return static_cast<double>(top) + std::log(total) + static_cast<double>(not_finite);
  }

  static void softmax(std::span<float> scores) {
    const size_t size = scores.size(), chunks = chunks_of(size);
    const F top = S::all(largest_of(scores));
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

  static void to_f16(std::span<const float> values, uint16_t* out) {
    for (size_t chunk = 0; chunk < chunks_of(values.size()); ++chunk)
      store_chunk(out, values.size(), chunk, chunk_of(values.data(), values.size(), chunk));
  }

  static void to_f32(std::span<const uint16_t> values, float* out) {
    for (size_t chunk = 0; chunk < chunks_of(values.size()); ++chunk)
      store_chunk(out, values.size(), chunk, chunk_of(values.data(), values.size(), chunk));
  }
};

}  // namespace

}  // namespace dendrokv
