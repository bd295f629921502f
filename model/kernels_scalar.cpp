// Plain C++: the specification of what the other instruction sets compute, and the fallback of old
// machines.

#include <bit>
#include <cmath>
#include <cstdint>

#include "data/half.h"
#include "model/kernels_body.h"
#include "model/kernels_isa.h"

namespace dendrokv {

namespace {

template <class T>
struct Lanes {
  T lane[16];
};

template <class T, class Make>
Lanes<T> make_lanes(const Make& make) {
  Lanes<T> lanes;
  for (size_t i = 0; i < 16; ++i) lanes.lane[i] = make(i);
  return lanes;
}

struct Scalar {
  using F = Lanes<float>;
  using I = Lanes<int32_t>;
  using Part = Scalar;
  static constexpr size_t kLanes = 16, kSumChunks = 1, kSumQueries = 4;
  // Of products: of coded weights, of floats.
  template <bool kCoded>
  struct TilesOf {
    static constexpr size_t kGroups = 1, kColumns = 4;
  };

  static F zero() { return F{}; }
  static F all(float value) {
    return make_lanes<float>([=](size_t) { return value; });
  }
  static F load(const float* from) {
    return make_lanes<float>([=](size_t i) { return from[i]; });
  }
  static F load(const uint16_t* from) {
    return make_lanes<float>([=](size_t i) { return from_half(from[i]); });
  }
  static F load_half(const std::byte* from) {
    uint16_t halves[16];
    std::memcpy(halves, from, sizeof halves);
    return load(halves);
  }
  static F load_bfloat(const std::byte* from) {
    return make_lanes<float>([=](size_t i) {
      uint16_t upper;
      std::memcpy(&upper, from + 2 * i, sizeof upper);
      return std::bit_cast<float>(uint32_t{upper} << 16);
    });
  }
  static void store(float* to, const F& a) { std::memcpy(to, a.lane, sizeof a.lane); }
  static void store(uint16_t* to, const F& a) {
    for (size_t i = 0; i < 16; ++i) to[i] = to_half(a.lane[i]);
  }

  static F add(const F& a, const F& b) {
    return make_lanes<float>([&](size_t i) { return a.lane[i] + b.lane[i]; });
  }
  static F sub(const F& a, const F& b) {
    return make_lanes<float>([&](size_t i) { return a.lane[i] - b.lane[i]; });
  }
  static F mul(const F& a, const F& b) {
    return make_lanes<float>([&](size_t i) { return a.lane[i] * b.lane[i]; });
  }
  static F div(const F& a, const F& b) {
    return make_lanes<float>([&](size_t i) { return a.lane[i] / b.lane[i]; });
  }
  static F fma(const F& a, const F& b, const F& c) {
    return make_lanes<float>([&](size_t i) { return std::fma(a.lane[i], b.lane[i], c.lane[i]); });
  }
  static F max(const F& a, const F& b) {
    return make_lanes<float>(
        [&](size_t i) { return a.lane[i] > b.lane[i] ? a.lane[i] : b.lane[i]; });
  }
  static F min(const F& a, const F& b) {
    return make_lanes<float>(
        [&](size_t i) { return a.lane[i] < b.lane[i] ? a.lane[i] : b.lane[i]; });
  }
  static F abs(const F& a) {
    return make_lanes<float>([&](size_t i) { return std::fabs(a.lane[i]); });
  }

  /// value * 2^n; n in the low bits of `shifted`, as left there by adding 1.5 * 2^23.
  static F add_to_exponent(const F& value, const F& shifted) {
    return make_lanes<float>([&](size_t i) {
      const uint32_t exponent = std::bit_cast<uint32_t>(shifted.lane[i]) << 23;
      return std::bit_cast<float>(std::bit_cast<uint32_t>(value.lane[i]) + exponent);
    });
  }

