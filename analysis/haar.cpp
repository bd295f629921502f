#include "analysis/haar.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <string>

#include "data/error.h"

namespace dendrokv {
namespace {

template <class Real>
constexpr Real kHalfRoot = static_cast<Real>(0.70710678118654752440);

// Sum of |x - y| over channels, halved and divided by the channels. The sum runs in 8 partial sums so that a compiler may keep
// them in lanes; their order is fixed here, not by the instruction set.
double mean_half_difference(std::span<const float> older, std::span<const float> newer) {
  std::array<double, 8> partial{};
  const size_t channels = older.size(), whole = channels / 8 * 8;
  for (size_t c = 0; c < whole; c += 8)
    for (size_t lane = 0; lane < 8; ++lane)
      partial[lane] += static_cast<double>(std::abs(older[c + lane] - newer[c + lane]));
  for (size_t c = whole; c < channels; ++c) partial[c - whole] += static_cast<double>(std::abs(older[c] - newer[c]));
  double sum = 0;
  for (const double part : partial) sum += part;
  return sum / (2 * static_cast<double>(channels));
}

// Block means of one signal, carried up like the digits of a binary counter: when a second block of a size is complete, the two are
// compared and become one of twice the size.
class BlockCounter {
 public:
  BlockCounter(uint32_t levels, size_t channels)
      : means_(levels + size_t{1}, channels), older_(levels, channels), filled_(levels, 0) {}

  std::span<float> next_row() { return means_.row(0); }

  /// next_row() holds the signal at `position`.
  void add(size_t position, GridView<double> profile) {
    const size_t levels = profile.rows();
    for (size_t level = 0; level < levels; ++level) {
      const std::span<float> newer = means_.row(level);
      const std::span<float> older = older_.row(level);
      if (!filled_[level]) {
        std::copy(newer.begin(), newer.end(), older.begin());
        filled_[level] = 1;
        return;
      }
      filled_[level] = 0;
      const double amplitude = mean_half_difference(older, newer);
      const size_t block = size_t{2} << level;
      const std::span<double> row = profile.row(level);
      for (size_t i = position + 1 - block; i <= position; ++i) row[i] += amplitude;
      const std::span<float> mean = means_.row(level + 1);
      for (size_t c = 0; c < mean.size(); ++c) mean[c] = (older[c] + newer[c]) * 0.5f;
    }
  }

