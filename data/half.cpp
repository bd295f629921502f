// Half floats: sign, 5 exponent bits (bias 15), 10 mantissa bits.
//
// Rows use the processor's F16C conversions where it has them. The portable path gives the same
// bits, NaN payloads included (a test compares all 2^16 halves and a sweep of floats), so a file
// does not tell which path wrote it.

#include "data/half.h"

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstring>
#include <immintrin.h>

#include "data/error.h"

namespace dendrokv {
namespace {

constexpr uint32_t kMagnitude = 0x7FFFFFFF;
constexpr uint32_t kInfinity = 0x7F800000;
// 65520: halfway from the largest half to 2^16, rounds to infinity.
constexpr uint32_t kOverflow = 0x477FF000;
constexpr uint32_t kSmallestNormal = 0x38800000;  // 2^-14

uint32_t round_shift(uint32_t mantissa, uint32_t shift) {
  const uint32_t kept = mantissa >> shift;
  const uint32_t rest = mantissa & ((1u << shift) - 1);
  const uint32_t half = 1u << (shift - 1);
  return kept + (rest > half || (rest == half && (kept & 1u)) ? 1 : 0);
}

uint32_t half_magnitude(uint32_t bits) {
  if (bits > kInfinity) return 0x7E00u | ((bits >> 13) & 0x3FFu);
  if (bits >= kOverflow) return 0x7C00;
  // The carry of a rounded-up mantissa runs into the exponent, as it should.
  if (bits >= kSmallestNormal) return round_shift(bits - (112u << 23), 13);
  const uint32_t exponent = bits >> 23;
  if (exponent < 102) return 0;  // below 2^-25
  return round_shift((bits & 0x7FFFFFu) | 0x800000u, 126 - exponent);
}

// Up to eight numbers, zeros beyond them.
__attribute__((target("avx"), always_inline)) inline __m256 load_part(const float* in,
                                                                      size_t count) {
  float part[8] = {};
  std::memcpy(part, in, count * sizeof(float));
  return _mm256_loadu_ps(part);
}

__attribute__((target("f16c,avx"), always_inline)) inline void store_halves(__m256 numbers,
                                                                            uint16_t* out) {
  _mm_storeu_si128(reinterpret_cast<__m128i*>(out),
                   _mm256_cvtps_ph(numbers, _MM_FROUND_TO_NEAREST_INT));
}

__attribute__((target("f16c,avx"))) void to_half_f16c(std::span<const float> in,
                                                      std::span<uint16_t> out) {
  size_t i = 0;
  for (; i + 8 <= in.size(); i += 8) store_halves(_mm256_loadu_ps(in.data() + i), out.data() + i);
  if (i == in.size()) return;
  uint16_t rest[8];
  store_halves(load_part(in.data() + i, in.size() - i), rest);
  std::memcpy(out.data() + i, rest, (in.size() - i) * sizeof(uint16_t));
}

// Of eight numbers.
__attribute__((target("avx"), always_inline)) inline float sum_of(__m256 numbers) {
  const __m128 four =
      _mm_add_ps(_mm256_castps256_ps128(numbers), _mm256_extractf128_ps(numbers, 1));
  const __m128 two = _mm_add_ps(four, _mm_movehl_ps(four, four));
  return _mm_cvtss_f32(_mm_add_ss(two, _mm_movehdup_ps(two)));
}
__attribute__((target("avx"), always_inline)) inline float least_of(__m256 numbers) {
  const __m128 four =
      _mm_min_ps(_mm256_castps256_ps128(numbers), _mm256_extractf128_ps(numbers, 1));
  const __m128 two = _mm_min_ps(four, _mm_movehl_ps(four, four));
  return _mm_cvtss_f32(_mm_min_ss(two, _mm_movehdup_ps(two)));
}

__attribute__((target("avx"))) RowMeasures measure_avx(std::span<const float> row) {
  const float* in = row.data();
  size_t left = row.size();
  __m256 sum = _mm256_setzero_ps(), least = sum, more = sum, less = sum;
  for (; left >= 16; left -= 16, in += 16) {
    const __m256 first = _mm256_loadu_ps(in), second = _mm256_loadu_ps(in + 8);
    sum = _mm256_add_ps(sum, first);
    more = _mm256_add_ps(more, second);
    least = _mm256_min_ps(first, least);
    less = _mm256_min_ps(second, less);
  }
  for (size_t count; left > 0; left -= count, in += count) {
    count = std::min<size_t>(left, 8);
    const __m256 part = load_part(in, count);
    sum = _mm256_add_ps(sum, part);
    least = _mm256_min_ps(part, least);
  }
  return {least_of(_mm256_min_ps(least, less)), sum_of(_mm256_add_ps(sum, more))};
}

__attribute__((target("f16c,avx"))) size_t from_half_f16c(std::span<const uint16_t> in,
                                                          std::span<float> out) {
  size_t i = 0;
  for (; i + 8 <= in.size(); i += 8) {
    const __m128i packed = _mm_loadu_si128(reinterpret_cast<const __m128i*>(in.data() + i));
    _mm256_storeu_ps(out.data() + i, _mm256_cvtph_ps(packed));
  }
  return i;
}

bool has_f16c() {
  static const bool answer = __builtin_cpu_supports("f16c") && __builtin_cpu_supports("avx");
  return answer;
}

RowMeasures measure_any(std::span<const float> row) {
  RowMeasures measures;
  for (const float number : row) {
    measures.least = number < measures.least ? number : measures.least;
    measures.sum += number;
  }
  return measures;
}

}  // namespace

uint16_t to_half(float value) {
  const uint32_t bits = std::bit_cast<uint32_t>(value);
  const uint32_t sign = (bits >> 16) & 0x8000u;
  return static_cast<uint16_t>(sign | half_magnitude(bits & kMagnitude));
}

float from_half(uint16_t half) {
  const uint32_t sign = static_cast<uint32_t>(half & 0x8000u) << 16;
  const uint32_t exponent = (half >> 10) & 0x1Fu;
  const uint32_t mantissa = half & 0x3FFu;
  if (exponent == 0x1F) {
    const uint32_t quiet = mantissa ? 0x400000u : 0u;
    return std::bit_cast<float>(sign | kInfinity | quiet | (mantissa << 13));
  }
  if (exponent) return std::bit_cast<float>(sign | ((exponent + 112) << 23) | (mantissa << 13));
  const float magnitude = static_cast<float>(mantissa) * 0x1p-24f;
  return sign ? -magnitude : magnitude;
}

void to_half(std::span<const float> in, std::span<uint16_t> out) {
  DENDROKV_ASSERT(in.size() == out.size());
  if (has_f16c()) return to_half_f16c(in, out);
  for (size_t i = 0; i < in.size(); ++i) out[i] = to_half(in[i]);
}

RowMeasures measure(std::span<const float> row) {
  return has_f16c() ? measure_avx(row) : measure_any(row);
}

void from_half(std::span<const uint16_t> in, std::span<float> out) {
  DENDROKV_ASSERT(in.size() == out.size());
  for (size_t i = has_f16c() ? from_half_f16c(in, out) : 0; i < in.size(); ++i)
    out[i] = from_half(in[i]);
}

}  // namespace dendrokv
