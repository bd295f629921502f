#pragma once
// The one body of the line kernels, compiled once per instruction set. Nothing here may have
// external linkage: the linker must not share it between sets.

#include <cstddef>
#include <immintrin.h>
#include <type_traits>
#include <utility>

#include "analysis/line_kernels.h"

namespace dendrokv {
namespace {

#if defined(__AVX512F__)
constexpr size_t kVectorBytes = 64;
#elif defined(__AVX2__)
constexpr size_t kVectorBytes = 32;
#else
constexpr size_t kVectorBytes = 16;
#endif

template <class Real>
struct Vectors {
  static constexpr size_t kLanes = kVectorBytes / sizeof(Real);
  // Loads and stores are unaligned: shifted views of a signal cannot all be aligned.
  typedef Real Vector __attribute__((vector_size(kVectorBytes), aligned(alignof(Real)), may_alias));
  typedef Real Aligned __attribute__((vector_size(kVectorBytes)));
};

template <class Vector, class Real>
inline void stream(Real* to, const Vector& vector) {
#if defined(__AVX512F__)
  _mm512_stream_si512(reinterpret_cast<__m512i*>(to), reinterpret_cast<__m512i>(vector));
#elif defined(__AVX2__)
  _mm256_stream_si256(reinterpret_cast<__m256i*>(to), reinterpret_cast<__m256i>(vector));
#else
  _mm_stream_si128(reinterpret_cast<__m128i*>(to), reinterpret_cast<__m128i>(vector));
#endif
}

/// Where a group of outputs has its inputs.
struct Place {
  ptrdiff_t even, odd;
  ptrdiff_t of(size_t term) const { return term % 2 == 0 ? even : odd; }
};

/// Weights of kTerms terms, held in registers as far as these go. kTerms is 0 where the number is
/// known only at run time.
template <class Real, size_t kTerms, size_t kSums>
struct Weights {
  explicit Weights(const Real* const (&weights)[kSums]) {
    for (size_t s = 0; s < kSums; ++s)
      for (size_t m = 0; m < kTerms; ++m)
        of[s][m] = weights[s][m] - typename Vectors<Real>::Aligned{};
  }
  typename Vectors<Real>::Aligned of[kSums][kTerms];
};
template <class Real, size_t kSums>
struct Weights<Real, 0, kSums> {
  explicit Weights(const Real* const (&weights)[kSums]) {
    for (size_t s = 0; s < kSums; ++s) of[s] = weights[s];
  }
  const Real* of[kSums];
};

/// kUnroll vectors of both sums; kSums is 1 or 2. The last one is stored as kStores says.
template <class Real, size_t kTerms, size_t kUnroll, size_t kSums, Stores kStores>
inline void add_terms(const Terms<Real>& terms, Place at,
                      const Weights<Real, kTerms, kSums>& weights, Real* const (&out)[kSums]) {
  using Vector = typename Vectors<Real>::Vector;
  constexpr size_t kLanes = Vectors<Real>::kLanes;
  Vector sums[kSums][kUnroll] = {};
  const auto add = [&](size_t m) {
    const Real* input = terms.inputs[m] + at.of(m);
    for (size_t u = 0; u < kUnroll; ++u) {
      const Vector x = *reinterpret_cast<const Vector*>(input + u * kLanes);
      for (size_t s = 0; s < kSums; ++s) sums[s][u] += weights.of[s][m] * x;
    }
  };
  if constexpr (kTerms > 0) {
#pragma GCC unroll 16
    for (size_t m = 0; m < kTerms; ++m) add(m);
  } else {
    for (size_t m = 0; m < terms.count; ++m) add(m);
  }
  for (size_t s = 0; s < kSums; ++s)
    for (size_t u = 0; u < kUnroll; ++u)
      if (kStores == Stores::Streamed && s + 1 == kSums)
        stream(out[s] + u * kLanes, sums[s][u]);
      else
        *reinterpret_cast<Vector*>(out[s] + u * kLanes) = sums[s][u];
}

template <class Real, size_t kSums>
inline void add_terms_of_one(const Terms<Real>& terms, Place at,
                             const Real* const (&weights)[kSums], Real* const (&out)[kSums]) {
  Real sums[kSums] = {};
  for (size_t m = 0; m < terms.count; ++m)
    for (size_t s = 0; s < kSums; ++s) sums[s] += weights[s][m] * terms.inputs[m][at.of(m)];
  for (size_t s = 0; s < kSums; ++s) *out[s] = sums[s];
}

/// The same for many terms of floats: products and sums in double, rounded once.
template <size_t kUnroll, size_t kSums>
inline void add_many_terms(const Terms<float>& terms, Place at,
                           const float* const (&weights)[kSums], float* const (&out)[kSums]) {
  using Wide = Vectors<double>::Vector;
  constexpr size_t kLanes = Vectors<double>::kLanes;
  typedef float Narrow
      __attribute__((vector_size(kVectorBytes / 2), aligned(alignof(float)), may_alias));
  Wide sums[kSums][kUnroll] = {};
  for (size_t m = 0; m < terms.count; ++m) {
    const float* input = terms.inputs[m] + at.of(m);
    for (size_t u = 0; u < kUnroll; ++u) {
      const Wide x =
          __builtin_convertvector(*reinterpret_cast<const Narrow*>(input + u * kLanes), Wide);
      for (size_t s = 0; s < kSums; ++s) sums[s][u] += static_cast<double>(weights[s][m]) * x;
    }
  }
  for (size_t s = 0; s < kSums; ++s)
    for (size_t u = 0; u < kUnroll; ++u)
      *reinterpret_cast<Narrow*>(out[s] + u * kLanes) = __builtin_convertvector(sums[s][u], Narrow);
}

template <size_t kSums>
inline void add_many_terms_of_one(const Terms<float>& terms, Place at,
                                  const float* const (&weights)[kSums],
                                  float* const (&out)[kSums]) {
  double sums[kSums] = {};
  for (size_t m = 0; m < terms.count; ++m)
    for (size_t s = 0; s < kSums; ++s)
      sums[s] +=
          static_cast<double>(weights[s][m]) * static_cast<double>(terms.inputs[m][at.of(m)]);
  for (size_t s = 0; s < kSums; ++s) *out[s] = static_cast<float>(sums[s]);
}

template <size_t kSums>
inline void combine_many(const Terms<float>& terms, const float* const (&weights)[kSums],
                         const Runs& runs, float* const (&outs)[kSums]) {
  constexpr size_t kLanes = Vectors<double>::kLanes, kUnroll = 4;
  for (size_t r = 0; r < runs.count; ++r) {
    const auto run = static_cast<ptrdiff_t>(r);
    float* at[kSums];
    const auto place_of = [&](size_t c) {
      const auto column = static_cast<ptrdiff_t>(c);
      for (size_t s = 0; s < kSums; ++s)
        at[s] = outs[s] + run * (s == 0 ? runs.step0 : runs.step1) + column;
      return Place{run * terms.even_step + column, run * terms.odd_step + column};
    };
    size_t c = 0;
    for (; c + kUnroll * kLanes <= runs.length; c += kUnroll * kLanes)
      add_many_terms<kUnroll, kSums>(terms, place_of(c), weights, at);
    for (; c + kLanes <= runs.length; c += kLanes)
      add_many_terms<1, kSums>(terms, place_of(c), weights, at);
    for (; c < runs.length; ++c) add_many_terms_of_one<kSums>(terms, place_of(c), weights, at);
  }
}

/// Elements up to the next border of vectors; `none` when there is no such place.
template <class Real>
inline size_t to_border(const Real* at, size_t none) {
  const size_t beyond = reinterpret_cast<size_t>(at) % kVectorBytes;
  if (beyond % sizeof(Real) != 0) return none;
  return beyond == 0 ? 0 : (kVectorBytes - beyond) / sizeof(Real);
}

template <class Real>
__attribute__((always_inline)) inline void fetch_ahead(const Terms<Real>& terms, Place at,
                                                       size_t length) {
  for (size_t c = 0; c < length; c += 64 / sizeof(Real))
    for (size_t m = 0; m < 2; ++m)
      __builtin_prefetch(terms.inputs[m] + at.of(m) + terms.ahead + static_cast<ptrdiff_t>(c));
}

template <class Real, size_t kTerms, size_t kSums, Stores kStores>
void combine_by(const Terms<Real>& terms, const Real* const (&weights)[kSums], const Runs& runs,
                Real* const (&outs)[kSums]) {
  constexpr size_t kLanes = Vectors<Real>::kLanes;
  // where the number of terms is known, registers are for the weights
  constexpr size_t kUnroll = kTerms > 0 ? 1 : 4;
  const Weights<Real, kTerms, kSums> held(weights);
  for (size_t r = 0; r < runs.count; ++r) {
    const auto run = static_cast<ptrdiff_t>(r);
    size_t c = 0;
    const auto out_at = [&](Real*(&at)[kSums]) {
      for (size_t s = 0; s < kSums; ++s)
        at[s] = outs[s] + run * (s == 0 ? runs.step0 : runs.step1) + c;
    };
    const auto in_at = [&] {
      const auto column = static_cast<ptrdiff_t>(c);
      return Place{run * terms.even_step + column, run * terms.odd_step + column};
    };
    Real* at[kSums];
    if constexpr (kStores == Stores::Streamed) {
      out_at(at);
      const size_t border = to_border(at[kSums - 1], runs.length);
      for (; c < border && c < runs.length; ++c) {
        out_at(at);
        add_terms_of_one<Real, kSums>(terms, in_at(), weights, at);
      }
    }
    if (terms.ahead != 0) fetch_ahead(terms, in_at(), runs.length);
    for (; c + kUnroll * kLanes <= runs.length; c += kUnroll * kLanes) {
      out_at(at);
      add_terms<Real, kTerms, kUnroll, kSums, kStores>(terms, in_at(), held, at);
    }
    for (; kTerms == 0 && c + 2 * kLanes <= runs.length; c += 2 * kLanes) {
      out_at(at);
      add_terms<Real, kTerms, 2, kSums, kStores>(terms, in_at(), held, at);
    }
    for (; c + kLanes <= runs.length; c += kLanes) {
      out_at(at);
      add_terms<Real, kTerms, 1, kSums, kStores>(terms, in_at(), held, at);
    }
    for (; c < runs.length; ++c) {
      out_at(at);
      add_terms_of_one<Real, kSums>(terms, in_at(), weights, at);
    }
  }
}

/// Rows of a few vectors: a loop over terms would cost as much as they do. Long runs are as fast
/// either way, and faster with more than ten terms, whose weights are not all held in registers.
template <class Real, size_t kSums, Stores kStores>
inline void combine_all(const Terms<Real>& terms, const Real* const (&weights)[kSums],
                        const Runs& runs, Real* const (&outs)[kSums]) {
  if (runs.count > 1) switch (terms.count) {
      case 2:
        return combine_by<Real, 2, kSums, kStores>(terms, weights, runs, outs);
      case 4:
        return combine_by<Real, 4, kSums, kStores>(terms, weights, runs, outs);
      case 6:
        return combine_by<Real, 6, kSums, kStores>(terms, weights, runs, outs);
      case 8:
        return combine_by<Real, 8, kSums, kStores>(terms, weights, runs, outs);
      case 10:
        return combine_by<Real, 10, kSums, kStores>(terms, weights, runs, outs);
      default:
        break;
    }
  combine_by<Real, 0, kSums, kStores>(terms, weights, runs, outs);
}

template <class Real>
void combine(const Terms<Real>& terms, const Real* weights, const Runs& runs, Real* out) {
  if constexpr (std::is_same_v<Real, float>)
    if (terms.count > kFewTerms) return combine_many<1>(terms, {weights}, runs, {out});
  combine_all<Real, 1, Stores::Cached>(terms, {weights}, runs, {out});
}

template <class Real>
void combine_two(const Terms<Real>& terms, const Real* weights0, const Real* weights1,
                 const Runs& runs, Real* out0, Real* out1) {
  if constexpr (std::is_same_v<Real, float>)
    if (terms.count > kFewTerms)
      return combine_many<2>(terms, {weights0, weights1}, runs, {out0, out1});
  // A run of few vectors is streamed only if all of it is: a scalar element costs more than a line.
  constexpr size_t kLong = 512;
  const bool whole = reinterpret_cast<size_t>(out1) % kVectorBytes == 0 &&
                     static_cast<size_t>(runs.step1) * sizeof(Real) % kVectorBytes == 0;
  if (runs.stores1 == Stores::Streamed && (whole || runs.length >= kLong))
    combine_all<Real, 2, Stores::Streamed>(terms, {weights0, weights1}, runs, {out0, out1});
  else
    combine_all<Real, 2, Stores::Cached>(terms, {weights0, weights1}, runs, {out0, out1});
}

template <class Real>
void split(const Real* __restrict in, size_t pairs, Real* __restrict even, Real* __restrict odd) {
  for (size_t i = 0; i < pairs; ++i) {
    even[i] = in[2 * i];
    odd[i] = in[2 * i + 1];
  }
}

template <class Real>
void join(const Real* __restrict even, const Real* __restrict odd, size_t pairs,
          Real* __restrict out) {
  for (size_t i = 0; i < pairs; ++i) {
    out[2 * i] = even[i];
    out[2 * i + 1] = odd[i];
  }
}

/// A number times nothing is nothing, unless it is none.
template <class Real>
bool finite(const Real* in, size_t count) {
  using Vector = typename Vectors<Real>::Vector;
  constexpr size_t kLanes = Vectors<Real>::kLanes;
  Vector sums[4] = {};
  size_t i = 0;
  for (; i + 4 * kLanes <= count; i += 4 * kLanes)
    for (size_t u = 0; u < 4; ++u)
      sums[u] += *reinterpret_cast<const Vector*>(in + i + u * kLanes) * Real{0};
  Real sum = 0;
  for (const Vector& of : sums)
    for (size_t lane = 0; lane < kLanes; ++lane) sum += of[lane];
  for (; i < count; ++i) sum += in[i] * Real{0};
  return sum == 0;
}

/// Elements 0, 2, 4, ... (kFirst 0) or 1, 3, 5, ... of two vectors that follow each other.
template <size_t kFirst, class Vector, size_t... kLane>
inline Vector every_second(const Vector& a, const Vector& b, std::index_sequence<kLane...>) {
  return __builtin_shufflevector(a, b, static_cast<int>(2 * kLane + kFirst)...);
}
/// The vector that starts kShift elements after the first of two that follow each other.
template <size_t kShift, class Vector, size_t... kLane>
inline Vector shifted(const Vector& a, const Vector& b, std::index_sequence<kLane...>) {
  return __builtin_shufflevector(a, b, static_cast<int>(kLane + kShift)...);
}

/// The even and the odd ones of two vectors of samples.
template <class Real>
struct Parities {
  using Vector = typename Vectors<Real>::Vector;
  static constexpr size_t kLanes = Vectors<Real>::kLanes;
  static constexpr auto kAll = std::make_index_sequence<kLanes>();

