// The fused Haar profile. For each head:
//
//   1. four rows of the values make four rows of the signal, which stay in registers: their differences are levels 1 and 2
//   2. their sum goes up like a digit of a binary counter: when the second block of a size is complete, the two are
//      compared (the amplitude of the next level) and become one of twice the size
//
// All heads take their turn over the same four rows, so that the values come from memory once. Sums are carried instead of means:
// the division by a power of two at the end is exact. Sums over channels run in four lanes, joined in a fixed order, at most 64
// channels in Real, the rest in double: the compiler may use any vectors and the bits stay the same.

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "analysis/haar.h"
#include "data/error.h"

namespace dendrokv {
namespace {

constexpr size_t kLanes = 4;  // a vector register of every x86-64: 8 took half as long again there
constexpr size_t kTile = 64;  // channels summed in Real
constexpr size_t kLeaf = 4;   // positions

/// kLanes neighbouring channels; at the end of a row fewer, the others zero. The compilers' vector type, not loops over an
/// array: those were vectorised at one level of optimisation and five times slower at another.
template <class Real>
struct Lanes {
  static_assert(std::is_same_v<Real, float> || std::is_same_v<Real, double>);
  using Bits = std::conditional_t<std::is_same_v<Real, float>, int32_t, int64_t>;
  typedef Real Vector __attribute__((vector_size(kLanes * sizeof(Real))));
  typedef Bits Mask __attribute__((vector_size(kLanes * sizeof(Bits))));

  Vector value{};

  static Lanes load(const Real* from, size_t count) {
    Lanes lanes;
    std::memcpy(&lanes.value, from, count * sizeof(Real));
    return lanes;
  }
  void store(Real* to, size_t count) const { std::memcpy(to, &value, count * sizeof(Real)); }

  void add_difference(const Lanes& a, const Lanes& b) {
    const Vector difference = a.value - b.value;
    const Mask magnitude = std::numeric_limits<Bits>::max() + Mask{};
    value += reinterpret_cast<Vector>(reinterpret_cast<Mask>(difference) & magnitude);
  }
  double joined() const {
    Vector sum = value;
    for (size_t half = kLanes / 2; half > 0; half /= 2)
      for (size_t lane = 0; lane < half; ++lane) sum[lane] += sum[lane + half];
    return static_cast<double>(sum[0]);
  }
};

/// Calls step(first channel, count) for each group of kLanes channels, and end() after every kTile channels.
template <class Step, class End>
inline void for_each_group(size_t channels, const Step& step, const End& end) {
  for (size_t tile = 0; tile < channels; tile += kTile) {
    const size_t last = std::min(tile + kTile, channels);
    size_t c = tile;
    for (; c + kLanes <= last; c += kLanes) step(c, kLanes);
    if (c < last) step(c, last - c);
    end();
  }
}

/// sum = older + newer; returns the sum over channels of |older - newer|. `sum` may be `newer`.
template <class Real>
double join(const Real* older, const Real* newer, size_t channels, Real* sum) {
  double total = 0;
  Lanes<Real> difference;
  for_each_group(
      channels,
      [&](size_t c, size_t count) {
        const auto a = Lanes<Real>::load(older + c, count), b = Lanes<Real>::load(newer + c, count);
        difference.add_difference(a, b);
        Lanes<Real>{a.value + b.value}.store(sum + c, count);
      },
      [&] { total += std::exchange(difference, {}).joined(); });
  return total;
}

/// Sums over channels of the differences in a leaf.
struct LeafDifferences {
  double first_pair = 0, second_pair = 0, pairs = 0;
};

template <class Real>
LeafDifferences join_leaf(const std::array<Real, kLeaf>& weight,
                          const std::array<const Real*, kLeaf>& value, size_t channels, Real* sum) {
  LeafDifferences total;
  Lanes<Real> first_pair, second_pair, pairs;
  for_each_group(
      channels,
      [&](size_t c, size_t count) {
        const auto signal = [&](size_t i) {
          return Lanes<Real>{weight[i] * Lanes<Real>::load(value[i] + c, count).value};
        };
        const auto s0 = signal(0), s1 = signal(1), s2 = signal(2), s3 = signal(3);
        first_pair.add_difference(s0, s1);
        second_pair.add_difference(s2, s3);
        const Lanes<Real> a{s0.value + s1.value}, b{s2.value + s3.value};
        pairs.add_difference(a, b);
        Lanes<Real>{a.value + b.value}.store(sum + c, count);
      },
      [&] {
        total.first_pair += std::exchange(first_pair, {}).joined();
        total.second_pair += std::exchange(second_pair, {}).joined();
        total.pairs += std::exchange(pairs, {}).joined();
      });
  return total;
}

/// Sums of the blocks of one head that wait for their second half, and where its amplitudes go.
template <class Real>
class BlockCounter {
 public:
  BlockCounter(size_t positions, uint32_t levels, size_t channels, std::span<double> out)
      : levels_(levels), channels_(channels), sums_(levels + size_t{1}, channels) {
    for (uint32_t level = 1; level <= levels; ++level) {
      next_.push_back(out.data() + amplitudes_of_level(positions, level).first);
      scale_.push_back(std::ldexp(1.0, -static_cast<int>(level)) / static_cast<double>(channels));
    }
  }

