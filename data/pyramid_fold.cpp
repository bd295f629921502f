// Each loop is written once, for the compiler to make vector code of, and compiled twice: for any
// processor and for AVX2. Only the way straight from f16, which nearly every chunk of a trace
// takes, is written in intrinsics; it gives the same bits.

#include "data/pyramid_fold.h"

#include <algorithm>
#include <immintrin.h>

#include "data/error.h"
#include "data/half.h"

namespace dendrokv {
namespace {

__attribute__((always_inline)) inline void fold_rows_body(const float* weights, size_t rows,
                                                          size_t stride, float* highest, float* sum,
                                                          uint32_t* count) {
  for (size_t col = 0; col < stride; col += kFoldBlock) {
    float most[kFoldBlock], total[kFoldBlock] = {};
    uint32_t number[kFoldBlock] = {};
    std::fill_n(most, kFoldBlock, kNoSample);
    for (size_t row = 0; row < rows; ++row)
      for (size_t i = 0; i < kFoldBlock; ++i) {
        const float weight = weights[row * stride + col + i];
        most[i] = weight > most[i] ? weight : most[i];
        total[i] += weight == weight ? weight : 0.0f;
        number[i] += weight == weight ? 1u : 0u;
      }
    std::copy_n(most, kFoldBlock, highest + col);
    std::copy_n(total, kFoldBlock, sum + col);
    std::copy_n(number, kFoldBlock, count + col);
  }
}

// Four neighbours into one cell, for `cells` cells side by side.
__attribute__((always_inline)) inline void fold_columns_body(const float* highest, const float* sum,
                                                             const uint32_t* count, size_t cells,
                                                             float* most, float* total,
                                                             uint32_t* number) {
  for (size_t cell = 0; cell < cells; ++cell) {
    const float* h = highest + 4 * cell;
    const float* s = sum + 4 * cell;
    const uint32_t* c = count + 4 * cell;
    const float left = h[0] > h[1] ? h[0] : h[1], right = h[2] > h[3] ? h[2] : h[3];
    const float pair = left > right ? left : right;
    most[cell] = pair > most[cell] ? pair : most[cell];
    total[cell] += (s[0] + s[1]) + (s[2] + s[3]);
    number[cell] += (c[0] + c[1]) + (c[2] + c[3]);
  }
}

void fold_rows_any(const float* weights, size_t rows, size_t stride, float* highest, float* sum,
                   uint32_t* count) {
  fold_rows_body(weights, rows, stride, highest, sum, count);
}
__attribute__((target("avx2"))) void fold_rows_avx2(const float* weights, size_t rows,
                                                    size_t stride, float* highest, float* sum,
                                                    uint32_t* count) {
  fold_rows_body(weights, rows, stride, highest, sum, count);
}
void fold_columns_any(const float* highest, const float* sum, const uint32_t* count, size_t cells,
                      float* most, float* total, uint32_t* number) {
  fold_columns_body(highest, sum, count, cells, most, total, number);
}
__attribute__((target("avx2"))) void fold_columns_avx2(const float* highest, const float* sum,
                                                       const uint32_t* count, size_t cells,
                                                       float* most, float* total,
                                                       uint32_t* number) {
  fold_columns_body(highest, sum, count, cells, most, total, number);
}

bool has_avx2() {
  static const bool answer = __builtin_cpu_supports("avx2");
  return answer;
}

// Of four neighbours each: a and b hold eight columns, the result the combination of each pair, in
// an order that the second call of the same kind and in_order() undo.
template <class Combine>
__attribute__((target("avx2"), always_inline)) inline __m256 neighbours(__m256 a, __m256 b,
                                                                        Combine combine) {
  return combine(_mm256_shuffle_ps(a, b, 0x88), _mm256_shuffle_ps(a, b, 0xDD));
}
__attribute__((target("avx2"), always_inline)) inline __m256 in_order(__m256 cells) {
  return _mm256_permutevar8x32_ps(cells, _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7));
}

struct Most {
  __attribute__((target("avx2"), always_inline)) __m256 operator()(__m256 a, __m256 b) const {
    return _mm256_max_ps(a, b);
  }
};
struct Total {
  __attribute__((target("avx2"), always_inline)) __m256 operator()(__m256 a, __m256 b) const {
    return _mm256_add_ps(a, b);
  }
};
struct Number {
  __attribute__((target("avx2"), always_inline)) __m256 operator()(__m256 a, __m256 b) const {
    return _mm256_castsi256_ps(_mm256_add_epi32(_mm256_castps_si256(a), _mm256_castps_si256(b)));
  }
};

// Columns of 32 weights into eight cells.
template <class Combine>
__attribute__((target("avx2"), always_inline)) inline __m256 eight_cells(const __m256 columns[4],
                                                                         Combine combine) {
  return in_order(neighbours(neighbours(columns[0], columns[1], combine),
                             neighbours(columns[2], columns[3], combine), combine));
}

__attribute__((target("avx2,f16c"))) void fold_halves_avx2(const uint16_t* const rows[4],
                                                           size_t count, float* most, float* total,
                                                           uint32_t* number) {
  const __m256 none = _mm256_set1_ps(kNoSample);
  for (size_t col = 0; col < count; col += kHalvesBlock) {
    __m256 highest[4], sum[4], present_rows[4];
    for (size_t part = 0; part < 4; ++part) {
      __m256 high = none, add = _mm256_setzero_ps();
      __m256i present_count = _mm256_setzero_si256();
      for (size_t row = 0; row < 4; ++row) {
        const auto* halves = reinterpret_cast<const __m128i*>(rows[row] + col + 8 * part);
        const __m256 weight = _mm256_cvtph_ps(_mm_loadu_si128(halves));
        const __m256 present = _mm256_cmp_ps(weight, weight, _CMP_ORD_Q);
        high = _mm256_max_ps(weight, high);  // the second operand where the first is NaN
        add = _mm256_add_ps(add, _mm256_and_ps(weight, present));
        present_count = _mm256_sub_epi32(present_count, _mm256_castps_si256(present));
      }
      highest[part] = high;
      sum[part] = add;
      present_rows[part] = _mm256_castsi256_ps(present_count);
    }
    float* most_at = most + col / 4;
    float* total_at = total + col / 4;
    auto* number_at = reinterpret_cast<float*>(number + col / 4);
    _mm256_storeu_ps(most_at,
                     _mm256_max_ps(eight_cells(highest, Most{}), _mm256_loadu_ps(most_at)));
    _mm256_storeu_ps(total_at, _mm256_add_ps(_mm256_loadu_ps(total_at), eight_cells(sum, Total{})));
    _mm256_storeu_ps(number_at,
                     Number{}(_mm256_loadu_ps(number_at), eight_cells(present_rows, Number{})));
  }
}

void add_cell(const CellRows& from, size_t at, CellRows& to, size_t cell) {
  to.highest[cell] = std::max(to.highest[cell], from.highest[at]);
  to.sum[cell] += from.sum[at];
  to.count[cell] += from.count[at];
}

// Cells [at, at + count) of `from`, the first of which is the `first`th of its row, into the cells
// four times as wide from `start` on.
void add_by_four(const CellRows& from, size_t at, size_t count, size_t first, CellRows& to,
                 size_t start) {
  const size_t lead = std::min(count, (kPyramidFactor - first % kPyramidFactor) % kPyramidFactor);
  const size_t whole = (count - lead) / kPyramidFactor;
  for (size_t i = 0; i < lead; ++i)
    add_cell(from, at + i, to, start + (first + i) / kPyramidFactor);
  const size_t cell = start + (first + lead) / kPyramidFactor;
  (has_avx2() ? fold_columns_avx2 : fold_columns_any)(
      from.highest.data() + at + lead, from.sum.data() + at + lead, from.count.data() + at + lead,
      whole, to.highest.data() + cell, to.sum.data() + cell, to.count.data() + cell);
  for (size_t i = lead + whole * kPyramidFactor; i < count; ++i)
    add_cell(from, at + i, to, start + (first + i) / kPyramidFactor);
}

}  // namespace

