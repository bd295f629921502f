#include "analysis/rise_claims.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <string>
#include <utility>

#include "analysis/multiplicity.h"
#include "data/error.h"

namespace dendrokv {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

// [bin] mean ln amplitude over levels.
std::vector<double> mean_over_levels(const DocumentRise& document) {
  const Grid<double>& amplitude = document.amplitude;
  std::vector<double> curve(amplitude.cols());
  for (size_t bin = 0; bin < curve.size(); ++bin) {
    for (size_t level = 0; level < amplitude.rows(); ++level) curve[bin] += amplitude(level, bin);
    curve[bin] /= static_cast<double>(amplitude.rows());
  }
  return curve;
}

// Change of ln amplitude of the first band in relation to `yardstick` [bin].
double change_at_high(const DocumentRise& document, std::span<const double> yardstick) {
  const auto amplitude = document.amplitude.row(0);
  std::vector<double> curve(amplitude.begin(), amplitude.end());
  for (size_t bin = 0; bin < curve.size(); ++bin) curve[bin] -= yardstick[bin];
  return change_over_bins(curve);
}

double rise(const DocumentRise& document) {
  return change_over_bins(mean_over_levels(document));
}
double relative_rise(const DocumentRise& document) {
  return change_at_high(document, document.size);
}
double high_over_low(const Grid<double>& amplitude) {
  return change_over_bins(amplitude.row(0)) - change_over_bins(amplitude.row(amplitude.rows() - 1));
}

struct SlopeClaim {
  std::string name, statement;
  std::function<double(const DocumentRise&)> statistic;
};

std::vector<SlopeClaim> slope_claims(std::span<const std::string> nulls) {
  std::vector<SlopeClaim> claims = {
      {"rise", "contributions vary more towards the end", rise},
      {"rise-relative", "neighbours differ more even in relation to their own size", relative_rise},
  };
  for (size_t n = 0; n < nulls.size(); ++n)
    claims.push_back({"rise-beyond-" + nulls[n],
                      "neighbours differ more than under the null " + nulls[n],
                      [n](const DocumentRise& document) {
                        return change_at_high(document, document.nulls[n].row(0));
                      }});
  claims.push_back(
      {"high-most", "the rise is steepest at the highest frequency",
       [](const DocumentRise& document) { return high_over_low(document.amplitude); }});
  for (size_t n = 0; n < nulls.size(); ++n)
    claims.push_back({"high-most-beyond-" + nulls[n],
                      "the highest frequency stands out more than under the null " + nulls[n],
                      [n](const DocumentRise& document) {
                        return high_over_low(document.amplitude) - high_over_low(document.nulls[n]);
                      }});
  return claims;
}

Claim slope_claim(const SlopeClaim& row, std::span<const DocumentRise> documents,
                  const JudgeOptions& options) {
  Grid<double> statistic(documents.size(), 1);
  for (size_t d = 0; d < documents.size(); ++d) statistic(d, 0) = row.statistic(documents[d]);
  const Band band =
      expanded_percentile_band(statistic.view(), 1 - options.significance, options.resampling);
  Claim claim{row.name, row.statement};
  claim.effect = band.mean[0];
  claim.lower = band.lower[0];
  claim.upper = band.upper[0];
  claim.raw_p_value = claim.p_value = claim.p_against = kNaN;
  if (std::isnan(claim.effect)) return claim;
  claim.raw_p_value = sign_flip_p_value(statistic.all(), Alternative::Greater, options.resampling);
  claim.p_value = claim.raw_p_value;
  claim.p_against = sign_flip_p_value(statistic.all(), Alternative::Less, options.resampling);
  return claim;
}

void adjust(std::span<Claim> claims, double Claim::*p_value) {
  std::vector<double> raw;
  for (const Claim& claim : claims) raw.push_back(claim.*p_value);
  const std::vector<double> adjusted = adjusted_p_values(raw, Dependence::Arbitrary);
  for (size_t i = 0; i < claims.size(); ++i) claims[i].*p_value = adjusted[i];
}

/// What the adjustment multiplies a p-value by at most: claims * (1 + 1/2 + ... + 1/claims).
double most_adjustment(size_t nulls) {
  const size_t slope_claims = 3 + 2 * nulls;
  double penalty = 0;
  for (size_t k = 1; k <= slope_claims; ++k) penalty += 1 / static_cast<double>(k);
  return penalty * static_cast<double>(slope_claims);
}

/// Whether sign flips can give a p-value that is small enough after the adjustment: flips that are
/// drawn give none below 1 / (1 + draws).
bool can_decide(size_t documents, size_t nulls, const JudgeOptions& options) {
  const auto drawn = static_cast<double>(1 + options.resampling.draws);
  return documents >= least_documents(nulls, options.significance) &&
         most_adjustment(nulls) / drawn <= options.significance;
}

Verdict verdict_of(const Claim& claim, bool testable, double significance) {
  if (!testable || std::isnan(claim.effect)) return Verdict::NotTestable;
  if (claim.p_value <= significance) return Verdict::Shown;
  if (claim.p_against <= significance) return Verdict::Contradicted;
  return Verdict::NotContradicted;
}

// [document, increment between neighbouring bins], each less `share` of the document's whole
// change.
Grid<double> increments(std::span<const DocumentRise> documents, double share) {
  Grid<double> steps(documents.size(), documents[0].amplitude.cols() - 1);
  for (size_t d = 0; d < documents.size(); ++d) {
    const std::vector<double> curve = mean_over_levels(documents[d]);
    const double whole = curve.back() - curve.front();
    for (size_t b = 0; b < steps.cols(); ++b) steps(d, b) = curve[b + 1] - curve[b] - share * whole;
  }
  return steps;
}

struct BandClaim {
  std::string name, statement;
};
const BandClaim kMonotone = {"monotone", "no stretch of the curve falls"};
const BandClaim kSmooth = {"smooth", "no single step carries half of the rise"};

// "All columns are above 0", judged by the lowest limit: the lower one, or where the claim is
// contradicted the upper one.
Claim band_claim(const BandClaim& row, const Grid<double>& statistic, size_t least,
                 const JudgeOptions& options) {
  const Band band =
      simultaneous_band(statistic.view(), 1 - options.significance, options.resampling);
  const auto lowest = [](const std::vector<double>& ends) {
    return static_cast<size_t>(std::ranges::min_element(ends) - ends.begin());
  };
  Claim claim{row.name, row.statement};
  size_t decides = lowest(band.lower);
  if (statistic.rows() < least ||
      std::ranges::any_of(band.mean, [](double mean) { return std::isnan(mean); })) {
    claim.verdict = Verdict::NotTestable;
  } else if (band.lower[decides] > 0) {
    claim.verdict = Verdict::Shown;
  } else if (band.upper[lowest(band.upper)] < 0) {
    claim.verdict = Verdict::Contradicted;
    decides = lowest(band.upper);
  } else {
    claim.verdict = Verdict::NotContradicted;
  }
  claim.effect = band.mean[decides];
  claim.lower = band.lower[decides];
  claim.upper = band.upper[decides];
  claim.raw_p_value = claim.p_value = claim.p_against = kNaN;
  return claim;
}

Claim smooth_claim(std::span<const DocumentRise> documents, size_t least,
                   const JudgeOptions& options) {
  Grid<double> room = increments(documents, kLargestShare);
  for (double& value : room.all()) value = -value;
  Claim claim = band_claim(kSmooth, room, least, options);
  claim.effect = -claim.effect;
  std::swap(claim.lower, claim.upper);
  claim.lower = -claim.lower;
  claim.upper = -claim.upper;
  return claim;
}

}  // namespace

