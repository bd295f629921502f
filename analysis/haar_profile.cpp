// The fused Haar profile. For each head:
//
//   1. four rows of the values make four rows of the signal, which stay in registers: their
//      differences are levels 1 and 2
//   2. their sum goes up like a digit of a binary counter: when the second block of a size is
//      complete, the two are compared (the amplitude of the next level) and become one of twice the
//      size
//
// All heads take their turn over the same four rows, so that the values come from memory once. Sums
// are carried instead of means: the division by a power of two at the end is exact. The arithmetic
// is in haar_kernels_body.h.

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <numbers>
#include <string>
#include <vector>

#include "analysis/haar.h"
#include "analysis/haar_kernels.h"
#include "data/error.h"
#include "data/half.h"

namespace dendrokv {
namespace {

/// One head's rows of the measures; null where a measure is left out.
struct HeadRows {
  double *magnitude, *energy, *log_magnitude, *signal_energy;
};

/// Sums of the blocks of one head that wait for their second half, and where its measures go.
template <class Real>
class BlockCounter {
 public:
  BlockCounter(size_t positions, uint32_t levels, size_t channels, const HeadRows& rows,
               Measured measured)
      : join_leaf_(haar_kernels<Real>().join_leaf[static_cast<size_t>(measured)]),
        join_(haar_kernels<Real>().join[static_cast<size_t>(measured)]),
        levels_(levels),
        channels_(channels),
        rows_(rows),
        sums_(levels + size_t{1}, channels) {
    for (uint32_t level = 1; level <= levels; ++level)
      next_.push_back(amplitudes_of_level(positions, level).first);
  }

  void add_leaf(size_t leaf, const std::array<Real, kLeaf>& weight,
                const std::array<const Real*, kLeaf>& value) {
    Real* sum = place_of(leaf, 2);
    LeafSums sums;
    join_leaf_(weight.data(), value.data(), channels_, sum, &sums);
    put(1, sums.first_pair);
    put(1, sums.second_pair);
    put(2, sums.pairs);
    if (rows_.signal_energy)
      for (size_t i = 0; i < kLeaf; ++i)
        rows_.signal_energy[leaf * kLeaf + i] = sums.square[i] / static_cast<double>(channels_);
    uint32_t level = 2;
    for (; leaf % 2 == 1 && level < levels_; leaf /= 2, ++level) {
      Real* joined_sum = place_of(leaf / 2, level + 1);
      put(level + 1, joined(waiting(level), sum, joined_sum));
      sum = joined_sum;
    }
  }

  /// For a transform of one level, whose blocks are smaller than a leaf.
  void add_pair(size_t pair, const Real* older, const Real* newer) {
    if (rows_.signal_energy) {
      rows_.signal_energy[2 * pair] = mean_square(older);
      rows_.signal_energy[2 * pair + 1] = mean_square(newer);
    }
    put(1, joined(older, newer, current()));
  }

 private:
  /// Where the sum of a block of 2^level goes: an even one waits, an odd one goes up at once.
  Real* place_of(size_t block, uint32_t level) {
    return block % 2 == 0 && level < levels_ ? waiting(level) : current();
  }
  DifferenceSums joined(const Real* older, const Real* newer, Real* sum) const {
    DifferenceSums sums;
    join_(older, newer, channels_, sum, &sums);
    return sums;
  }
  Real* current() { return sums_.row(0).data(); }
  Real* waiting(uint32_t level) { return sums_.row(level).data(); }
  double mean_square(const Real* row) const {
    double sum = 0;
    for (size_t c = 0; c < channels_; ++c)
      sum += static_cast<double>(row[c]) * static_cast<double>(row[c]);
    return sum / static_cast<double>(channels_);
  }
  /// A difference of sums over half blocks is 2^level times the band.
  void put(uint32_t level, const DifferenceSums& sums) {
    const size_t place = next_[level - 1]++;
    const double scale = std::ldexp(1.0, -static_cast<int>(level));
    const auto channels = static_cast<double>(channels_);
    if (rows_.magnitude) rows_.magnitude[place] = sums.magnitude * scale / channels;
    if (rows_.energy) rows_.energy[place] = sums.square * scale * scale / channels;
    if (rows_.log_magnitude)
      rows_.log_magnitude[place] =
          sums.log / channels - std::numbers::ln2 * static_cast<double>(level);
  }

