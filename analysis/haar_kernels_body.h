#pragma once
// The one body of the Haar kernels, compiled once per instruction set. Nothing here may have
// external linkage or use the standard library's inline functions: the linker must not share code
// between sets.

#include <stddef.h>
#include <stdint.h>

#include "analysis/haar_kernels.h"

namespace dendrokv {
namespace {

#if defined(__AVX512F__)
constexpr size_t kVectorBytes = 64;
#elif defined(__AVX2__)
constexpr size_t kVectorBytes = 32;
#else
constexpr size_t kVectorBytes = 16;
#endif

constexpr size_t kLanes = 16;  // one AVX-512 register of floats
constexpr size_t kTile = 64;   // channels summed in Real; then in double

template <class Real>
struct Types;
template <>
struct Types<float> {
  using Bits = int32_t;
  static constexpr int kMantissa = 23;
  static constexpr Bits kBias = 127;
};
template <>
struct Types<double> {
  using Bits = int64_t;
  static constexpr int kMantissa = 52;
  static constexpr Bits kBias = 1023;
};

/// The compilers' vector type, not loops over an array: those were vectorised at one level of
/// optimisation and five times slower at another.
template <class Real>
struct Native {
  using Bits = typename Types<Real>::Bits;
  typedef Real Vector __attribute__((vector_size(kVectorBytes), aligned(alignof(Real)), may_alias));
  typedef Bits Mask __attribute__((vector_size(kVectorBytes)));
  static constexpr size_t kWidth = kVectorBytes / sizeof(Real);
  static constexpr size_t kParts = kLanes / kWidth;
};

/// The sum of all lanes: upper halves are added to lower ones.
template <class Real>
inline Real sum_of_lanes(const Real* lanes) {
  typedef Real Four
      __attribute__((vector_size(4 * sizeof(Real)), aligned(alignof(Real)), may_alias));
  Four sum[4];
  for (size_t i = 0; i < 4; ++i) sum[i] = *reinterpret_cast<const Four*>(lanes + 4 * i);
  const Four four = (sum[0] + sum[2]) + (sum[1] + sum[3]);
  return (four[0] + four[2]) + (four[1] + four[3]);
}

/// Sums over a tile of the magnitudes, squares and logarithms of one difference, lane by lane.
template <class Real, Measured kMeasured>
struct Difference {
  Real magnitude[kLanes], square[kLanes], mantissa[kLanes];
  typename Types<Real>::Bits exponent[kLanes];

  void close_tile(DifferenceSums& sums) const {
    sums.magnitude += static_cast<double>(sum_of_lanes(magnitude));
    if constexpr (kMeasured == Measured::All) {
      sums.square += static_cast<double>(sum_of_lanes(square));
      double product = 1;
      int64_t exponents = 0;
      for (size_t lane = 0; lane < kLanes; ++lane) {
        product *= static_cast<double>(mantissa[lane]);
        exponents += exponent[lane];
      }
      constexpr double kLn2 = 0.693147180559945309417;
      sums.log += __builtin_log(product) + kLn2 * static_cast<double>(exponents);
    }
  }
};

/// The lanes of a Difference that one register holds.
template <class Real, Measured kMeasured>
class PartOfDifference {
 public:
  using Vector = typename Native<Real>::Vector;
  using Mask = typename Native<Real>::Mask;
  using Bits = typename Native<Real>::Bits;

  inline void add(const Vector& difference) {
    constexpr Bits kSign = Bits(uint64_t{1} << (8 * sizeof(Bits) - 1));
    const Mask magnitude = reinterpret_cast<Mask>(difference) & ~kSign;
    magnitude_ += reinterpret_cast<Vector>(magnitude);
    if constexpr (kMeasured == Measured::All) {
      // The logarithm of a product of many numbers: mantissas, from 1 to 2, are multiplied and
      // exponents added, so that a tile takes one logarithm. A tile has 64 factors: the product
      // stays below 2^64.
      constexpr Bits kOne = Types<Real>::kBias << Types<Real>::kMantissa;
      constexpr Bits kLeast = Bits{1} << Types<Real>::kMantissa;
      square_ += difference * difference;
      const Mask number = magnitude < kLeast ? kLeast + Mask{} : magnitude;
      exponents_ += (number >> Types<Real>::kMantissa) - Types<Real>::kBias;
      mantissas_ *= reinterpret_cast<Vector>((number & (kLeast - 1)) | kOne);
    }
  }
  inline void store(Difference<Real, kMeasured>& to, size_t lane) const {
    __builtin_memcpy(to.magnitude + lane, &magnitude_, kVectorBytes);
    if constexpr (kMeasured == Measured::All) {
      __builtin_memcpy(to.square + lane, &square_, kVectorBytes);
      __builtin_memcpy(to.mantissa + lane, &mantissas_, kVectorBytes);
      __builtin_memcpy(to.exponent + lane, &exponents_, kVectorBytes);
    }
  }