  static Parities load(const Real* x) {
    const Vector a = *reinterpret_cast<const Vector*>(x),
                 b = *reinterpret_cast<const Vector*>(x + kLanes);
    return {every_second<0>(a, b, kAll), every_second<1>(a, b, kAll)};
  }
  /// Those kPairs pairs later; `next` follows this.
  template <size_t kPairs>
  Parities later(const Parities& next) const {
    return {shifted<kPairs>(even, next.even, kAll), shifted<kPairs>(odd, next.odd, kAll)};
  }
  Vector even, odd;
};

/// Sums of products with both sets of weights, a pair of taps at a time, the newest first.
template <class Real, size_t kTaps>
struct Decimated {
  using Vector = typename Vectors<Real>::Vector;
  explicit Decimated(const Weights<Real, kTaps, 2>& weights) : held(weights) {}

  __attribute__((always_inline)) void add(size_t tap, const Parities<Real>& samples) {
    sum0 += held.of[0][tap] * samples.odd;
    sum1 += held.of[1][tap] * samples.odd;
    sum0 += held.of[0][tap + 1] * samples.even;
    sum1 += held.of[1][tap + 1] * samples.even;
  }
  template <size_t kPair = kTaps / 2 - 1>
  __attribute__((always_inline)) void add_all(const Parities<Real>& here,
                                              const Parities<Real>& next) {
    add(kTaps - 2 - 2 * kPair, here.template later<kPair>(next));
    if constexpr (kPair > 0) add_all<kPair - 1>(here, next);
  }
  __attribute__((always_inline)) void add_all(const Real* x) {
#pragma GCC unroll 8
    for (size_t tap = 0; tap < kTaps; tap += 2)
      add(tap, Parities<Real>::load(x + (kTaps - 2 - tap)));
  }
  void store(Real* out0, Real* out1) const {
    *reinterpret_cast<Vector*>(out0) = sum0;
    *reinterpret_cast<Vector*>(out1) = sum1;
  }

