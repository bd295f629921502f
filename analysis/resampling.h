#pragma once
// Tests and bands whose unit is the document: heads, layers, channels and positions of a document
// depend on each other and are never counted as samples. Rows of a grid are documents, columns the
// statistics of each.

#include <cstdint>
#include <span>
#include <vector>

#include "data/grid.h"

namespace dendrokv {

struct Resampling {
  uint64_t seed = 1;
  size_t draws = 9999;
};

enum class Alternative { Greater, Less };

/// Is the mean of `values` [document] above (below) 0? Under the null, values are symmetric about
/// 0: the sign of each is flipped at random. All 2^n flips when they are no more than the draws,
/// else p = (1 + count) / (1 + draws). 1 without documents.
double sign_flip_p_value(std::span<const double> values, Alternative alternative,
                         const Resampling& resampling);

/// Page's L (1963) for `scores` [document, bin]: do scores rise with the bin, within documents?
/// Upper tail of its normal approximation, ties share their mean rank. 1 with fewer than two bins
/// or no document, NaN with a score that is NaN.
double page_trend_p_value(GridView<const double> scores);

/// Theil and Sen: the median of the slopes between all pairs of points, per unit of index; NaN of
/// fewer than two points or when one is NaN.
double sen_slope(std::span<const double> values);

/// Mean of each column and limits from a bootstrap over documents; NaN for a column in which a
/// document has none.
struct Band {
  std::vector<double> mean, lower, upper;  // [column]
};

/// Pointwise: percentiles of the bootstrapped means, as far out as Student's t is beyond the normal
/// distribution and the spread of a few documents beyond that of a bootstrap over them (Hesterberg
/// 2015, section 5.3). 95 % hold the mean of 8 normal documents as often; plain percentiles hold it
/// 88 % of the time. The limits are the mean itself with one document.
Band expanded_percentile_band(GridView<const double> statistics, double confidence,
                              const Resampling& resampling);

/// Plain percentiles of weighted means, sum weight * statistic / sum weight, as of many documents
/// of several lengths. Weights are positive, [document].
Band percentile_band(GridView<const double> statistics, std::span<const double> weights,
                     double confidence, const Resampling& resampling);

/// All columns at once (sup-t, Montiel Olea and Plagborg-Moller 2019): mean +- c * standard error,
/// c the `confidence` quantile of the largest |bootstrapped mean - mean| / standard error over the
/// columns, as far out for few documents as Student's t is beyond the normal distribution.
Band simultaneous_band(GridView<const double> statistics, double confidence,
                       const Resampling& resampling);

}  // namespace dendrokv
