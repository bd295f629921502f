// The fused Haar profile. For each head:
//
//   1. the rows of a block of 32 positions make the signal of that block, which stays in registers:
//      their differences are levels 1 to 5
//   2. their sum goes up like a digit of a binary counter: when the second block of a size is
//      complete, the two are compared (the amplitude of the next level) and become one of twice the
//      size
//
// All heads take their turn over the same block, so that the values come from memory once. Sums are
// carried instead of means: the division by a power of two at the end is exact. The arithmetic is
// in haar_kernels_body.h.

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <numbers>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "analysis/haar.h"
#include "analysis/haar_kernels.h"
#include "data/error.h"
#include "data/half.h"

namespace dendrokv {
namespace {

constexpr size_t kLine = 64;  // bytes

/// Asks memory for `count` numbers that will be wanted soon, `ahead` numbers on: beyond the array
/// they do no harm.
template <class T>
[[gnu::always_inline]] inline void ask_for(const T* from, size_t ahead, size_t count) {
  const auto first = reinterpret_cast<uintptr_t>(from) + ahead * sizeof(T);
  for (size_t byte = 0; byte < count * sizeof(T); byte += kLine)
    __builtin_prefetch(reinterpret_cast<const void*>(first + byte));
}

/// One head's rows of the measures; null where a measure is left out.
struct HeadRows {
  double *magnitude, *energy, *log_magnitude, *signal_energy;
};

/// One measure of one head: amplitudes, level by level, as blocks come in.
class AmplitudeRow {
 public:
  AmplitudeRow(double* row, size_t positions) {
    for (uint32_t level = 1; level <= kMostLevels; ++level)
      next_[level] = row ? row + amplitudes_of_level(positions, level).first : nullptr;
  }

  /// `sums` of `count` blocks of one level: sum * factor + shift. Lines that are written without
  /// being in a cache keep all later stores waiting, so those of the next but one are asked for.
  void add(uint32_t level, const double* sums, size_t count, double factor, double shift) {
    double*& next = next_[level];
    if (!next) return;
    for (size_t i = 0; i < count; ++i) next[i] = sums[i] * factor + shift;
    next += count;
    ask_for(next, count, count);
  }

 private:
  std::array<double*, kMostLevels + 1> next_{};
};

/// Sums of the blocks of one head that wait for their second half, and where its measures go.
template <class Real>
class BlockCounter {
 public:
  BlockCounter(size_t positions, uint32_t levels, size_t channels, const HeadRows& rows,
               Measured measured)
      : measured_(measured),
        levels_(levels),
        channels_(channels),
        signal_energy_(rows.signal_energy),
        magnitude_(rows.magnitude, positions),
        energy_(rows.energy, positions),
        log_magnitude_(rows.log_magnitude, positions),
        sums_(levels > kBlockLevels ? levels - kBlockLevels + size_t{1} : 0, channels) {}

  /// The next 2^depth positions, depth the least of all levels and kBlockLevels.
  void add(const HaarBlock<Real>& block) {
    Real* sum = block.depth < levels_ ? place_of(block_, block.depth) : nullptr;
    BlockSums sums;
    ask_for(block.weight, 2 * kBlockRows, kBlockRows);
    measure_(block, sum, &sums);
    if (block.depth == kBlockLevels)
      put_levels(sums, std::make_integer_sequence<uint32_t, kBlockLevels>());
    else
      for (uint32_t level = 1; level <= block.depth; ++level)
        put(level, sums, first_difference(level), size_t{1} << (block.depth - level));
    if (signal_energy_)
      for (size_t i = 0; i < size_t{1} << block.depth; ++i)
        *signal_energy_++ = sums.signal_square[i] / static_cast<double>(channels_);
    size_t complete = block_++;
    for (uint32_t level = block.depth; complete % 2 == 1 && level < levels_; ++level) {
      complete /= 2;
      sum = join(waiting(level), sum, complete, level + 1);
    }
  }

