#pragma once
// The one body of the Haar kernels, compiled once per instruction set. Nothing here may have
// external linkage or use the standard library's inline functions: the linker must not share code
// between sets.
//
// A block goes by in tiles of 64 channels, and then of 16:
//
//   1. eight rows at a time are read in the order of memory, and joined as a tree in registers: a
//      difference is done with before the next begins
//   2. their sums are joined in the first cache up to the whole block
//   3. the sixteen lanes of every difference are added up last, of a vector of them at once: each
//      alone would take as long as all the rest

#include <stddef.h>
#include <stdint.h>
#include <utility>

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

constexpr size_t kLanes = 16;        // one AVX-512 register of floats
constexpr size_t kTileGroups = 4;    // of kLanes channels, summed in Real; then in double
constexpr uint32_t kLeafLevels = 3;  // joined in registers
constexpr size_t kMostLeaves = kBlockRows >> 1;  // those of a single level

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
template <class T>
struct Native {
  typedef T Vector __attribute__((vector_size(kVectorBytes), aligned(alignof(T)), may_alias));
  static constexpr size_t kWidth = kVectorBytes / sizeof(T);
};
template <class T>
using VectorOf = typename Native<T>::Vector;

template <class T>
inline VectorOf<T> at(const T* from) {
  return *reinterpret_cast<const VectorOf<T>*>(from);
}
template <class T>
inline void put(const VectorOf<T>& vector, T* to) {
  *reinterpret_cast<VectorOf<T>*>(to) = vector;
}

/// The first cache only, which is where it is wanted next. It may lie beyond the values: no fault.
template <class T>
inline void ask_for(const T* from, ptrdiff_t ahead) {
  const auto place = reinterpret_cast<uintptr_t>(from) + static_cast<uintptr_t>(ahead) * sizeof(T);
  __builtin_prefetch(reinterpret_cast<const void*>(place), 0, 0);
}

// --- sixteen lanes made one

struct Sum {
  template <class T>
  static inline VectorOf<T> of(const VectorOf<T>& a, const VectorOf<T>& b) {
    return a + b;
  }
};
struct Product {
  template <class T>
  static inline VectorOf<T> of(const VectorOf<T>& a, const VectorOf<T>& b) {
    return a * b;
  }
};

/// Each of two vectors holds parts of 2 * kHalf lanes. Their first halves joined with their second
/// ones: the parts of the first vector, then those of the second.
template <class T, class Join, size_t kHalf, size_t... kLane>
inline VectorOf<T> halves_joined(const VectorOf<T>& a, const VectorOf<T>& b,
                                 std::index_sequence<kLane...>) {
  return Join::template of<T>(
      __builtin_shufflevector(a, b, static_cast<int>(2 * kLane - kLane % kHalf)...),
      __builtin_shufflevector(a, b, static_cast<int>(2 * kLane - kLane % kHalf + kHalf)...));
}

/// The lanes of kCount differences joined, upper halves with lower ones, as far as one vector holds
/// them all: kCount parts of equally many lanes.
template <class T, class Join, size_t kCount>
inline VectorOf<T> lanes_joined(const T (*lanes)[kLanes]) {
  constexpr size_t kWidth = Native<T>::kWidth;
  if constexpr (kCount == 1) {
    VectorOf<T> parts[kLanes / kWidth];
    for (size_t i = 0; i < kLanes / kWidth; ++i) parts[i] = at(lanes[0] + i * kWidth);
    for (size_t half = kLanes / kWidth / 2; half > 0; half /= 2)
      for (size_t i = 0; i < half; ++i) parts[i] = Join::template of<T>(parts[i], parts[i + half]);
    return parts[0];
  } else {
    return halves_joined<T, Join, kWidth / kCount>(
        lanes_joined<T, Join, kCount / 2>(lanes),
        lanes_joined<T, Join, kCount / 2>(lanes + kCount / 2), std::make_index_sequence<kWidth>());
  }
}

/// One number of each of the differences of a block.
template <class Join, class T>
inline void join_lanes(const T (*lanes)[kLanes], T* joined) {
  constexpr size_t kWidth = Native<T>::kWidth;
  for (size_t first = 0; first < kBlockRows; first += kWidth)
    put(lanes_joined<T, Join, kWidth>(lanes + first), joined + first);
}

// --- what is found out about a tile, lane by lane

template <class Real>
struct TileLanes {
  using Bits = typename Types<Real>::Bits;
  alignas(64) Real magnitude[kBlockRows][kLanes];
  alignas(64) Real square[kBlockRows][kLanes];
  alignas(64) Real signal_square[kBlockRows][kLanes];
  // The logarithm of a product of many numbers: mantissas, from 1 to 2, are multiplied and
  // exponents added, so that a tile takes one logarithm. It has 64 factors at most: the product
  // stays below 2^64.
  alignas(64) Real mantissa[kBlockRows][kLanes];
  alignas(64) Bits exponent[kBlockRows][kLanes];
};