  const Weights<Real, kTaps, 2>& held;
  Vector sum0{}, sum1{};
};

template <class Real, size_t kTaps>
inline void decimate_by(const Real* x, const Real* weights0, const Real* weights1, size_t count,
                        Real* out0, Real* out1) {
  constexpr size_t kLanes = Vectors<Real>::kLanes;
  // Memory delivers these lines while the kernel works: one that is written is else asked for only
  // when it is.
  constexpr size_t kAhead = 4096 / sizeof(Real);
  const Weights<Real, kTaps, 2> held({weights0, weights1});
  const size_t samples = 2 * count + kTaps - 2;
  size_t k = 0;
  // Samples are loaded and taken apart once where two vectors hold all that an output sees.
  if constexpr (kTaps / 2 - 1 <= kLanes)
    if (samples >= 4 * kLanes) {
      auto here = Parities<Real>::load(x);
      for (; 2 * k + 4 * kLanes <= samples; k += kLanes) {
        __builtin_prefetch(x + 2 * (k + kAhead));
        __builtin_prefetch(x + 2 * (k + kAhead) + kLanes);
        __builtin_prefetch(out1 + k + kAhead, 1);
        const auto next = Parities<Real>::load(x + 2 * (k + kLanes));
        Decimated<Real, kTaps> sums(held);
        sums.add_all(here, next);
        sums.store(out0 + k, out1 + k);
        here = next;
      }
    }
  for (; k + kLanes <= count; k += kLanes) {
    Decimated<Real, kTaps> sums(held);
    sums.add_all(x + 2 * k);
    sums.store(out0 + k, out1 + k);
  }
  for (; k < count; ++k) {
    Real sum0 = 0, sum1 = 0;
    for (size_t m = 0; m < kTaps; ++m) {
      sum0 += weights0[m] * x[2 * k + kTaps - 1 - m];
      sum1 += weights1[m] * x[2 * k + kTaps - 1 - m];
    }
    out0[k] = sum0;
    out1[k] = sum1;
  }
}

template <class Real>
bool decimate(const Real* x, const Real* weights0, const Real* weights1, size_t taps, size_t count,
              Real* out0, Real* out1) {
  switch (taps) {
    case 2:
      decimate_by<Real, 2>(x, weights0, weights1, count, out0, out1);
      return true;
    case 4:
      decimate_by<Real, 4>(x, weights0, weights1, count, out0, out1);
      return true;
    case 6:
      decimate_by<Real, 6>(x, weights0, weights1, count, out0, out1);
      return true;
    case 8:
      decimate_by<Real, 8>(x, weights0, weights1, count, out0, out1);
      return true;
    case 10:
      decimate_by<Real, 10>(x, weights0, weights1, count, out0, out1);
      return true;
    case 12:
      decimate_by<Real, 12>(x, weights0, weights1, count, out0, out1);
      return true;
    case 14:
      decimate_by<Real, 14>(x, weights0, weights1, count, out0, out1);
      return true;
    case 16:
      decimate_by<Real, 16>(x, weights0, weights1, count, out0, out1);
      return true;
    default:
      return false;
  }
}

template <class Real>
constexpr LineKernels<Real> kernels_named(std::string_view isa) {
  return {isa,         combine<Real>, combine_two<Real>, decimate<Real>,
          split<Real>, join<Real>,    finite<Real>};
}

}  // namespace
}  // namespace dendrokv
