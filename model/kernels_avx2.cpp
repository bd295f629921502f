// AVX2 with FMA and F16C: a vector of 16 is two registers; matrix products take one register of
// rows at a time.

#include <immintrin.h>

#include "model/kernels_body.h"
#include "model/kernels_isa.h"

namespace dendrokv {

namespace {

struct Avx2Part {
  using F = __m256;
  using I = __m256i;
  static constexpr size_t kLanes = 8;

  static F zero() { return _mm256_setzero_ps(); }
  static F all(float value) { return _mm256_set1_ps(value); }
  static F load(const float* from) { return _mm256_loadu_ps(from); }
  static F load_half(const void* from) {
    return _mm256_cvtph_ps(_mm_loadu_si128(static_cast<const __m128i*>(from)));
  }
  static F load_bfloat(const void* from) {
    const I upper = _mm256_cvtepu16_epi32(_mm_loadu_si128(static_cast<const __m128i*>(from)));
    return _mm256_castsi256_ps(_mm256_slli_epi32(upper, 16));
  }
  static void store(float* to, F a) { _mm256_storeu_ps(to, a); }
  static F mul(F a, F b) { return _mm256_mul_ps(a, b); }
  static F fma(F a, F b, F c) { return _mm256_fmadd_ps(a, b, c); }
  static F to_float(I a) { return _mm256_cvtepi32_ps(a); }
  static F add_to_exponent(F value, F shifted) {
    return _mm256_castsi256_ps(_mm256_add_epi32(
        _mm256_castps_si256(value), _mm256_slli_epi32(_mm256_castps_si256(shifted), 23)));
  }

  static I load_bytes(const std::byte* from) {
    return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(from));
  }
  static I four_codes(const int8_t* codes) {
    int32_t four;
    std::memcpy(&four, codes, sizeof four);
    return _mm256_set1_epi32(four);
  }

  static I all_int(int32_t value) { return _mm256_set1_epi32(value); }
  // Products of signed bytes are those of the signed weights here.
  static I signed_bytes_start(int32_t) { return _mm256_setzero_si256(); }

  // Sums of pairs fit 16 bits throughout: 8 * 2 * 15 * 127 = 30,480.
  template <size_t kGroups, size_t kColumns>
  static void add_nibbles(const std::byte* weights, size_t, const int8_t* codes,
                          I (&dots)[kGroups][kColumns]) {
    static_assert(kGroups == 1);
    const I mask = _mm256_set1_epi8(15);
    I pairs[kColumns];
    for (I& pair : pairs) pair = _mm256_setzero_si256();
#pragma GCC unroll 4
    for (size_t chunk = 0; chunk < 4; ++chunk) {
      const I two = load_bytes(weights + 64 * chunk);
      const I low = _mm256_and_si256(two, mask);
      const I high = _mm256_and_si256(_mm256_srli_epi16(two, 4), mask);
#pragma GCC unroll 8
      for (size_t c = 0; c < kColumns; ++c) {
        const int8_t* column = codes + c * kBlock + 4 * chunk;
        pairs[c] = _mm256_add_epi16(pairs[c], _mm256_maddubs_epi16(low, four_codes(column)));
        pairs[c] = _mm256_add_epi16(pairs[c], _mm256_maddubs_epi16(high, four_codes(column + 16)));
      }
    }
    for (size_t c = 0; c < kColumns; ++c) dots[0][c] = add_pairs(dots[0][c], pairs[c]);
  }

  static I add_pairs(I sum, I pairs) {
    return _mm256_add_epi32(sum, _mm256_madd_epi16(pairs, _mm256_set1_epi16(1)));
  }