// The least p-value of n sign flips is 2^-n.
size_t least_documents(size_t nulls, double significance) {
  const double penalty = most_adjustment(nulls);
  size_t documents = 1;
  while (std::ldexp(penalty, -static_cast<int>(documents)) > significance) ++documents;
  return documents;
}

std::vector<Claim> judge_rise(std::span<const DocumentRise> documents,
                              std::span<const std::string> nulls, const JudgeOptions& options) {
  DENDROKV_ASSERT(!documents.empty());
  const std::vector<SlopeClaim> rows = slope_claims(nulls);
  const size_t least = least_documents(nulls.size(), options.significance);
  const bool testable = can_decide(documents.size(), nulls.size(), options);
  std::vector<Claim> claims;
  for (const SlopeClaim& row : rows) claims.push_back(slope_claim(row, documents, options));
  adjust(claims, &Claim::p_value);
  adjust(claims, &Claim::p_against);
  for (Claim& claim : claims) claim.verdict = verdict_of(claim, testable, options.significance);
  claims.push_back(band_claim(kMonotone, increments(documents, 0), least, options));
  claims.push_back(smooth_claim(documents, least, options));
  // A share of a rise that is not there means nothing, nor does that of the only step.
  if (claims.front().verdict != Verdict::Shown || documents[0].amplitude.cols() < 3)
    claims.back().verdict = Verdict::NotTestable;
  for (Claim& claim : claims) claim.units = static_cast<uint32_t>(documents.size());
  if (documents.size() == 1)  // an effect without a spread
    for (Claim& claim : claims)
      claim.lower = claim.upper = claim.raw_p_value = claim.p_value = claim.p_against = kNaN;
  return claims;
}

std::vector<Claim> claims_without_bins(std::span<const std::string> nulls, size_t documents) {
  std::vector<Claim> claims;
  for (const SlopeClaim& row : slope_claims(nulls)) claims.push_back({row.name, row.statement});
  claims.push_back({kMonotone.name, kMonotone.statement});
  claims.push_back({kSmooth.name, kSmooth.statement});
  for (Claim& claim : claims) {
    claim.units = static_cast<uint32_t>(documents);
    claim.effect = claim.lower = claim.upper = claim.raw_p_value = claim.p_value = claim.p_against =
        kNaN;
  }
  return claims;
}

}  // namespace dendrokv