template <class Real>
inline void add_joined(const Real (*lanes)[kLanes], double* sums) {
  alignas(64) Real joined[kBlockRows];
  join_lanes<Sum>(lanes, joined);
  for (size_t i = 0; i < kBlockRows; ++i) sums[i] += static_cast<double>(joined[i]);
}

/// `beyond`: channels of zeros at the end of a tile; each counted as the least number.
template <class Real>
inline void add_logarithms(const TileLanes<Real>& lanes, uint32_t depth, size_t beyond,
                           double* sums) {
  using Bits = typename Types<Real>::Bits;
  alignas(64) Real mantissas[kBlockRows];
  alignas(64) Bits exponents[kBlockRows];
  join_lanes<Product>(lanes.mantissa, mantissas);
  join_lanes<Sum>(lanes.exponent, exponents);
  constexpr double kLn2 = 0.693147180559945309417;
  const Bits of_zeros = static_cast<Bits>(beyond) * (1 - Types<Real>::kBias);
  for (uint32_t level = 1; level <= depth; ++level)
    for (size_t i = 0; i < size_t{1} << (depth - level); ++i) {
      const size_t difference = first_difference(level) + i;
      sums[difference] += __builtin_log(static_cast<double>(mantissas[difference])) +
                          kLn2 * static_cast<double>(exponents[difference] - of_zeros);
    }
}

// --- the tree

/// Of a row, as many lanes of each group of a tile as a register has.
template <class Real, size_t kGroups>
struct Slice {
  VectorOf<Real> group[kGroups];
};

template <class Real, Measured kMeasured, size_t kGroups>
class TileTree {
 public:
  using Part = Slice<Real, kGroups>;
  using Bits = typename Types<Real>::Bits;
  static constexpr size_t kChannels = kGroups * kLanes;

  /// `block` begins with the tile's first channel.
  TileTree(const HaarBlock<Real>& block, TileLanes<Real>& lanes) : block_(block), lanes_(lanes) {}

  inline void measure() {
    for (size_t lane = 0; lane < kLanes; lane += Native<Real>::kWidth) {
      uint32_t level = block_.depth < kLeafLevels ? block_.depth : kLeafLevels;
      if (level == 1)
        read_leaves<1>(lane);
      else if (level == 2)
        read_leaves<2>(lane);
      else
        read_leaves<3>(lane);
      for (++level; level <= block_.depth; ++level)
        for (size_t i = 0; i < size_t{1} << (block_.depth - level); ++i)
          keep(joined(kept(2 * i, lane), kept(2 * i + 1, lane), first_difference(level) + i, lane),
               i, lane);
    }
  }
  const Real* sum() const { return sums_[0]; }

 private:
  template <uint32_t kDepth>
  inline void read_leaves(size_t lane) {
    for (size_t leaf = 0; leaf < size_t{1} << (block_.depth - kDepth); ++leaf)
      keep(sum_of_rows<kDepth>(leaf << kDepth, lane), leaf, lane);
  }
  template <uint32_t kDepth>
  inline Part sum_of_rows(size_t row, size_t lane) {
    if constexpr (kDepth == 0) {
      return signal(row, lane);
    } else {
      const Part older = sum_of_rows<kDepth - 1>(row, lane);
      const Part newer = sum_of_rows<kDepth - 1>(row + (size_t{1} << (kDepth - 1)), lane);
      return joined(older, newer, first_difference(kDepth) + (row >> kDepth), lane);
    }
  }
  inline Part signal(size_t row, size_t lane) {
    const Real* value = block_.value + static_cast<ptrdiff_t>(row) * block_.stride + lane;
    const Real weight = block_.weight[row];
    Part part;
    for (size_t g = 0; g < kGroups; ++g) {
      if (block_.ahead != 0 && lane * sizeof(Real) % 64 == 0)
        ask_for(value + g * kLanes, block_.ahead);
      part.group[g] = weight * at(value + g * kLanes);
    }
    if constexpr (kMeasured == Measured::All) {
      VectorOf<Real> square = part.group[0] * part.group[0];
      for (size_t g = 1; g < kGroups; ++g) square += part.group[g] * part.group[g];
      put(square, lanes_.signal_square[row] + lane);
    }
    return part;
  }
  inline Part joined(const Part& older, const Part& newer, size_t difference, size_t lane) {
    Part apart, sum;
    for (size_t g = 0; g < kGroups; ++g) {
      apart.group[g] = older.group[g] - newer.group[g];
      sum.group[g] = older.group[g] + newer.group[g];
    }
    note(apart, difference, lane);
    return sum;
  }
  inline void note(const Part& apart, size_t difference, size_t lane) {
    constexpr Bits kSign = Bits(uint64_t{1} << (8 * sizeof(Bits) - 1));
    constexpr Bits kOne = Types<Real>::kBias << Types<Real>::kMantissa;
    constexpr Bits kLeast = Bits{1} << Types<Real>::kMantissa;
    VectorOf<Real> magnitudes{}, squares{}, mantissas = VectorOf<Real>{} + 1;
    VectorOf<Bits> exponents{};
    for (size_t g = 0; g < kGroups; ++g) {
      const VectorOf<Bits> magnitude =
          reinterpret_cast<const VectorOf<Bits>&>(apart.group[g]) & ~kSign;
      magnitudes += reinterpret_cast<const VectorOf<Real>&>(magnitude);
      if constexpr (kMeasured == Measured::All) {
        squares += apart.group[g] * apart.group[g];
        const VectorOf<Bits> number = magnitude < kLeast ? kLeast + VectorOf<Bits>{} : magnitude;
        exponents += (number >> Types<Real>::kMantissa) - Types<Real>::kBias;
        const VectorOf<Bits> mantissa = (number & (kLeast - 1)) | kOne;
        mantissas *= reinterpret_cast<const VectorOf<Real>&>(mantissa);
      }
    }
    put(magnitudes, lanes_.magnitude[difference] + lane);
    if constexpr (kMeasured == Measured::All) {
      put(squares, lanes_.square[difference] + lane);
      put(mantissas, lanes_.mantissa[difference] + lane);
      put(exponents, lanes_.exponent[difference] + lane);
    }
  }
  inline void keep(const Part& part, size_t row, size_t lane) {
    for (size_t g = 0; g < kGroups; ++g) put(part.group[g], sums_[row] + g * kLanes + lane);
  }
  inline Part kept(size_t row, size_t lane) const {
    Part part;
    for (size_t g = 0; g < kGroups; ++g) part.group[g] = at(sums_[row] + g * kLanes + lane);
    return part;
  }