 private:
  Vector magnitude_{}, square_{}, mantissas_ = Vector{} + 1;
  Mask exponents_{};
};

/// The channels beyond the whole groups of a tile, one at a time.
template <class Real, Measured kMeasured>
inline void add_one(Difference<Real, kMeasured>& to, size_t lane, Real difference) {
  using Bits = typename Types<Real>::Bits;
  const Real magnitude = difference < 0 ? -difference : difference;
  to.magnitude[lane] += magnitude;
  if constexpr (kMeasured == Measured::All) {
    constexpr Bits kOne = Types<Real>::kBias << Types<Real>::kMantissa;
    constexpr Bits kLeast = Bits{1} << Types<Real>::kMantissa;
    to.square[lane] += difference * difference;
    Bits number;
    __builtin_memcpy(&number, &magnitude, sizeof number);
    if (number < kLeast) number = kLeast;
    to.exponent[lane] += (number >> Types<Real>::kMantissa) - Types<Real>::kBias;
    number = (number & (kLeast - 1)) | kOne;
    Real mantissa;
    __builtin_memcpy(&mantissa, &number, sizeof mantissa);
    to.mantissa[lane] *= mantissa;
  }
}

/// The end of a tile, and of its whole groups.
struct Tile {
  size_t first, whole, end;
};
inline Tile tile_at(size_t first, size_t channels) {
  const size_t end = first + kTile < channels ? first + kTile : channels;
  return {first, first + (end - first) / kLanes * kLanes, end};
}

template <class Real>
inline typename Native<Real>::Vector at(const Real* from) {
  return *reinterpret_cast<const typename Native<Real>::Vector*>(from);
}
template <class Real>
inline void put(const typename Native<Real>::Vector& vector, Real* to) {
  *reinterpret_cast<typename Native<Real>::Vector*>(to) = vector;
}

template <class Real, Measured kMeasured>
void join(const Real* older, const Real* newer, size_t channels, Real* sum, DifferenceSums* sums) {
  using Vector = typename Native<Real>::Vector;
  constexpr size_t kWidth = Native<Real>::kWidth;
  DifferenceSums total{};
  for (size_t first = 0; first < channels; first += kTile) {
    const Tile tile = tile_at(first, channels);
    Difference<Real, kMeasured> difference;
    for (size_t lane = 0; lane < kLanes; lane += kWidth) {
      PartOfDifference<Real, kMeasured> part;
      for (size_t c = tile.first + lane; c < tile.whole; c += kLanes) {
        const Vector a = at(older + c), b = at(newer + c);
        part.add(a - b);
        put(a + b, sum + c);
      }
      part.store(difference, lane);
    }
    for (size_t c = tile.whole; c < tile.end; ++c) {
      const Real a = older[c], b = newer[c];
      add_one(difference, c - tile.whole, a - b);
      sum[c] = a + b;
    }
    difference.close_tile(total);
  }
  *sums = total;
}

template <class Real, Measured kMeasured>
void join_leaf(const Real* weight, const Real* const* value, size_t channels, Real* sum,
               LeafSums* sums) {
  using Vector = typename Native<Real>::Vector;
  constexpr size_t kWidth = Native<Real>::kWidth;
  LeafSums total{};
  const Real w0 = weight[0], w1 = weight[1], w2 = weight[2], w3 = weight[3];
  const Real *v0 = value[0], *v1 = value[1], *v2 = value[2], *v3 = value[3];
  for (size_t first = 0; first < channels; first += kTile) {
    const Tile tile = tile_at(first, channels);
    Difference<Real, kMeasured> first_pair, second_pair, pairs;
    Real squares[kLeaf][kLanes];
    for (size_t lane = 0; lane < kLanes; lane += kWidth) {
      PartOfDifference<Real, kMeasured> first_part, second_part, pairs_part;
      Vector q0{}, q1{}, q2{}, q3{};
      for (size_t c = tile.first + lane; c < tile.whole; c += kLanes) {
        const Vector s0 = w0 * at(v0 + c), s1 = w1 * at(v1 + c), s2 = w2 * at(v2 + c),
                     s3 = w3 * at(v3 + c);
        first_part.add(s0 - s1);
        second_part.add(s2 - s3);
        const Vector a = s0 + s1, b = s2 + s3;
        pairs_part.add(a - b);
        put(a + b, sum + c);
        if constexpr (kMeasured == Measured::All) {
          q0 += s0 * s0;
          q1 += s1 * s1;
          q2 += s2 * s2;
          q3 += s3 * s3;
        }
      }
      first_part.store(first_pair, lane);
      second_part.store(second_pair, lane);
      pairs_part.store(pairs, lane);
      if constexpr (kMeasured == Measured::All) {
        put(q0, squares[0] + lane);
        put(q1, squares[1] + lane);
        put(q2, squares[2] + lane);
        put(q3, squares[3] + lane);
      }
    }
    for (size_t c = tile.whole; c < tile.end; ++c) {
      const size_t lane = c - tile.whole;
      const Real s[kLeaf] = {w0 * v0[c], w1 * v1[c], w2 * v2[c], w3 * v3[c]};
      add_one(first_pair, lane, s[0] - s[1]);
      add_one(second_pair, lane, s[2] - s[3]);
      const Real a = s[0] + s[1], b = s[2] + s[3];
      add_one(pairs, lane, a - b);
      sum[c] = a + b;
      if constexpr (kMeasured == Measured::All)
        for (size_t i = 0; i < kLeaf; ++i) squares[i][lane] += s[i] * s[i];
    }
    first_pair.close_tile(total.first_pair);
    second_pair.close_tile(total.second_pair);
    pairs.close_tile(total.pairs);
    if constexpr (kMeasured == Measured::All)
      for (size_t i = 0; i < kLeaf; ++i)
        total.square[i] += static_cast<double>(sum_of_lanes(squares[i]));
  }
  *sums = total;
}

template <class Real>
constexpr HaarKernels<Real> kHaarKernels = {
    {join_leaf<Real, Measured::Magnitude>, join_leaf<Real, Measured::All>},
    {join<Real, Measured::Magnitude>, join<Real, Measured::All>}};

}  // namespace
}  // namespace dendrokv
