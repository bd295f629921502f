#include "data/half.h"

#include <bit>

#include "data/error.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace dendrokv {
namespace {

// Round to nearest even on the bit patterns; agrees with F16C on every input but the payload of NaN, which is made quiet.
uint16_t convert(float value) {
  const uint32_t bits = std::bit_cast<uint32_t>(value);
  const auto sign = static_cast<uint16_t>((bits >> 16) & 0x8000);
  const uint32_t magnitude = bits & 0x7FFFFFFF;
  if (magnitude > 0x7F800000)
    return static_cast<uint16_t>(sign | 0x7E00 | ((magnitude >> 13) & 0x3FF));
  if (magnitude >= 0x47800000) return static_cast<uint16_t>(sign | 0x7C00);  // 65536 and more
  if (magnitude < 0x38800000) {  // below 2^-14: a multiple of 2^-24, and adding 0.5 aligns the mantissa to that
    const float aligned = std::bit_cast<float>(magnitude) + 0.5f;
    return static_cast<uint16_t>(sign | (std::bit_cast<uint32_t>(aligned) - 0x3F000000));
  }
  const uint32_t odd = (magnitude >> 13) & 1;
  const uint32_t rounded = magnitude + 0xFFF + odd - (uint32_t{112} << 23);
  return static_cast<uint16_t>(sign | (rounded >> 13));
}

float convert(uint16_t half) {
  const uint32_t sign = (static_cast<uint32_t>(half) & 0x8000) << 16;
  const uint32_t magnitude = half & 0x7FFF;
  if (magnitude >= 0x7C00) {
    const uint32_t quiet = magnitude > 0x7C00 ? 0x400000 : 0;
    return std::bit_cast<float>(sign | 0x7F800000 | ((magnitude & 0x3FF) << 13) | quiet);
  }
  if (magnitude < 0x400) {
    const float value = static_cast<float>(magnitude) * 0x1p-24f;
    return std::bit_cast<float>(sign | std::bit_cast<uint32_t>(value));
  }
  return std::bit_cast<float>(sign | ((magnitude << 13) + (uint32_t{112} << 23)));
}

#if defined(__x86_64__)

bool has_f16c() {
  static const bool has = __builtin_cpu_supports("avx") && __builtin_cpu_supports("f16c");
  return has;
}

__attribute__((target("avx,f16c"))) size_t to_half_f16c(std::span<const float> in, uint16_t* out) {
  size_t i = 0;
  for (; i + 8 <= in.size(); i += 8) {
    const __m128i halves = _mm256_cvtps_ph(_mm256_loadu_ps(in.data() + i), _MM_FROUND_TO_NEAREST_INT);
    _mm_storeu_si128(reinterpret_cast<__m128i*>(out + i), halves);
  }
  return i;
}

__attribute__((target("avx,f16c"))) size_t from_half_f16c(std::span<const uint16_t> in, float* out) {
  size_t i = 0;
  for (; i + 8 <= in.size(); i += 8) {
    const __m128i halves = _mm_loadu_si128(reinterpret_cast<const __m128i*>(in.data() + i));
    _mm256_storeu_ps(out + i, _mm256_cvtph_ps(halves));
  }
  return i;
}

#else

bool has_f16c() { return false; }
size_t to_half_f16c(std::span<const float>, uint16_t*) { return 0; }
size_t from_half_f16c(std::span<const uint16_t>, float*) { return 0; }

#endif

}  // namespace

uint16_t to_half(float value) { return convert(value); }

float from_half(uint16_t half) { return convert(half); }

void to_half(std::span<const float> in, std::span<uint16_t> out) {
  DENDROKV_ASSERT(in.size() == out.size());
  size_t i = has_f16c() ? to_half_f16c(in, out.data()) : 0;
  for (; i < in.size(); ++i) out[i] = convert(in[i]);
}

void from_half(std::span<const uint16_t> in, std::span<float> out) {
  DENDROKV_ASSERT(in.size() == out.size());
  size_t i = has_f16c() ? from_half_f16c(in, out.data()) : 0;
  for (; i < in.size(); ++i) out[i] = convert(in[i]);
}

}  // namespace dendrokv
