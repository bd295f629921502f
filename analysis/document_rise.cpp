#include "analysis/document_rise.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <utility>

#include "analysis/haar.h"
#include "analysis/random.h"
#include "data/error.h"

namespace dendrokv {

DocumentRiseSum::DocumentRiseSum(uint32_t levels, IndexRange usable, std::vector<IndexRange> bins,
                                 NullDraws null, uint64_t document)
    : levels_(levels),
      usable_(usable),
      bins_(std::move(bins)),
      null_draws_(null),
      document_(document),
      amplitude_(levels, bins_.size()),
      null_(levels, bins_.size()),
      size_(bins_.size()) {}

void DocumentRiseSum::add(GridView<const float> weights, GridView<const float> values,
                          uint64_t group) {
  add_amplitudes(weights, values, amplitude_);
  add_sizes(weights, values);
  Grid<float> permuted(values.rows(), values.cols());
  for (size_t draw = 0; draw < null_draws_.draws; ++draw) {
    const std::vector<size_t> from = permutation(values.rows(), group, draw);
    for (size_t position = 0; position < values.rows(); ++position)
      std::ranges::copy(values.row(from[position]), permuted.row(position).begin());
    add_amplitudes(weights, std::as_const(permuted).view(), null_);
  }
}

void DocumentRiseSum::add_amplitudes(GridView<const float> weights, GridView<const float> values,
                                     Grid<MeanLog>& to) const {
  Grid<double> amplitude(weights.rows(), amplitude_count(values.rows(), levels_));
  haar_amplitudes(weights, values, levels_, amplitude.view());
  for (size_t head = 0; head < amplitude.rows(); ++head)
    for (uint32_t level = 1; level <= levels_; ++level) {
      const IndexRange blocks = amplitudes_of_level(values.rows(), level);
      const auto of_level = amplitude.row(head).subspan(blocks.first, blocks.count);
      for (size_t bin = 0; bin < bins_.size(); ++bin)
        for (const double value :
             of_level.subspan(bins_[bin].first >> level, bins_[bin].count >> level))
          to(level - 1, bin).add(value);
    }
}

void DocumentRiseSum::add_sizes(GridView<const float> weights, GridView<const float> values) {
  std::vector<double> square(values.rows());  // of a value row, mean over channels
  for (size_t position = 0; position < square.size(); ++position) {
    for (const float value : values.row(position)) square[position] += std::pow(double{value}, 2);
    square[position] /= static_cast<double>(values.cols());
  }
  const size_t block = size_t{1} << levels_;
  for (size_t head = 0; head < weights.rows(); ++head)
    for (size_t bin = 0; bin < bins_.size(); ++bin)
      for (size_t first = bins_[bin].first; first < bins_[bin].first + bins_[bin].count;
           first += block) {
        double sum = 0;
        for (size_t position = first; position < first + block; ++position)
          sum += std::pow(double{weights(head, position)}, 2) * square[position];
        size_[bin].add(std::sqrt(sum / static_cast<double>(block)));
      }
}

// One stream per (document, group, draw); a document has fewer than 2^16 groups and 2^16 draws.
std::vector<size_t> DocumentRiseSum::permutation(size_t positions, uint64_t group,
                                                 size_t draw) const {
  std::vector<size_t> from(positions);
  std::iota(from.begin(), from.end(), size_t{0});
  RandomStream random(null_draws_.seed, (document_ << 32) + (group << 16) + draw);
  random.shuffle(std::span(from).subspan(usable_.first, usable_.count));
  return from;
}

DocumentRise DocumentRiseSum::mean() const {
  DocumentRise rise;
  const auto means = [&](const Grid<MeanLog>& sums) {
    Grid<double> mean(levels_, bins_.size());
    for (size_t level = 0; level < levels_; ++level)
      for (size_t bin = 0; bin < bins_.size(); ++bin) mean(level, bin) = sums(level, bin).mean();
    return mean;
  };
  rise.amplitude = means(amplitude_);
  if (null_draws_.draws > 0) rise.null = means(null_);
  for (const MeanLog& size : size_) rise.size.push_back(size.mean());
  return rise;
}

// A weight may be 0 in the file's precision: such a block has no logarithm, and says nothing about a ratio.
void DocumentRiseSum::MeanLog::add(double value) {
  if (!(value > 0)) return;
  sum += std::log(value);
  ++count;
}

double DocumentRiseSum::MeanLog::mean() const {
  return count == 0 ? std::numeric_limits<double>::quiet_NaN() : sum / static_cast<double>(count);
}

double change_over_bins(std::span<const double> values) {
  DENDROKV_ASSERT(values.size() >= 2);
  const auto last = static_cast<double>(values.size() - 1);
  double products = 0, squares = 0;
  for (size_t bin = 0; bin < values.size(); ++bin) {
    const double centred = static_cast<double>(bin) / last - 0.5;
    products += centred * values[bin];
    squares += centred * centred;
  }
  return products / squares;
}

}  // namespace dendrokv