void CellRows::clear() {
  std::ranges::fill(highest, kNoSample);
  std::ranges::fill(sum, 0.0f);
  std::ranges::fill(count, 0u);
}

void fold_rows(std::span<const float> weights, size_t rows, size_t stride, CellRows& columns) {
  DENDROKV_ASSERT(stride % kFoldBlock == 0 && weights.size() >= rows * stride);
  (has_avx2() ? fold_rows_avx2 : fold_rows_any)(weights.data(), rows, stride,
                                                columns.highest.data(), columns.sum.data(),
                                                columns.count.data());
}

bool fold_halves(const uint16_t* weights, size_t rows, size_t stride, size_t count, CellRows& cells,
                 size_t start) {
  static const bool can = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("f16c");
  if (!can) return false;
  DENDROKV_ASSERT(rows >= 1 && rows <= kPyramidFactor && count % kHalvesBlock == 0);
  thread_local std::vector<uint16_t> absent;
  if (absent.size() < count) absent.assign(count, kHalfNan);
  const uint16_t* starts[4];
  for (size_t row = 0; row < 4; ++row)
    starts[row] = row < rows ? weights + row * stride : absent.data();
  fold_halves_avx2(starts, count, cells.highest.data() + start, cells.sum.data() + start,
                   cells.count.data() + start);
  return true;
}

void add_columns(const CellRows& columns, size_t count, size_t first, CellRows& cells,
                 size_t start) {
  add_by_four(columns, 0, count, first, cells, start);
}

void raise_cells(const CellRows& cells, size_t from, size_t count, CellRows& parents, size_t to) {
  add_by_four(cells, from, count, 0, parents, to);
}

}  // namespace dendrokv