  static F swap_pairs(const F& a) {
    return make_lanes<float>([&](size_t i) { return a.lane[i ^ 1]; });
  }
  static F load_each_twice(const float* from) {
    return make_lanes<float>([=](size_t i) { return from[i / 2]; });
  }
  /// a - b in even lanes, a + b in odd ones.
  static F sub_add(const F& a, const F& b) {
    return make_lanes<float>(
        [&](size_t i) { return i % 2 == 0 ? a.lane[i] - b.lane[i] : a.lane[i] + b.lane[i]; });
  }

  static float join(const F& a) {
    F sums = a;
    for (size_t half = 8; half > 0; half /= 2)
      for (size_t i = 0; i < half; ++i) sums.lane[i] += sums.lane[i + half];
    return sums.lane[0];
  }
  /// Four vectors, one per quarter of the result: their partial sums i + (i + 8), then i + (i + 4).
  static F join_4(const F& a, const F& b, const F& c, const F& d) {
    const F* vectors[] = {&a, &b, &c, &d};
    return make_lanes<float>([&](size_t i) {
      const float* lane = vectors[i / 4]->lane + i % 4;
      return (lane[0] + lane[8]) + (lane[4] + lane[12]);
    });
  }
  /// The rest of the sums: of quarter i of vector j in lane 4 i + j.
  static F join_quarters(const F (&vectors)[4]) {
    return make_lanes<float>([&](size_t i) {
      const float* lane = vectors[i % 4].lane + i / 4 * 4;
      return (lane[0] + lane[2]) + (lane[1] + lane[3]);
    });
  }
  static float largest(const F& a) {
    float largest = a.lane[0];
    for (const float value : a.lane) largest = value > largest ? value : largest;
    return largest;
  }

  static I round(const F& a) {
    return make_lanes<int32_t>(
        [&](size_t i) { return static_cast<int32_t>(std::nearbyint(a.lane[i])); });
  }
  static I add(const I& a, const I& b) {
    return make_lanes<int32_t>([&](size_t i) { return a.lane[i] + b.lane[i]; });
  }
  static int sum(const I& a) {
    int total = 0;
    for (const int32_t value : a.lane) total += value;
    return total;
  }
  static void store_bytes(int8_t* to, const I& a) {
    for (size_t i = 0; i < 16; ++i) to[i] = static_cast<int8_t>(a.lane[i]);
  }
  static F to_float(const I& a) {
    return make_lanes<float>([&](size_t i) { return static_cast<float>(a.lane[i]); });
  }

  static I all_int(int32_t value) {
    return make_lanes<int32_t>([=](size_t) { return value; });
  }
  static I signed_bytes_start(int32_t offset) { return all_int(offset); }

  template <size_t kGroups, size_t kColumns>
  static void add_nibbles(const std::byte* weights, size_t group_bytes, const int8_t* codes,
                          I (&dots)[kGroups][kColumns]) {
    for (size_t g = 0; g < kGroups; ++g)
      for (size_t c = 0; c < kColumns; ++c)
        for (size_t lane = 0; lane < 16; ++lane)
          for (size_t k = 0; k < 16; ++k) {
            const auto two =
                std::to_integer<int>(weights[g * group_bytes + k / 4 * 64 + 4 * lane + k % 4]);
            dots[g][c].lane[lane] +=
                (two & 15) * codes[c * kBlock + k] + (two >> 4) * codes[c * kBlock + 16 + k];
          }
  }

  template <Minimum kMinimum, size_t kChunks, size_t kGroups, size_t kColumns>
  static void add_bytes(const std::byte* weights, size_t group_bytes, const int8_t* codes,
                        I (&dots)[kGroups][kColumns]) {
    for (size_t g = 0; g < kGroups; ++g)
      for (size_t c = 0; c < kColumns; ++c)
        for (size_t lane = 0; lane < 16; ++lane)
          for (size_t k = 0; k < 4 * kChunks; ++k)
            dots[g][c].lane[lane] +=
                std::to_integer<int>(weights[g * group_bytes + k / 4 * 64 + 4 * lane + k % 4]) *
                codes[c * kBlock + k];
  }
};

}  // namespace

constinit const Kernels kScalarKernels = kernels_of<Scalar>(Isa::Scalar);

}  // namespace dendrokv