  HaarBlock<Real> block_;
  TileLanes<Real>& lanes_;
  alignas(64) Real sums_[kMostLeaves][kChannels];
};

// --- the block

template <class Real, Measured kMeasured, size_t kGroups>
inline void measure_tile(const HaarBlock<Real>& tile, TileLanes<Real>& lanes, Real* sum,
                         BlockSums& sums) {
  TileTree<Real, kMeasured, kGroups> tree(tile, lanes);
  tree.measure();
  if (sum) __builtin_memcpy(sum, tree.sum(), tile.channels * sizeof(Real));
  add_joined(lanes.magnitude, sums.magnitude);
  if constexpr (kMeasured == Measured::All) {
    add_joined(lanes.square, sums.square);
    add_joined(lanes.signal_square, sums.signal_square);
    add_logarithms(lanes, tile.depth, kGroups * kLanes - tile.channels, sums.log);
  }
}

/// Fewer channels than a group has, made one with zeros.
template <class Real, Measured kMeasured>
inline void measure_rest(HaarBlock<Real> rest, TileLanes<Real>& lanes, Real* sum, BlockSums& sums) {
  alignas(64) Real padded[kBlockRows][kLanes] = {};
  for (size_t row = 0; row < size_t{1} << rest.depth; ++row)
    __builtin_memcpy(padded[row], rest.value + static_cast<ptrdiff_t>(row) * rest.stride,
                     rest.channels * sizeof(Real));
  rest.value = padded[0];
  rest.stride = kLanes;
  rest.ahead = 0;
  measure_tile<Real, kMeasured, 1>(rest, lanes, sum, sums);
}

/// Lanes that no difference of the block fills: they are joined all the same.
template <class Real, Measured kMeasured>
inline void clear_unused(TileLanes<Real>& lanes, uint32_t depth) {
  const auto clear = [depth](auto& all) {
    constexpr size_t kLast = kBlockRows - 1;
    if (depth == kBlockLevels)
      __builtin_memset(all[kLast], 0, sizeof all[kLast]);
    else
      __builtin_memset(all, 0, sizeof all);
  };
  clear(lanes.magnitude);
  if constexpr (kMeasured == Measured::All) {
    clear(lanes.square);
    clear(lanes.mantissa);
    clear(lanes.exponent);
    if (depth < kBlockLevels) clear(lanes.signal_square);
  }
}

template <class Real, Measured kMeasured>
void measure_block(const HaarBlock<Real>& block, Real* sum, BlockSums* sums) {
  TileLanes<Real> lanes;
  clear_unused<Real, kMeasured>(lanes, block.depth);
  if constexpr (kMeasured == Measured::All)
    *sums = {};
  else
    __builtin_memset(sums->magnitude, 0, sizeof sums->magnitude);
  HaarBlock<Real> tile = block;
  for (size_t first = 0; first < block.channels; first += tile.channels) {
    const size_t left = block.channels - first;
    tile.value = block.value + first;
    Real* tile_sum = sum ? sum + first : nullptr;
    if (left >= kTileGroups * kLanes) {
      tile.channels = kTileGroups * kLanes;
      measure_tile<Real, kMeasured, kTileGroups>(tile, lanes, tile_sum, *sums);
    } else if (left >= kLanes) {
      tile.channels = kLanes;
      measure_tile<Real, kMeasured, 1>(tile, lanes, tile_sum, *sums);
    } else {
      tile.channels = left;
      measure_rest<Real, kMeasured>(tile, lanes, tile_sum, *sums);
    }
  }
}

template <class Real>
constexpr HaarKernels<Real> kHaarKernels = {
    {measure_block<Real, Measured::Magnitude>, measure_block<Real, Measured::All>}};

}  // namespace
}  // namespace dendrokv
