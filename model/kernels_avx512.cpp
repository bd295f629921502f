// AVX-512 with VNNI: one register is a vector of 16, and one instruction multiplies and adds four
// products of u8 and s8 per lane.

#include <immintrin.h>

#include "model/kernels_body.h"
#include "model/kernels_isa.h"

namespace dendrokv {

namespace {

struct Avx512 {
  using F = __m512;
  using I = __m512i;
  using Part = Avx512;
  static constexpr size_t kLanes = 16, kSumChunks = 4, kSumQueries = 4;
  // Of products: of coded weights, of floats.
  template <bool kCoded>
  struct TilesOf {
    static constexpr size_t kGroups = 2, kColumns = kCoded ? 4 : 8;
  };

  static F zero() { return _mm512_setzero_ps(); }
  static F all(float value) { return _mm512_set1_ps(value); }
  static F load(const float* from) { return _mm512_loadu_ps(from); }
  static F load(const uint16_t* from) {
    return _mm512_cvtph_ps(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(from)));
  }
  static F load_half(const std::byte* from) {
    return _mm512_cvtph_ps(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(from)));
  }
  static F load_bfloat(const std::byte* from) {
    const I upper =
        _mm512_cvtepu16_epi32(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(from)));
    return _mm512_castsi512_ps(_mm512_slli_epi32(upper, 16));
  }
  static void store(float* to, F a) { _mm512_storeu_ps(to, a); }
  static void store(uint16_t* to, F a) {
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(to),
                        _mm512_cvtps_ph(a, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC));
  }

  static F add(F a, F b) { return _mm512_add_ps(a, b); }
  static F sub(F a, F b) { return _mm512_sub_ps(a, b); }
  static F mul(F a, F b) { return _mm512_mul_ps(a, b); }
  static F div(F a, F b) { return _mm512_div_ps(a, b); }
  static F fma(F a, F b, F c) { return _mm512_fmadd_ps(a, b, c); }
  static F max(F a, F b) { return _mm512_max_ps(a, b); }
  static F min(F a, F b) { return _mm512_min_ps(a, b); }
  static F abs(F a) { return _mm512_abs_ps(a); }
  static F add_to_exponent(F value, F shifted) {
    return _mm512_castsi512_ps(_mm512_add_epi32(
        _mm512_castps_si512(value), _mm512_slli_epi32(_mm512_castps_si512(shifted), 23)));
  }

  static F swap_pairs(F a) { return _mm512_permute_ps(a, 0xB1); }
  static F load_each_twice(const float* from) {
    const I places = _mm512_setr_epi32(0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7);
    return _mm512_permutexvar_ps(places, _mm512_castps256_ps512(_mm256_loadu_ps(from)));
  }
  static F sub_add(F a, F b) { return _mm512_mask_sub_ps(add(a, b), 0x5555, a, b); }

  static float join(F a) {
    const __m256 by_8 = _mm256_add_ps(_mm512_castps512_ps256(a), _mm512_extractf32x8_ps(a, 1));
    const __m128 by_4 = _mm_add_ps(_mm256_castps256_ps128(by_8), _mm256_extractf128_ps(by_8, 1));
    const __m128 by_2 = _mm_add_ps(by_4, _mm_movehl_ps(by_4, by_4));
    return _mm_cvtss_f32(_mm_add_ss(by_2, _mm_movehdup_ps(by_2)));
  }

  // Four vectors, one per quarter of the result: their partial sums i + (i + 8), then i + (i + 4).
  static F join_4(F a, F b, F c, F d) {
    const F ab = add(_mm512_shuffle_f32x4(a, b, 0x44), _mm512_shuffle_f32x4(a, b, 0xEE));
    const F cd = add(_mm512_shuffle_f32x4(c, d, 0x44), _mm512_shuffle_f32x4(c, d, 0xEE));
    return add(_mm512_shuffle_f32x4(ab, cd, 0x88), _mm512_shuffle_f32x4(ab, cd, 0xDD));
  }

  // The rest of the sums: of quarter i of vector j in lane 4 i + j.
  static F join_quarters(const F (&v)[4]) {
    const F v01 = add(_mm512_shuffle_ps(v[0], v[1], 0x44), _mm512_shuffle_ps(v[0], v[1], 0xEE));
    const F v23 = add(_mm512_shuffle_ps(v[2], v[3], 0x44), _mm512_shuffle_ps(v[2], v[3], 0xEE));
    return add(_mm512_shuffle_ps(v01, v23, 0x88), _mm512_shuffle_ps(v01, v23, 0xDD));
  }

  static float largest(F a) { return _mm512_reduce_max_ps(a); }

  static I round(F a) { return _mm512_cvtps_epi32(a); }
  static I add(I a, I b) { return _mm512_add_epi32(a, b); }
  static int sum(I a) { return _mm512_reduce_add_epi32(a); }
  static void store_bytes(int8_t* to, I a) {
    _mm_storeu_si128(reinterpret_cast<__m128i*>(to), _mm512_cvtsepi32_epi8(a));
  }
  static F to_float(I a) { return _mm512_cvtepi32_ps(a); }

  static I four_codes(const int8_t* codes) {
    int32_t four;
    std::memcpy(&four, codes, sizeof four);
    return _mm512_set1_epi32(four);
  }

  static I all_int(int32_t value) { return _mm512_set1_epi32(value); }
  // The weights are stored as code + 128, so the sums start at -128 * (sum of the activations).
  static I signed_bytes_start(int32_t offset) { return _mm512_set1_epi32(offset); }

  template <size_t kGroups, size_t kColumns>
  static void add_nibbles(const std::byte* weights, size_t group_bytes, const int8_t* codes,
                          I (&dots)[kGroups][kColumns]) {
    const I mask = _mm512_set1_epi8(15);
#pragma GCC unroll 4
    for (size_t chunk = 0; chunk < 4; ++chunk) {
      I low[kGroups], high[kGroups];
#pragma GCC unroll 4
      for (size_t g = 0; g < kGroups; ++g) {
        const I two = _mm512_loadu_si512(weights + g * group_bytes + 64 * chunk);
        low[g] = _mm512_and_si512(two, mask);
        high[g] = _mm512_and_si512(_mm512_srli_epi16(two, 4), mask);
      }
      add_products(low, codes + 4 * chunk, dots);
      add_products(high, codes + 16 + 4 * chunk, dots);
    }
  }

  template <Minimum kMinimum, size_t kChunks, size_t kGroups, size_t kColumns>
  static void add_bytes(const std::byte* weights, size_t group_bytes, const int8_t* codes,
                        I (&dots)[kGroups][kColumns]) {
#pragma GCC unroll 8
    for (size_t chunk = 0; chunk < kChunks; ++chunk) {
      I four[kGroups];
#pragma GCC unroll 4
      for (size_t g = 0; g < kGroups; ++g)
        four[g] = _mm512_loadu_si512(weights + g * group_bytes + 64 * chunk);
      add_products(four, codes + 4 * chunk, dots);
    }
  }

  // Four codes of each column by the weights that go with them.
  template <size_t kGroups, size_t kColumns>
  static void add_products(const I (&weights)[kGroups], const int8_t* codes,
                           I (&dots)[kGroups][kColumns]) {
#pragma GCC unroll 16
    for (size_t c = 0; c < kColumns; ++c) {
      const I four = four_codes(codes + c * kBlock);
#pragma GCC unroll 4
      for (size_t g = 0; g < kGroups; ++g)
        dots[g][c] = _mm512_dpbusd_epi32(dots[g][c], weights[g], four);
    }
  }
};

}  // namespace

constinit const Kernels kAvx512Kernels = kernels_of<Avx512>(Isa::Avx512);

}  // namespace dendrokv