  void add_leaf(size_t leaf, const std::array<Real, kLeaf>& weight,
                const std::array<const Real*, kLeaf>& value) {
    Real* sum = place_of(leaf, 2);
    const LeafDifferences difference = join_leaf(weight, value, channels_, sum);
    put(1, difference.first_pair);
    put(1, difference.second_pair);
    put(2, difference.pairs);
    uint32_t level = 2;
    for (; leaf % 2 == 1 && level < levels_; leaf /= 2, ++level) {
      Real* joined_sum = place_of(leaf / 2, level + 1);
      put(level + 1, join(waiting(level), sum, channels_, joined_sum));
      sum = joined_sum;
    }
  }

  /// For a transform of one level, whose blocks are smaller than a leaf.
  void add_pair(const Real* older, const Real* newer) {
    put(1, join(older, newer, channels_, current()));
  }

 private:
  /// Where the sum of a block of 2^level goes: an even one waits, an odd one goes up at once.
  Real* place_of(size_t block, uint32_t level) {
    return block % 2 == 0 && level < levels_ ? waiting(level) : current();
  }
  Real* current() { return sums_.row(0).data(); }
  Real* waiting(uint32_t level) { return sums_.row(level).data(); }
  void put(uint32_t level, double difference) {
    *next_[level - 1]++ = difference * scale_[level - 1];
  }