  typename HaarKernels<Real>::JoinLeaf join_leaf_;
  typename HaarKernels<Real>::Join join_;
  uint32_t levels_;
  size_t channels_;
  HeadRows rows_;
  Grid<Real> sums_;  // row 0: the block just completed; row l: a block of 2^l that waits
  std::vector<size_t> next_;
};

template <class Real>
Real value_at(GridView<const Real> values, size_t position, size_t channel) {
  return values(position, channel);
}
float value_at(GridView<const uint16_t> values, size_t position, size_t channel) {
  return from_half(values(position, channel));
}

/// The first position whose products are not numbers, or one that overflows.
template <class Real, class Value>
[[noreturn]] void fail_at_first_gap(GridView<const Real> weights, GridView<const Value> values) {
  for (size_t position = 0; position < values.rows(); ++position) {
    const std::string subject = "contribution at window position " + std::to_string(position);
    for (size_t head = 0; head < weights.rows(); ++head)
      if (!std::isfinite(weights(head, position)))
        fail(subject, "no attention weight",
             "wanted a query that sees every position of the window",
             "take a trace that was recorded without eviction");
    for (size_t c = 0; c < values.cols(); ++c)
      if (!std::isfinite(value_at(values, position, c)))
        fail(subject, "a value that is not a finite number", "wanted numbers");
  }
  fail("contributions", "products beyond the range of the numbers", "wanted finite ones");
}

/// Values as they are, or half floats widened leaf by leaf.
template <class Real>
std::array<const Real*, kLeaf> leaf_of(GridView<const Real> values, size_t leaf, Grid<Real>&) {
  std::array<const Real*, kLeaf> rows;
  for (size_t i = 0; i < kLeaf; ++i) rows[i] = values.row(leaf * kLeaf + i).data();
  return rows;
}
std::array<const float*, kLeaf> leaf_of(GridView<const uint16_t> values, size_t leaf,
                                        Grid<float>& wide) {
  std::array<const float*, kLeaf> rows;
  for (size_t i = 0; i < kLeaf && leaf * kLeaf + i < values.rows(); ++i) {
    from_half(values.row(leaf * kLeaf + i), wide.row(i));
    rows[i] = wide.row(i).data();
  }
  return rows;
}

/// Memory delivers while a leaf is worked on: without, a signal that is not in a cache took 1.8
/// times as long. Always inline: the compiler takes a function that only prefetches for one without
/// effect, and drops its calls.
constexpr size_t kLeavesAhead = 8;
template <class Value>
[[gnu::always_inline]] inline void fetch_ahead(GridView<const Value> values, size_t position) {
  constexpr size_t kLine = 64 / sizeof(Value);
  for (size_t p = position; p < std::min(position + kLeaf, values.rows()); ++p)
    for (size_t c = 0; c < values.cols(); c += kLine) __builtin_prefetch(values.row(p).data() + c);
}

template <class Real, class Value>
void add_leaves(GridView<const Real> weights, GridView<const Value> values,
                std::vector<BlockCounter<Real>>& heads) {
  Grid<Real> wide(kLeaf, values.cols());
  for (size_t leaf = 0; leaf < values.rows() / kLeaf; ++leaf) {
    const std::array<const Real*, kLeaf> value = leaf_of(values, leaf, wide);
    fetch_ahead(values, (leaf + kLeavesAhead) * kLeaf);
    for (size_t h = 0; h < heads.size(); ++h) {
      std::array<Real, kLeaf> weight;
      for (size_t i = 0; i < kLeaf; ++i) weight[i] = weights(h, leaf * kLeaf + i);
      heads[h].add_leaf(leaf, weight, value);
    }
  }
}

template <class Real, class Value>
void add_pairs(GridView<const Real> weights, GridView<const Value> values,
               std::vector<BlockCounter<Real>>& heads) {
  Grid<Real> pair(2, values.cols());
  for (size_t position = 0; position < values.rows(); position += 2)
    for (size_t h = 0; h < heads.size(); ++h) {
      for (size_t i = 0; i < 2; ++i)
        for (size_t c = 0; c < values.cols(); ++c)
          pair(i, c) = weights(h, position + i) * value_at(values, position + i, c);
      heads[h].add_pair(position / 2, pair.row(0).data(), pair.row(1).data());
    }
}

HeadRows rows_of(const HaarMeasures& out, size_t head) {
  const auto row = [&](const GridView<double>& view) {
    return view.rows() == 0 ? nullptr : view.row(head).data();
  };
  return {row(out.magnitude), row(out.energy), row(out.log_magnitude), row(out.signal_energy)};
}

template <class Real, class Value>
void measure(GridView<const Real> weights, GridView<const Value> values, uint32_t levels,
             const HaarMeasures& out, Measured measured) {
  std::vector<BlockCounter<Real>> heads;
  for (size_t h = 0; h < weights.rows(); ++h)
    heads.emplace_back(values.rows(), levels, values.cols(), rows_of(out, h), measured);
  if (levels == 1)
    add_pairs(weights, values, heads);
  else
    add_leaves(weights, values, heads);
}

template <class Real, class Value>
void measure_any(GridView<const Real> weights, GridView<const Value> values, uint32_t levels,
                 HaarMeasures out) {
  DENDROKV_ASSERT(levels >= 1 && levels <= kMostLevels);
  DENDROKV_ASSERT(values.cols() > 0 && values.rows() % (size_t{1} << levels) == 0);
  DENDROKV_ASSERT(weights.cols() == values.rows());
  const size_t amplitudes = amplitude_count(values.rows(), levels);
  for (const GridView<double>* view : {&out.magnitude, &out.energy, &out.log_magnitude})
    DENDROKV_ASSERT(view->rows() == 0 ||
                    (view->rows() == weights.rows() && view->cols() == amplitudes));
  DENDROKV_ASSERT(out.signal_energy.rows() == 0 || (out.signal_energy.rows() == weights.rows() &&
                                                    out.signal_energy.cols() == values.rows()));
  Grid<double> own;  // the check below needs magnitudes
  if (out.magnitude.rows() == 0) {
    own = Grid<double>(weights.rows(), amplitudes);
    out.magnitude = own.view();
  }
  const bool all = out.energy.rows() + out.log_magnitude.rows() + out.signal_energy.rows() > 0;
  measure(weights, values, levels, out, all ? Measured::All : Measured::Magnitude);
  // A product that is not a number makes the amplitude of its pair not one.
  const IndexRange pairs = amplitudes_of_level(values.rows(), 1);
  for (size_t h = 0; h < weights.rows(); ++h)
    for (size_t k = 0; k < pairs.count; ++k)
      if (!std::isfinite(out.magnitude(h, pairs.first + k))) fail_at_first_gap(weights, values);
}

}  // namespace

IndexRange amplitudes_of_level(size_t positions, uint32_t level) {
  return {positions - (positions >> (level - 1)), positions >> level};
}

size_t amplitude_count(size_t positions, uint32_t levels) {
  return positions - (positions >> levels);
}

template <class Real>
void haar_measures(GridView<const Real> weights, GridView<const Real> values, uint32_t levels,
                   const HaarMeasures& out) {
  measure_any(weights, values, levels, out);
}

void haar_measures(GridView<const float> weights, GridView<const uint16_t> values, uint32_t levels,
                   const HaarMeasures& out) {
  measure_any(weights, values, levels, out);
}

template <class Real>
void haar_amplitudes(GridView<const Real> weights, GridView<const Real> values, uint32_t levels,
                     GridView<double> out) {
  DENDROKV_ASSERT(out.rows() == weights.rows());
  HaarMeasures measures;
  measures.magnitude = out;
  haar_measures(weights, values, levels, measures);
}

void relative_variability(std::span<const double> energy, std::span<const double> signal_energy,
                          uint32_t level, std::span<double> out) {
  DENDROKV_ASSERT(out.size() == signal_energy.size() && level >= 1);
  const size_t block = size_t{1} << level;
  const IndexRange blocks = amplitudes_of_level(out.size(), level);
  for (size_t k = 0; k < blocks.count; ++k) {
    double sum = 0;
    for (size_t i = 0; i < block; ++i) sum += signal_energy[k * block + i];
    const double share = energy[blocks.first + k] / (sum / static_cast<double>(block));
    std::ranges::fill(out.subspan(k * block, block), std::sqrt(share));
  }
}

void wavelet_entropy(std::span<const double> energy, size_t positions, uint32_t levels,
                     std::span<double> out) {
  DENDROKV_ASSERT(out.size() == positions && energy.size() == amplitude_count(positions, levels));
  for (size_t p = 0; p < positions; ++p) {
    const auto of_level = [&](uint32_t level) {
      return energy[amplitudes_of_level(positions, level).first + (p >> level)];
    };
    double total = 0, sum = 0;
    for (uint32_t level = 1; level <= levels; ++level) total += of_level(level);
    for (uint32_t level = 1; level <= levels; ++level) {
      const double share = of_level(level) / total;
      if (share != 0) sum -= share * std::log(share);
    }
    out[p] = sum / std::log(static_cast<double>(levels));
  }
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

template void haar_measures(GridView<const float>, GridView<const float>, uint32_t,
                            const HaarMeasures&);
template void haar_measures(GridView<const double>, GridView<const double>, uint32_t,
                            const HaarMeasures&);
template void haar_amplitudes(GridView<const float>, GridView<const float>, uint32_t,
                              GridView<double>);
template void haar_amplitudes(GridView<const double>, GridView<const double>, uint32_t,
                              GridView<double>);

}  // namespace dendrokv