 private:
  Grid<float> means_;  // [level, channel]: the block that has just become complete
  Grid<float> older_;  // [level, channel]: the first of a pair, waiting for the second
  std::vector<char> filled_;
};

void check_finite(GridView<const float> weights, GridView<const float> values) {
  for (size_t h = 0; h < weights.rows(); ++h)
    for (size_t i = 0; i < weights.cols(); ++i)
      if (!std::isfinite(weights(h, i)))
        fail("contribution at window position " + std::to_string(i), "no attention weight",
             "wanted a query that sees every position", "use a trace that was recorded without eviction");
  for (size_t i = 0; i < values.rows(); ++i)
    for (const float value : values.row(i))
      if (!std::isfinite(value))
        fail("contribution at window position " + std::to_string(i), "a value that is not finite", "wanted numbers");
}

}  // namespace

IndexRange aligned_window(uint32_t positions, uint32_t levels) {
  if (levels < 1 || levels > kMostLevels)
    fail("levels", std::to_string(levels), "wanted 1 to " + std::to_string(kMostLevels));
  const size_t block = size_t{1} << levels;
  const size_t count = positions / block * block;
  if (count == 0)
    fail("levels " + std::to_string(levels), std::to_string(positions) + " positions",
         "wanted at least " + std::to_string(block), "take fewer levels or a later step");
  return {positions - count, count};
}

void add_haar_profiles(GridView<const float> weights, GridView<const float> values,
                       std::span<const GridView<double>> profiles) {
  DENDROKV_ASSERT(weights.rows() == profiles.size() && weights.cols() == values.rows() && !profiles.empty());
  check_finite(weights, values);
  const size_t channels = values.cols();
  const auto levels = static_cast<uint32_t>(profiles[0].rows());
  std::vector<BlockCounter> counters;
  for (size_t h = 0; h < profiles.size(); ++h) {
    DENDROKV_ASSERT(profiles[h].cols() == values.rows() && profiles[h].rows() == levels);
    counters.emplace_back(levels, channels);
  }
  for (size_t position = 0; position < values.rows(); ++position) {
    const std::span<const float> value = values.row(position);
    for (size_t h = 0; h < profiles.size(); ++h) {
      const float weight = weights(h, position);
      const std::span<float> signal = counters[h].next_row();
      for (size_t c = 0; c < channels; ++c) signal[c] = weight * value[c];
      counters[h].add(position, profiles[h]);
    }
  }
}

template <class Real>
void haar_forward(GridView<Real> signal, uint32_t levels) {
  DENDROKV_ASSERT(signal.rows() % (size_t{1} << levels) == 0);
  Grid<Real> work(signal.rows(), signal.cols());
  for (size_t level = 0, rows = signal.rows(); level < levels; ++level, rows /= 2) {
    const size_t half = rows / 2;
    for (size_t k = 0; k < half; ++k)
      for (size_t c = 0; c < signal.cols(); ++c) {
        const Real older = signal(2 * k, c), newer = signal(2 * k + 1, c);
        work(k, c) = (older + newer) * kHalfRoot<Real>;
        work(half + k, c) = (older - newer) * kHalfRoot<Real>;
      }
    for (size_t r = 0; r < rows; ++r) std::copy_n(work.row(r).data(), signal.cols(), signal.row(r).data());
  }
}

template <class Real>
void haar_inverse(GridView<Real> coefficients, uint32_t levels) {
  DENDROKV_ASSERT(coefficients.rows() % (size_t{1} << levels) == 0);
  Grid<Real> work(coefficients.rows(), coefficients.cols());
  for (uint32_t level = levels; level > 0; --level) {
    const size_t half = coefficients.rows() >> level;
    for (size_t k = 0; k < half; ++k)
      for (size_t c = 0; c < coefficients.cols(); ++c) {
        const Real smooth = coefficients(k, c), detail = coefficients(half + k, c);
        work(2 * k, c) = (smooth + detail) * kHalfRoot<Real>;
        work(2 * k + 1, c) = (smooth - detail) * kHalfRoot<Real>;
      }
    for (size_t r = 0; r < 2 * half; ++r) std::copy_n(work.row(r).data(), coefficients.cols(), coefficients.row(r).data());
  }
}

IndexRange haar_band(size_t rows, uint32_t levels, uint32_t level) {
  DENDROKV_ASSERT(level <= levels);
  if (level == 0) return {0, rows >> levels};
  return {rows >> level, rows >> level};
}

template <class Real>
Grid<Real> haar_reconstruct_band(GridView<const Real> coefficients, uint32_t levels, uint32_t level) {
  Grid<Real> band(coefficients.rows(), coefficients.cols());
  const IndexRange rows = haar_band(coefficients.rows(), levels, level);
  for (size_t r = rows.first; r < rows.first + rows.count; ++r)
    std::copy_n(coefficients.row(r).data(), coefficients.cols(), band.row(r).data());
  haar_inverse(band.view(), levels);
  return band;
}

template void haar_forward(GridView<float>, uint32_t);
template void haar_forward(GridView<double>, uint32_t);
template void haar_inverse(GridView<float>, uint32_t);
template void haar_inverse(GridView<double>, uint32_t);
template Grid<float> haar_reconstruct_band(GridView<const float>, uint32_t, uint32_t);
template Grid<double> haar_reconstruct_band(GridView<const double>, uint32_t, uint32_t);

}  // namespace dendrokv
