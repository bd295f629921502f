// Half floats: sign, 5 exponent bits (bias 15), 10 mantissa bits.
//
// Rows use the processor's F16C conversions where it has them. The portable path gives the same bits, NaN payloads
// included (a test compares all 2^16 halves and a sweep of floats), so a file does not tell which path wrote it.

#include "data/half.h"

#include <bit>
#include <cstddef>
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

__attribute__((target("f16c,avx"))) size_t to_half_f16c(std::span<const float> in,
                                                        std::span<uint16_t> out) {
  size_t i = 0;
  for (; i + 8 <= in.size(); i += 8) {
    const __m128i packed =
        _mm256_cvtps_ph(_mm256_loadu_ps(in.data() + i), _MM_FROUND_TO_NEAREST_INT);
    _mm_storeu_si128(reinterpret_cast<__m128i*>(out.data() + i), packed);
  }
  return i;
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
  for (size_t i = has_f16c() ? to_half_f16c(in, out) : 0; i < in.size(); ++i)
    out[i] = to_half(in[i]);
}

void from_half(std::span<const uint16_t> in, std::span<float> out) {
  DENDROKV_ASSERT(in.size() == out.size());
  for (size_t i = has_f16c() ? from_half_f16c(in, out) : 0; i < in.size(); ++i)
    out[i] = from_half(in[i]);
}

}  // namespace dendrokv
