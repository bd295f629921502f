#include "analysis/streaming.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "analysis/line_kernels.h"
#include "data/error.h"

namespace dendrokv {
namespace {

template <class Real>
void check_row(std::span<const Real> row, size_t position) {
  for (const Real sample : row)
    if (!std::isfinite(sample))
      fail("signal at position " + std::to_string(position), "not a finite number",
           "wanted numbers", "mask or interpolate the gaps first");
}

uint32_t checked_levels(uint32_t levels, uint32_t most) {
  if (levels < 1 || levels > most)
    fail("levels", std::to_string(levels), "wanted 1 to " + std::to_string(most));
  return levels;
}

}  // namespace

template <class Real>
ModwtStream<Real>::ModwtStream(const Wavelet& wavelet, uint32_t levels, size_t channels)
    : channels_(channels) {
  checked_levels(levels, 24);
  std::vector<double> low, high;
  for (const double tap : wavelet.rec_lo) low.push_back(tap * std::sqrt(0.5));
  for (const double tap : wavelet.rec_hi) high.push_back(tap * std::sqrt(0.5));
  low_ = kernel_taps<Real>(low);
  high_ = kernel_taps<Real>(high);
  for (uint32_t level = 1; level <= levels; ++level)
    rings_.emplace_back(((low_.size() - 1) << (level - 1)) + 1, channels);
  row_.resize(channels);
  next_.resize(channels);
}

template <class Real>
void ModwtStream<Real>::append(std::span<const Real> row, GridView<Real> details,
                               std::span<Real> smooth) {
  DENDROKV_ASSERT(row.size() == channels_ && smooth.size() == channels_);
  DENDROKV_ASSERT(details.rows() == rings_.size() && details.cols() == channels_);
  check_row(row, positions_);
  std::vector<const Real*> inputs(low_.size());
  std::ranges::copy(row, row_.begin());
  for (size_t level = 0; level < rings_.size(); ++level) {
    Grid<Real>& ring = rings_[level];
    const size_t place = positions_ % ring.rows();
    std::ranges::copy(row_, ring.row(place).begin());
    for (size_t tap = 0; tap < inputs.size(); ++tap)
      inputs[tap] = ring.row((place + ring.rows() - (tap << level)) % ring.rows()).data();
    line_kernels<Real>().combine_two({inputs.data(), inputs.size()}, low_.data(), high_.data(),
                                     {channels_}, next_.data(), details.row(level).data());
    std::swap(row_, next_);
  }
  std::ranges::copy(row_, smooth.begin());
  ++positions_;
}

HaarStream::HaarStream(uint32_t levels, size_t channels)
    : waiting_(checked_levels(levels, 40), channels), sum_(channels) {}

std::span<const HaarStream::Block> HaarStream::append(std::span<const double> row) {
  DENDROKV_ASSERT(row.size() == sum_.size());
  check_row(row, positions_);
  blocks_.clear();
  std::ranges::copy(row, sum_.begin());
  size_t block = positions_++;
  for (uint32_t level = 1; level <= waiting_.rows(); ++level, block /= 2) {
    const std::span<double> older = waiting_.row(level - 1);
    if (block % 2 == 0) {
      std::ranges::copy(sum_, older.begin());
      break;
    }
    double magnitude = 0;
    for (size_t c = 0; c < sum_.size(); ++c) {
      magnitude += std::abs(older[c] - sum_[c]);
      sum_[c] += older[c];
    }
    const double scale =
        std::ldexp(1.0, -static_cast<int>(level)) / static_cast<double>(sum_.size());
    blocks_.push_back({level, block / 2, magnitude * scale});
  }
  return blocks_;
}

template class ModwtStream<float>;
template class ModwtStream<double>;

}  // namespace dendrokv