  // A full u8 would overflow the pair sums of maddubs, so of signed codes the magnitude is
  // multiplied by the activation with the weight's sign: at most 2 * 128 * 127 = 32,512.
  // Activations are never -128. Codes of layouts with a minimum are at most 31.
  template <Minimum kMinimum, size_t kChunks, size_t kGroups, size_t kColumns>
  static void add_bytes(const std::byte* weights, size_t, const int8_t* codes,
                        I (&dots)[kGroups][kColumns]) {
    static_assert(kGroups == 1);
    constexpr bool kSigned = kMinimum == Minimum::None;
#pragma GCC unroll 8
    for (size_t chunk = 0; chunk < kChunks; ++chunk) {
      I weight = load_bytes(weights + 64 * chunk);
      if constexpr (kSigned) weight = _mm256_xor_si256(weight, _mm256_set1_epi8(-128));
      const I magnitude = kSigned ? _mm256_abs_epi8(weight) : weight;
#pragma GCC unroll 8
      for (size_t c = 0; c < kColumns; ++c) {
        I four = four_codes(codes + c * kBlock + 4 * chunk);
        if constexpr (kSigned) four = _mm256_sign_epi8(four, weight);
        dots[0][c] = add_pairs(dots[0][c], _mm256_maddubs_epi16(magnitude, four));
      }
    }
  }
};

struct Avx2 {
  struct F {
    __m256 low, high;
  };
  struct I {
    __m256i low, high;
  };
  using Part = Avx2Part;
  static constexpr size_t kSumChunks = 1, kSumQueries = 6;
  // Of products: of coded weights, of floats.
  template <bool kCoded>
  struct TilesOf {
    static constexpr size_t kGroups = 1, kColumns = kCoded ? 4 : 8;
  };

  static F zero() { return {_mm256_setzero_ps(), _mm256_setzero_ps()}; }
  static F all(float value) { return {_mm256_set1_ps(value), _mm256_set1_ps(value)}; }
  static F load(const float* from) { return {_mm256_loadu_ps(from), _mm256_loadu_ps(from + 8)}; }
  static F load(const uint16_t* from) { return {Part::load_half(from), Part::load_half(from + 8)}; }
  static void store(float* to, F a) {
    _mm256_storeu_ps(to, a.low);
    _mm256_storeu_ps(to + 8, a.high);
  }
  static void store(uint16_t* to, F a) {
    constexpr int kNearest = _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC;
    _mm_storeu_si128(reinterpret_cast<__m128i*>(to), _mm256_cvtps_ph(a.low, kNearest));
    _mm_storeu_si128(reinterpret_cast<__m128i*>(to + 8), _mm256_cvtps_ph(a.high, kNearest));
  }

  static F add(F a, F b) { return {_mm256_add_ps(a.low, b.low), _mm256_add_ps(a.high, b.high)}; }
  static F sub(F a, F b) { return {_mm256_sub_ps(a.low, b.low), _mm256_sub_ps(a.high, b.high)}; }
  static F mul(F a, F b) { return {_mm256_mul_ps(a.low, b.low), _mm256_mul_ps(a.high, b.high)}; }
  static F div(F a, F b) { return {_mm256_div_ps(a.low, b.low), _mm256_div_ps(a.high, b.high)}; }
  static F fma(F a, F b, F c) {
    return {_mm256_fmadd_ps(a.low, b.low, c.low), _mm256_fmadd_ps(a.high, b.high, c.high)};
  }
  static F max(F a, F b) { return {_mm256_max_ps(a.low, b.low), _mm256_max_ps(a.high, b.high)}; }
  static F min(F a, F b) { return {_mm256_min_ps(a.low, b.low), _mm256_min_ps(a.high, b.high)}; }
  static F abs(F a) {
    const __m256 sign = _mm256_set1_ps(-0.0f);
    return {_mm256_andnot_ps(sign, a.low), _mm256_andnot_ps(sign, a.high)};
  }
  static F add_to_exponent(F value, F shifted) {
    return {Part::add_to_exponent(value.low, shifted.low),
            Part::add_to_exponent(value.high, shifted.high)};
  }

  static F swap_pairs(F a) {
    return {_mm256_permute_ps(a.low, 0xB1), _mm256_permute_ps(a.high, 0xB1)};
  }
  static F load_each_twice(const float* from) {
    const __m256i places = _mm256_setr_epi32(0, 0, 1, 1, 2, 2, 3, 3);
    const __m256 low = _mm256_castps128_ps256(_mm_loadu_ps(from));
    const __m256 high = _mm256_castps128_ps256(_mm_loadu_ps(from + 4));
    return {_mm256_permutevar8x32_ps(low, places), _mm256_permutevar8x32_ps(high, places)};
  }
  static F sub_add(F a, F b) {
    return {_mm256_addsub_ps(a.low, b.low), _mm256_addsub_ps(a.high, b.high)};
  }

