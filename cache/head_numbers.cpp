#include "cache/head_numbers.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "data/error.h"

namespace dendrokv {
namespace {

double dot(std::span<const double> a, std::span<const double> b) {
  return std::inner_product(a.begin(), a.end(), b.begin(), 0.0);
}

double distance(std::span<const double> a, std::span<const double> b) {
  double sum = 0;
  for (size_t i = 0; i < a.size(); ++i) sum += (a[i] - b[i]) * (a[i] - b[i]);
  return std::sqrt(sum);
}

}  // namespace

HeadNumbers HeadMeasure::measure(std::span<const float> weights, std::span<const uint8_t> seen,
                                 GridView<const float> values) {
  DENDROKV_ASSERT(seen.size() >= weights.size() && values.rows() >= weights.size());
  outputs(weights, seen, values);
  HeadNumbers numbers;
  if (all_ <= 0)
    return numbers;  // too small for the recording: nothing can be said, nothing is lost
  numbers.retained_mass = mass_ / all_;
  sorted_.assign(weights.begin(), weights.end());
  const auto rows =
      static_cast<std::ptrdiff_t>(weights.size()) -
      std::count(seen.begin(), seen.begin() + static_cast<std::ptrdiff_t>(weights.size()),
                 uint8_t{0});
  if (rows < static_cast<std::ptrdiff_t>(sorted_.size()))
    std::nth_element(sorted_.begin(), sorted_.begin() + rows, sorted_.end(), std::greater<>());
  numbers.best_mass = std::accumulate(sorted_.begin(), sorted_.begin() + rows, 0.0) / all_;
  const double length = std::sqrt(dot(full_, full_)), kept = std::sqrt(dot(kept_, kept_));
  numbers.output_error = distance(kept_, full_);
  if (length > 0) numbers.relative_error = numbers.output_error / length;
  if (length > 0 && kept > 0) numbers.cosine = dot(kept_, full_) / (length * kept);
  blame(weights, seen, values, numbers);
  return numbers;
}

void HeadMeasure::outputs(std::span<const float> weights, std::span<const uint8_t> seen,
                          GridView<const float> values) {
  full_.assign(values.cols(), 0);
  kept_.assign(values.cols(), 0);
  all_ = mass_ = 0;
  for (size_t position = 0; position < weights.size(); ++position) {
    const auto weight = static_cast<double>(weights[position]);
    const std::span<const float> value = values.row(position);
    std::vector<double>& part = seen[position] ? kept_ : full_;  // full_: what is missing, for now
    for (size_t i = 0; i < value.size(); ++i) part[i] += weight * static_cast<double>(value[i]);
    all_ += weight;
    mass_ += seen[position] ? weight : 0;
  }
  for (size_t i = 0; i < full_.size(); ++i) {
    full_[i] = all_ > 0 ? (full_[i] + kept_[i]) / all_ : 0;
    kept_[i] = mass_ > 0 ? kept_[i] / mass_ : 0;
  }
}

void HeadMeasure::blame(std::span<const float> weights, std::span<const uint8_t> seen,
                        GridView<const float> values, HeadNumbers& numbers) const {
  for (size_t position = 0; position < weights.size(); ++position) {
    const double weight = static_cast<double>(weights[position]) / all_;
    if (seen[position] || weight <= 0 || weight >= 1) continue;
    const std::span<const float> value = values.row(position);
    double squares = 0;
    for (size_t i = 0; i < value.size(); ++i) {
      const double difference = full_[i] - static_cast<double>(value[i]);
      squares += difference * difference;
    }
    const double change = weight / (1 - weight) * std::sqrt(squares);
    if (change <= numbers.guilt) continue;
    numbers.guilt = change;
    numbers.guiltiest = Position(position);
  }
}

}  // namespace dendrokv
