#include "analysis/haar.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "data/error.h"

namespace dendrokv {
namespace {

template <class Real>
constexpr Real kHalfRoot = static_cast<Real>(0.70710678118654752440);

template <class Real>
void check_numbers(GridView<Real> signal) {
  for (size_t position = 0; position < signal.rows(); ++position)
    for (const Real sample : signal.row(position))
      if (!std::isfinite(sample))
        fail("signal at position " + std::to_string(position), "not a finite number",
             "wanted numbers");
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

template <class Real>
void haar_forward(GridView<Real> signal, uint32_t levels) {
  DENDROKV_ASSERT(signal.rows() % (size_t{1} << levels) == 0);
  check_numbers(signal);
  Grid<Real> details(signal.rows() / 2, signal.cols());
  for (size_t half = signal.rows() / 2, level = 0; level < levels; ++level, half /= 2) {
    // Row k of the smooth half is written after rows 2k and 2k + 1 are read.
    for (size_t k = 0; k < half; ++k)
      for (size_t c = 0; c < signal.cols(); ++c) {
        const Real older = signal(2 * k, c), newer = signal(2 * k + 1, c);
        signal(k, c) = (older + newer) * kHalfRoot<Real>;
        details(k, c) = (older - newer) * kHalfRoot<Real>;
      }
    for (size_t k = 0; k < half; ++k)
      std::ranges::copy(details.row(k), signal.row(half + k).begin());
  }
}

template <class Real>
void haar_inverse(GridView<Real> coefficients, uint32_t levels) {
  DENDROKV_ASSERT(coefficients.rows() % (size_t{1} << levels) == 0);
  Grid<Real> details(coefficients.rows() / 2, coefficients.cols());
  for (uint32_t level = levels; level > 0; --level) {
    const size_t half = coefficients.rows() >> level;
    for (size_t k = 0; k < half; ++k)
      std::ranges::copy(coefficients.row(half + k), details.row(k).begin());
    // From the end, so that row k of the smooth half is read before it is written over.
    for (size_t k = half; k-- > 0;)
      for (size_t c = 0; c < coefficients.cols(); ++c) {
        const Real smooth = coefficients(k, c), detail = details(k, c);
        coefficients(2 * k, c) = (smooth + detail) * kHalfRoot<Real>;
        coefficients(2 * k + 1, c) = (smooth - detail) * kHalfRoot<Real>;
      }
  }
}

IndexRange haar_band(size_t rows, uint32_t levels, uint32_t level) {
  DENDROKV_ASSERT(level <= levels);
  if (level == 0) return {0, rows >> levels};
  return {rows >> level, rows >> level};
}

template <class Real>
Grid<Real> haar_reconstruct_band(GridView<const Real> coefficients, uint32_t levels,
                                 uint32_t level) {
  Grid<Real> band(coefficients.rows(), coefficients.cols());
  const IndexRange rows = haar_band(coefficients.rows(), levels, level);
  for (size_t r = rows.first; r < rows.first + rows.count; ++r)
    std::ranges::copy(coefficients.row(r), band.row(r).begin());
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