 private:
  /// Where the sum of a block of 2^level goes: an even one waits, an odd one goes up at once.
  Real* place_of(size_t block, uint32_t level) {
    return block % 2 == 0 && level < levels_ ? waiting(level) : current();
  }
  /// The block of two rows without weights: their sum.
  Real* join(const Real* older, const Real* newer, size_t joined, uint32_t level) {
    constexpr Real kOnes[] = {1, 1};
    Real* sum = place_of(joined, level);
    BlockSums sums;
    measure_({kOnes, older, newer - older, channels_, 1}, sum, &sums);
    put(level, sums, 0, 1);
    return sum;
  }
  Real* current() { return sums_.row(0).data(); }
  Real* waiting(uint32_t level) { return sums_.row(level + size_t{1} - kBlockLevels).data(); }

  /// Of a whole block: places and numbers are known when compiled.
  template <uint32_t... kLevel>
  [[gnu::always_inline]] void put_levels(const BlockSums& sums,
                                         std::integer_sequence<uint32_t, kLevel...>) {
    (put(kLevel + 1, sums, first_difference(kLevel + 1), kBlockRows >> (kLevel + 1)), ...);
  }
  /// A difference of sums over half blocks is 2^level times the band.
  [[gnu::always_inline]] void put(uint32_t level, const BlockSums& sums, size_t first,
                                  size_t count) {
    const double scale = 1 / static_cast<double>(uint64_t{1} << level);
    const double share = scale * share_;
    magnitude_.add(level, sums.magnitude + first, count, share, 0);
    if (measured_ == Measured::Magnitude) return;
    energy_.add(level, sums.square + first, count, scale * share, 0);
    log_magnitude_.add(level, sums.log + first, count, share_, -std::numbers::ln2 * level);
  }

  Measured measured_;
  uint32_t levels_;
  size_t channels_;
  double share_ = 1 / static_cast<double>(channels_);
  typename HaarKernels<Real>::Measure measure_ =
      haar_kernels<Real>().measure[static_cast<size_t>(measured_)];
  double* signal_energy_;
  AmplitudeRow magnitude_, energy_, log_magnitude_;
  // row 0: the block just completed; then one of each size from 2^kBlockLevels that waits
  Grid<Real> sums_;
  size_t block_ = 0;
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

/// Positions ahead of those that are worked on, for which memory is asked meanwhile. The
/// processor's own fetching ahead stops at the end of each page.
constexpr ptrdiff_t kRowsAhead = 40;

/// The values of a block as they are, the next ones asked for.
template <class Real>
HaarBlock<Real> block_of(GridView<const Real> values, size_t first, uint32_t depth, Grid<Real>&) {
  const auto stride = static_cast<ptrdiff_t>(values.stride());
  return {nullptr, values.row(first).data(), stride, values.cols(), depth, kRowsAhead * stride};
}
/// Half floats are widened.
HaarBlock<float> block_of(GridView<const uint16_t> values, size_t first, uint32_t depth,
                          Grid<float>& wide) {
  const auto stride_ahead = static_cast<size_t>(kRowsAhead) * values.stride();
  for (size_t i = 0; i < size_t{1} << depth; ++i) {
    ask_for(values.row(first + i).data(), stride_ahead, values.cols());
    from_half(values.row(first + i), wide.row(i));
  }
  const auto stride = static_cast<ptrdiff_t>(wide.cols());
  return {nullptr, wide.data(), stride, wide.cols(), depth};
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
  const uint32_t depth = std::min(levels, kBlockLevels);
  const size_t rows = size_t{1} << depth;
  Grid<Real> wide(std::is_same_v<Real, Value> ? 0 : rows, values.cols());
  for (size_t first = 0; first < values.rows(); first += rows) {
    HaarBlock<Real> block = block_of(values, first, depth, wide);
    for (size_t h = 0; h < heads.size(); ++h) {
      block.weight = weights.row(h).data() + first;
      heads[h].add(block);
      block.ahead = 0;
    }
  }
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
  // What is not a number spreads to every block that it is in: the largest tell.
  const IndexRange largest = amplitudes_of_level(values.rows(), levels);
  for (size_t h = 0; h < weights.rows(); ++h)
    for (size_t k = 0; k < largest.count; ++k)
      if (!std::isfinite(out.magnitude(h, largest.first + k))) fail_at_first_gap(weights, values);
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