  uint32_t levels_;
  size_t channels_;
  Grid<Real> sums_;  // row 0: the block just completed; row l: a block of 2^l that waits
  std::vector<double*> next_;
  std::vector<double> scale_;
};

/// The first position whose products are not numbers, or one that overflows.
template <class Real>
[[noreturn]] void fail_at_first_gap(GridView<const Real> weights, GridView<const Real> values) {
  for (size_t position = 0; position < values.rows(); ++position) {
    const std::string subject = "contribution at window position " + std::to_string(position);
    for (size_t head = 0; head < weights.rows(); ++head)
      if (!std::isfinite(weights(head, position)))
        fail(subject, "no attention weight",
             "wanted a query that sees every position of the window",
             "take a trace that was recorded without eviction");
    for (const Real value : values.row(position))
      if (!std::isfinite(value))
        fail(subject, "a value that is not a finite number", "wanted numbers");
  }
  fail("contributions", "products beyond the range of the numbers", "wanted finite ones");
}

template <class Real>
void add_leaves(GridView<const Real> weights, GridView<const Real> values,
                std::vector<BlockCounter<Real>>& heads) {
  for (size_t leaf = 0; leaf < values.rows() / kLeaf; ++leaf) {
    std::array<const Real*, kLeaf> value;
    for (size_t i = 0; i < kLeaf; ++i) value[i] = values.row(leaf * kLeaf + i).data();
    for (size_t h = 0; h < heads.size(); ++h) {
      std::array<Real, kLeaf> weight;
      for (size_t i = 0; i < kLeaf; ++i) weight[i] = weights(h, leaf * kLeaf + i);
      heads[h].add_leaf(leaf, weight, value);
    }
  }
}

template <class Real>
void add_pairs(GridView<const Real> weights, GridView<const Real> values,
               std::vector<BlockCounter<Real>>& heads) {
  Grid<Real> pair(2, values.cols());
  for (size_t position = 0; position < values.rows(); position += 2)
    for (size_t h = 0; h < heads.size(); ++h) {
      for (size_t i = 0; i < 2; ++i)
        for (size_t c = 0; c < values.cols(); ++c)
          pair(i, c) = weights(h, position + i) * values(position + i, c);
      heads[h].add_pair(pair.row(0).data(), pair.row(1).data());
    }
}

}  // namespace

IndexRange amplitudes_of_level(size_t positions, uint32_t level) {
  return {positions - (positions >> (level - 1)), positions >> level};
}

size_t amplitude_count(size_t positions, uint32_t levels) {
  return positions - (positions >> levels);
}

template <class Real>
void haar_amplitudes(GridView<const Real> weights, GridView<const Real> values, uint32_t levels,
                     GridView<double> out) {
  DENDROKV_ASSERT(levels >= 1 && levels <= kMostLevels);
  DENDROKV_ASSERT(values.cols() > 0 && values.rows() % (size_t{1} << levels) == 0);
  DENDROKV_ASSERT(weights.cols() == values.rows() && weights.rows() == out.rows());
  DENDROKV_ASSERT(out.cols() == amplitude_count(values.rows(), levels));
  std::vector<BlockCounter<Real>> heads;
  for (size_t h = 0; h < out.rows(); ++h)
    heads.emplace_back(values.rows(), levels, values.cols(), out.row(h));
  if (levels == 1)
    add_pairs(weights, values, heads);
  else
    add_leaves(weights, values, heads);
  // A product that is not a number makes the amplitude of its pair not one.
  const IndexRange pairs = amplitudes_of_level(values.rows(), 1);
  for (size_t h = 0; h < out.rows(); ++h)
    for (size_t k = 0; k < pairs.count; ++k)
      if (!std::isfinite(out(h, pairs.first + k))) fail_at_first_gap(weights, values);
}

void add_haar_profiles(GridView<const float> weights, GridView<const float> values,
                       std::span<const GridView<double>> profiles) {
  DENDROKV_ASSERT(weights.rows() == profiles.size() && !profiles.empty());
  const auto levels = static_cast<uint32_t>(profiles[0].rows());
  Grid<double> amplitudes(profiles.size(), amplitude_count(values.rows(), levels));
  haar_amplitudes(weights, values, levels, amplitudes.view());
  for (size_t h = 0; h < profiles.size(); ++h) {
    DENDROKV_ASSERT(profiles[h].cols() == values.rows() && profiles[h].rows() == levels);
    for (uint32_t level = 1; level <= levels; ++level) {
      const double* amplitude =
          amplitudes.row(h).data() + amplitudes_of_level(values.rows(), level).first;
      const std::span<double> row = profiles[h].row(level - 1);
      for (size_t i = 0; i < row.size(); ++i) row[i] += amplitude[i >> level];
    }
  }
}

template void haar_amplitudes(GridView<const float>, GridView<const float>, uint32_t,
                              GridView<double>);
template void haar_amplitudes(GridView<const double>, GridView<const double>, uint32_t,
                              GridView<double>);

}  // namespace dendrokv
