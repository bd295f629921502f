#include "analysis/resampling.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "analysis/distributions.h"
#include "analysis/random.h"
#include "data/error.h"

namespace dendrokv {
namespace {

// Sums of the same numbers with other signs differ in their last bits: what is equal but for those
// counts as reached.
constexpr double kEqual = 1e-12;

double exact_sign_flips(std::span<const double> values, double reached) {
  const uint64_t flips = uint64_t{1} << values.size();
  uint64_t count = 0;
  for (uint64_t flip = 0; flip < flips; ++flip) {
    double sum = 0;
    for (size_t i = 0; i < values.size(); ++i) sum += (flip >> i & 1) == 1 ? -values[i] : values[i];
    count += sum >= reached ? 1 : 0;
  }
  return static_cast<double>(count) / static_cast<double>(flips);
}

double drawn_sign_flips(std::span<const double> values, double reached,
                        const Resampling& resampling) {
  size_t count = 0;
  for (size_t draw = 0; draw < resampling.draws; ++draw) {
    RandomStream random(resampling.seed, draw);
    double sum = 0;
    for (const double value : values) sum += random.next() % 2 == 1 ? -value : value;
    count += sum >= reached ? 1 : 0;
  }
  return static_cast<double>(1 + count) / static_cast<double>(1 + resampling.draws);
}

std::vector<double> equal_weights(GridView<const double> statistics) {
  return std::vector<double>(statistics.rows(), 1.0);
}

std::vector<double> column_means(GridView<const double> statistics,
                                 std::span<const double> weights) {
  std::vector<double> mean(statistics.cols());
  double total = 0;
  for (size_t document = 0; document < statistics.rows(); ++document) {
    for (size_t c = 0; c < mean.size(); ++c) mean[c] += weights[document] * statistics(document, c);
    total += weights[document];
  }
  for (double& value : mean) value /= total;
  return mean;
}

std::vector<double> column_means(GridView<const double> statistics) {
  return column_means(statistics, equal_weights(statistics));
}

std::vector<double> standard_errors(GridView<const double> statistics,
                                    std::span<const double> mean) {
  const auto documents = static_cast<double>(statistics.rows());
  std::vector<double> error(statistics.cols());
  for (size_t document = 0; document < statistics.rows(); ++document)
    for (size_t c = 0; c < error.size(); ++c)
      error[c] += std::pow(statistics(document, c) - mean[c], 2);
  for (double& value : error) value = std::sqrt(value / documents / std::max(documents - 1, 1.0));
  return error;
}

// [draw, column]: means over as many documents, drawn with replacement.
Grid<double> bootstrapped_means(GridView<const double> statistics, std::span<const double> weights,
                                const Resampling& resampling) {
  const auto documents = static_cast<uint32_t>(statistics.rows());
  Grid<double> means(resampling.draws, statistics.cols());
  for (size_t draw = 0; draw < resampling.draws; ++draw) {
    RandomStream random(resampling.seed, draw);
    const std::span<double> mean = means.row(draw);
    double total = 0;
    for (uint32_t i = 0; i < documents; ++i) {
      const uint32_t document = random.below(documents);
      const auto row = statistics.row(document);
      for (size_t c = 0; c < mean.size(); ++c) mean[c] += weights[document] * row[c];
      total += weights[document];
    }
    for (double& value : mean) value /= total;
  }
  return means;
}

// The smallest number that at least `probability` of the values do not exceed; NaN when one is.
double quantile(std::vector<double> values, double probability) {
  if (std::ranges::any_of(values, [](double value) { return std::isnan(value); }))
    return std::numeric_limits<double>::quiet_NaN();
  const auto last = static_cast<double>(values.size() - 1);
  const double place = std::ceil(probability * static_cast<double>(values.size())) - 1;
  const auto nth = values.begin() + static_cast<std::ptrdiff_t>(std::clamp(place, 0.0, last));
  std::nth_element(values.begin(), nth, values.end());
  return *nth;
}

// The `confidence` quantile of the largest studentised deviation over the columns.
double largest_deviation(GridView<const double> statistics, std::span<const double> mean,
                         std::span<const double> error, double confidence,
                         const Resampling& resampling) {
  const Grid<double> means = bootstrapped_means(statistics, equal_weights(statistics), resampling);
  std::vector<double> largest(means.rows(), 0.0);
  for (size_t draw = 0; draw < means.rows(); ++draw)
    for (size_t c = 0; c < mean.size(); ++c) {
      if (!(error[c] > 0)) continue;
      largest[draw] = std::max(largest[draw], std::fabs(means(draw, c) - mean[c]) / error[c]);
    }
  return quantile(std::move(largest), confidence);
}

// A reach in standard errors as if these were known: a bootstrap over n documents spreads by (n -
// 1) / n of their variance, and the error of a few is itself an estimate. Exact for columns that do
// not depend on each other.
double widened(double reach, size_t documents) {
  if (documents < 2 || !(reach > 0)) return reach;
  const auto count = static_cast<double>(documents);
  const double beyond = normal_upper_tail(reach * std::sqrt(count / (count - 1)));
  return -student_quantile(count - 1, std::max(beyond, std::numeric_limits<double>::min()));
}

// Limits that leave `tail` of the bootstrapped means beyond either.
Band percentiles(GridView<const double> statistics, std::span<const double> weights, double tail,
                 const Resampling& resampling) {
  Band band{column_means(statistics, weights), {}, {}};
  const Grid<double> means = bootstrapped_means(statistics, weights, resampling);
  for (size_t c = 0; c < statistics.cols(); ++c) {
    std::vector<double> column(means.rows());
    for (size_t draw = 0; draw < column.size(); ++draw) column[draw] = means(draw, c);
    band.lower.push_back(quantile(column, tail));
    band.upper.push_back(quantile(std::move(column), 1 - tail));
  }
  return band;
}

void check(GridView<const double> statistics, double confidence, const Resampling& resampling) {
  DENDROKV_ASSERT(statistics.rows() > 0 && resampling.draws > 0);
  DENDROKV_ASSERT(confidence > 0 && confidence < 1);
}

// Mean ranks of the bins within a document, from 1.
std::vector<double> ranks(std::span<const double> scores) {
  std::vector<double> rank(scores.size());
  for (size_t a = 0; a < scores.size(); ++a) {
    double below = 0, equal = 0;
    for (const double other : scores) {
      below += other < scores[a] ? 1 : 0;
      equal += other == scores[a] ? 1 : 0;
    }
    rank[a] = below + (equal + 1) / 2;
  }
  return rank;
}

}  // namespace

double sign_flip_p_value(std::span<const double> values, Alternative alternative,
                         const Resampling& resampling) {
  std::vector<double> towards(values.begin(), values.end());
  if (alternative == Alternative::Less)
    for (double& value : towards) value = -value;
  const double sum = std::accumulate(towards.begin(), towards.end(), 0.0);
  double magnitude = 0;
  for (const double value : towards) magnitude += std::fabs(value);
  const double reached = sum - kEqual * magnitude;
  const bool enumerable =
      towards.size() < 63 && (uint64_t{1} << towards.size()) <= uint64_t{resampling.draws};
  return enumerable ? exact_sign_flips(towards, reached)
                    : drawn_sign_flips(towards, reached, resampling);
}

double page_trend_p_value(GridView<const double> scores) {
  if (scores.rows() == 0 || scores.cols() < 2) return 1;
  for (size_t document = 0; document < scores.rows(); ++document)
    for (const double score : scores.row(document))
      if (std::isnan(score)) return std::numeric_limits<double>::quiet_NaN();
  const auto documents = static_cast<double>(scores.rows());
  const auto bins = static_cast<double>(scores.cols());
  double statistic = 0;
  for (size_t document = 0; document < scores.rows(); ++document) {
    const std::vector<double> rank = ranks(scores.row(document));
    for (size_t bin = 0; bin < rank.size(); ++bin)
      statistic += static_cast<double>(bin + 1) * rank[bin];
  }
  const double mean = documents * bins * (bins + 1) * (bins + 1) / 4;
  const double variance = documents * bins * bins * (bins + 1) * (bins * bins - 1) / 144;
  return normal_upper_tail((statistic - mean) / std::sqrt(variance));
}

double sen_slope(std::span<const double> values) {
  std::vector<double> slopes;
  for (size_t a = 0; a < values.size(); ++a)
    for (size_t b = a + 1; b < values.size(); ++b)
      slopes.push_back((values[b] - values[a]) / static_cast<double>(b - a));
  const bool known = std::ranges::none_of(slopes, [](double slope) { return std::isnan(slope); });
  if (slopes.empty() || !known) return std::numeric_limits<double>::quiet_NaN();
  std::ranges::sort(slopes);
  const size_t middle = slopes.size() / 2;
  return slopes.size() % 2 == 1 ? slopes[middle] : (slopes[middle - 1] + slopes[middle]) / 2;
}

Band expanded_percentile_band(GridView<const double> statistics, double confidence,
                              const Resampling& resampling) {
  check(statistics, confidence, resampling);
  const auto documents = static_cast<double>(statistics.rows());
  if (documents < 2)
    return percentile_band(statistics, equal_weights(statistics), confidence, resampling);
  const double reach = student_quantile(documents - 1, (1 + confidence) / 2) *
                       std::sqrt(documents / (documents - 1));
  return percentiles(statistics, equal_weights(statistics), normal_upper_tail(reach), resampling);
}

Band percentile_band(GridView<const double> statistics, std::span<const double> weights,
                     double confidence, const Resampling& resampling) {
  check(statistics, confidence, resampling);
  DENDROKV_ASSERT(weights.size() == statistics.rows());
  return percentiles(statistics, weights, (1 - confidence) / 2, resampling);
}

Band simultaneous_band(GridView<const double> statistics, double confidence,
                       const Resampling& resampling) {
  check(statistics, confidence, resampling);
  Band band{column_means(statistics), {}, {}};
  const std::vector<double> error = standard_errors(statistics, band.mean);
  const double reach = widened(
      largest_deviation(statistics, band.mean, error, confidence, resampling), statistics.rows());
  for (size_t c = 0; c < error.size(); ++c) {
    band.lower.push_back(band.mean[c] - reach * error[c]);
    band.upper.push_back(band.mean[c] + reach * error[c]);
  }
  return band;
}

}  // namespace dendrokv
