#pragma once
// The one body of the row kernels, compiled once per instruction set. Nothing here may have
// external linkage: the linker must not share it between sets. Vectors of 64 bytes throughout; the
// compiler makes them of what the set has.

#include <cmath>
#include <complex>
#include <cstddef>
#include <cstdint>
#include <limits>

#include "cache/row_kernels.h"

namespace dendrokv {
namespace {

constexpr size_t kFloats = 16, kDoubles = 8;
// Loads and stores are unaligned.
typedef float Floats __attribute__((vector_size(64), aligned(4), may_alias));
typedef double Doubles __attribute__((vector_size(64), aligned(8), may_alias));
typedef float HalfOfFloats __attribute__((vector_size(32), aligned(4), may_alias));

inline Floats floats(const float* from) {
  return *reinterpret_cast<const Floats*>(from);
}
inline Doubles doubles(const double* from) {
  return *reinterpret_cast<const Doubles*>(from);
}
inline Doubles doubles(const float* from) {
  return __builtin_convertvector(*reinterpret_cast<const HalfOfFloats*>(from), Doubles);
}
inline void store(double* to, Doubles vector) {
  *reinterpret_cast<Doubles*>(to) = vector;
}

/// Half by half.
template <size_t kCount, class Vector>
inline auto joined(const Vector& vector) {
  std::remove_cvref_t<decltype(vector[0])> sums[kCount];
  for (size_t i = 0; i < kCount; ++i) sums[i] = vector[i];
  for (size_t half = kCount / 2; half > 0; half /= 2)
    for (size_t i = 0; i < half; ++i) sums[i] += sums[i + half];
  return sums[0];
}
inline float sum_of(const Floats& vector) {
  return joined<kFloats>(vector);
}
inline double sum_of(const Doubles& vector) {
  return joined<kDoubles>(vector);
}

// Pages are outermost: they come from memory, some asked for ahead; the queries stay near.
void page_bounds(GridView<const float> queries, GridView<const float> pages,
                 std::span<float> bounds) {
  constexpr size_t kAhead = 4, kFloatsOfLine = 16;
  for (size_t page = 0; page < bounds.size(); ++page) {
    const float *low = &pages(page, 0), *high = low + queries.cols();
    if (page + kAhead < bounds.size())
      for (size_t c = 0; c < pages.cols(); c += kFloatsOfLine)
        __builtin_prefetch(low + kAhead * pages.stride() + c);
    float most = -std::numeric_limits<float>::infinity();
    for (size_t head = 0; head < queries.rows(); ++head) {
      const float* query = &queries(head, 0);
      Floats sum = {};
      for (size_t c = 0; c < queries.cols(); c += kFloats) {
        const Floats q = floats(query + c), a = q * floats(low + c), b = q * floats(high + c);
        sum += a > b ? a : b;
      }
      const float bound = sum_of(sum);
      most = bound > most ? bound : most;
    }
    bounds[page] = most;
  }
}

// Integers in the order of floats: of two negative ones the one with the larger bits is smaller.
inline int32_t ordered(float value) {
  const auto bits = __builtin_bit_cast(int32_t, value);
  return bits ^ ((bits >> 31) & INT32_MAX);
}

// Bit by bit from the highest, each by a count: without branches that nobody can foretell.
float reached_by(std::span<const float> values, size_t count) {
  int32_t reached = INT32_MIN;
  for (uint32_t bit = uint32_t{1} << 31; bit != 0; bit >>= 1) {
    const auto candidate = static_cast<int32_t>(static_cast<uint32_t>(reached) + bit);
    uint32_t reaching = 0;
    for (const float value : values) reaching += ordered(value) >= candidate ? 1u : 0u;
    if (reaching >= count) reached = candidate;
  }
  return __builtin_bit_cast(float, reached ^ ((reached >> 31) & INT32_MAX));
}

void add_weights(std::span<const float> weights, std::span<double> sums) {
  size_t slot = 0;
  for (; slot + kDoubles <= weights.size(); slot += kDoubles)
    store(&sums[slot], doubles(&sums[slot]) + doubles(&weights[slot]));
  for (; slot < weights.size(); ++slot) sums[slot] += static_cast<double>(weights[slot]);
}

// Lives are signed, which convert faster.
void divide_by_lives(std::span<const double> sums, std::span<const Position> positions, Step step,
                     std::span<double> means) {
  const auto next = static_cast<int32_t>(step.value + 1);
  for (size_t slot = 0; slot < means.size(); ++slot)
    means[slot] = sums[slot] / (next - static_cast<int32_t>(positions[slot].value));
}

// Eight rows of sums at a time, a vector of each, held in registers while t passes.
void add_products(GridView<const double> rows, GridView<double> sums) {
  constexpr size_t kRows = 8;
  for (size_t i = 0; i < sums.rows(); i += kRows)
    for (size_t j = 0; j < i + kRows; j += kDoubles) {
      Doubles sum[kRows];
      for (size_t row = 0; row < kRows; ++row) sum[row] = doubles(&sums(i + row, j));
      for (size_t t = 0; t < rows.rows(); ++t) {
        const Doubles by = doubles(&rows(t, j));
        for (size_t row = 0; row < kRows; ++row) sum[row] += rows(t, i + row) * by;
      }
      for (size_t row = 0; row < kRows; ++row) store(&sums(i + row, j), sum[row]);
    }
}

// Of 32 rows at a time: four sums over j, of four vectors each, held in registers.
void quadratic_forms(GridView<const double> x, GridView<const double> square,
                     std::span<const double> linear, std::span<double> forms) {
  constexpr size_t kSums = 4, kVectors = 4;
  for (size_t first = 0; first < forms.size(); first += kVectors * kDoubles) {
    Doubles form[kVectors] = {};
    for (size_t i = 0; i < x.rows(); i += kSums) {
      Doubles sums[kSums][kVectors];
      for (size_t s = 0; s < kSums; ++s)
        for (size_t v = 0; v < kVectors; ++v) sums[s][v] = Doubles{} + linear[i + s];
      for (size_t j = 0; j < i + kSums; ++j) {
        Doubles by[kVectors];
        for (size_t v = 0; v < kVectors; ++v) by[v] = doubles(&x(j, first + v * kDoubles));
        for (size_t s = 0; s < kSums; ++s) {
          const double factor = square(i + s, j);
          for (size_t v = 0; v < kVectors; ++v) sums[s][v] += factor * by[v];
        }
      }
      for (size_t s = 0; s < kSums; ++s)
        for (size_t v = 0; v < kVectors; ++v)
          form[v] += sums[s][v] * doubles(&x(i + s, first + v * kDoubles));
    }
    for (size_t v = 0; v < kVectors; ++v) store(&forms[first + v * kDoubles], form[v]);
  }
}

// Pairs lie side by side: x cos - y sin, y cos + x sin, where a sum with a negated product is their
// difference.
void turn_row(std::span<const float> row, std::span<const std::complex<double>> turns,
              std::span<double> out) {
  constexpr size_t kPairs = kDoubles / 2;
  const Doubles sign = {-1, 1, -1, 1, -1, 1, -1, 1};
  const auto* by = reinterpret_cast<const double*>(turns.data());
  size_t pair = 0;
  for (; pair + kPairs <= turns.size(); pair += kPairs) {
    const Doubles x = doubles(&row[2 * pair]), turn = doubles(by + 2 * pair);
    const Doubles cosines = __builtin_shufflevector(turn, turn, 0, 0, 2, 2, 4, 4, 6, 6);
    const Doubles sines = __builtin_shufflevector(turn, turn, 1, 1, 3, 3, 5, 5, 7, 7);
    const Doubles swapped = __builtin_shufflevector(x, x, 1, 0, 3, 2, 5, 4, 7, 6);
    store(&out[2 * pair], x * cosines + swapped * sines * sign);
  }
  for (; pair < turns.size(); ++pair) {
    const auto x = static_cast<double>(row[2 * pair]), y = static_cast<double>(row[2 * pair + 1]);
    const double cosine = by[2 * pair], sine = by[2 * pair + 1];
    out[2 * pair] = x * cosine - y * sine;
    out[2 * pair + 1] = y * cosine + x * sine;
  }
  for (size_t c = 2 * pair; c < row.size(); ++c) out[c] = static_cast<double>(row[c]);
}

void channel_bounds(const RowsView& rows, SlotRange slots, std::span<float> lowest,
                    std::span<float> highest) {
  float *low = lowest.data(), *high = highest.data();
  for (size_t c = 0; c < lowest.size(); ++c) {
    low[c] = std::numeric_limits<float>::infinity();
    high[c] = -low[c];
  }
  for (size_t slot = slots.first; slot < slots.end; ++slot) {
    const float* row = rows[slot].data();
    for (size_t c = 0; c < lowest.size(); ++c) {
      low[c] = row[c] < low[c] ? row[c] : low[c];
      high[c] = row[c] > high[c] ? row[c] : high[c];
    }
  }
}

void spreads(const RowsView& rows, SlotRange slots, std::span<const double> origin,
             std::span<const double> factor, std::span<double> spreads) {
  const auto channels = static_cast<double>(origin.size());
  for (size_t slot = slots.first; slot < slots.end; ++slot) {
    const float* row = rows[slot].data();
    Doubles sums = {}, squares = {};
    size_t c = 0;
    for (; c + kDoubles <= origin.size(); c += kDoubles) {
      const Doubles at = (doubles(row + c) - doubles(&origin[c])) * doubles(&factor[c]);
      sums += at;
      squares += at * at;
    }
    double sum = sum_of(sums), square = sum_of(squares);
    for (; c < origin.size(); ++c) {
      const double at = (static_cast<double>(row[c]) - origin[c]) * factor[c];
      sum += at;
      square += at * at;
    }
    const double mean = sum / channels, variance = square / channels - mean * mean;
    spreads[slot - slots.first] = std::sqrt(variance > 0 ? variance : 0.0);
  }
}

void unit_rows(const RowsView& rows, GridView<float> units) {
  for (size_t slot = 0; slot < units.rows(); ++slot) {
    const float* row = rows[slot].data();
    Doubles squares = {};
    size_t c = 0;
    for (; c + kDoubles <= units.cols(); c += kDoubles) {
      const Doubles at = doubles(row + c);
      squares += at * at;
    }
    double square = sum_of(squares);
    for (; c < units.cols(); ++c)
      square += static_cast<double>(row[c]) * static_cast<double>(row[c]);
    const auto norm = static_cast<float>(std::sqrt(square));
    float* unit = &units(slot, 0);
    for (c = 0; c < units.cols(); ++c) unit[c] = norm > 0 ? row[c] / norm : 0;
  }
}

void dots(GridView<const float> rows, std::span<const double> vector, std::span<double> dots) {
  for (size_t r = 0; r < dots.size(); ++r) {
    const float* row = &rows(r, 0);
    Doubles sums = {};
    size_t c = 0;
    for (; c + kDoubles <= vector.size(); c += kDoubles)
      sums += doubles(row + c) * doubles(&vector[c]);
    double sum = sum_of(sums);
    for (; c < vector.size(); ++c) sum += static_cast<double>(row[c]) * vector[c];
    dots[r] = sum;
  }
}

constexpr RowKernels row_kernels_named(std::string_view isa) {
  return {.isa = isa,
          .page_bounds = page_bounds,
          .reached_by = reached_by,
          .add_weights = add_weights,
          .divide_by_lives = divide_by_lives,
          .add_products = add_products,
          .quadratic_forms = quadratic_forms,
          .turn_row = turn_row,
          .channel_bounds = channel_bounds,
          .spreads = spreads,
          .unit_rows = unit_rows,
          .dots = dots};
}

}  // namespace
}  // namespace dendrokv