  static float join(F a) {
    const __m256 by_8 = _mm256_add_ps(a.low, a.high);
    const __m128 by_4 = _mm_add_ps(_mm256_castps256_ps128(by_8), _mm256_extractf128_ps(by_8, 1));
    const __m128 by_2 = _mm_add_ps(by_4, _mm_movehl_ps(by_4, by_4));
    return _mm_cvtss_f32(_mm_add_ss(by_2, _mm_movehdup_ps(by_2)));
  }

  static __m256 join_2(const F& a, const F& b) {
    const __m256 sum_a = _mm256_add_ps(a.low, a.high), sum_b = _mm256_add_ps(b.low, b.high);
    return _mm256_add_ps(_mm256_permute2f128_ps(sum_a, sum_b, 0x20),
                         _mm256_permute2f128_ps(sum_a, sum_b, 0x31));
  }
  // Four vectors, one per quarter of the result: their partial sums i + (i + 8), then i + (i + 4).
  static F join_4(const F& a, const F& b, const F& c, const F& d) {
    return {join_2(a, b), join_2(c, d)};
  }

  static __m256 join_halves(__m256 a, __m256 b, __m256 c, __m256 d) {
    const __m256 ab = _mm256_add_ps(_mm256_shuffle_ps(a, b, 0x44), _mm256_shuffle_ps(a, b, 0xEE));
    const __m256 cd = _mm256_add_ps(_mm256_shuffle_ps(c, d, 0x44), _mm256_shuffle_ps(c, d, 0xEE));
    return _mm256_add_ps(_mm256_shuffle_ps(ab, cd, 0x88), _mm256_shuffle_ps(ab, cd, 0xDD));
  }
  // The rest of the sums: of quarter i of vector j in lane 4 i + j.
  static F join_quarters(const F (&v)[4]) {
    return {join_halves(v[0].low, v[1].low, v[2].low, v[3].low),
            join_halves(v[0].high, v[1].high, v[2].high, v[3].high)};
  }

  static float largest(F a) {
    const __m256 by_8 = _mm256_max_ps(a.low, a.high);
    const __m128 by_4 = _mm_max_ps(_mm256_castps256_ps128(by_8), _mm256_extractf128_ps(by_8, 1));
    const __m128 by_2 = _mm_max_ps(by_4, _mm_movehl_ps(by_4, by_4));
    return _mm_cvtss_f32(_mm_max_ss(by_2, _mm_movehdup_ps(by_2)));
  }

  static I round(F a) { return {_mm256_cvtps_epi32(a.low), _mm256_cvtps_epi32(a.high)}; }
  static I add(I a, I b) {
    return {_mm256_add_epi32(a.low, b.low), _mm256_add_epi32(a.high, b.high)};
  }
  static int sum(I a) {
    const __m256i by_8 = _mm256_add_epi32(a.low, a.high);
    const __m128i by_4 =
        _mm_add_epi32(_mm256_castsi256_si128(by_8), _mm256_extracti128_si256(by_8, 1));
    const __m128i by_2 = _mm_add_epi32(by_4, _mm_shuffle_epi32(by_4, 0x4E));
    return _mm_cvtsi128_si32(_mm_add_epi32(by_2, _mm_shuffle_epi32(by_2, 0xB1)));
  }
  static void store_bytes(int8_t* to, I a) {
    // Packs works by halves.
    const __m256i words = _mm256_permute4x64_epi64(_mm256_packs_epi32(a.low, a.high), 0xD8);
    _mm_storeu_si128(
        reinterpret_cast<__m128i*>(to),
        _mm_packs_epi16(_mm256_castsi256_si128(words), _mm256_extracti128_si256(words, 1)));
  }
};

}  // namespace

constinit const Kernels kAvx2Kernels = kernels_of<Avx2>(Isa::Avx2);

}  // namespace dendrokv
