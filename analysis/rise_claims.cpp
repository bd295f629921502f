#include "analysis/rise_claims.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

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

// Change of ln amplitude of level 1 in relation to `yardstick` [bin].
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
double rise_beyond_null(const DocumentRise& document) {
  return change_at_high(document, document.null.row(0));
}
double high_over_low(const DocumentRise& document) {
  const Grid<double>& amplitude = document.amplitude;
  return change_over_bins(amplitude.row(0)) - change_over_bins(amplitude.row(amplitude.rows() - 1));
}

struct SlopeClaim {
  std::string_view name, statement;
  double (*statistic)(const DocumentRise&);
};
constexpr std::array<SlopeClaim, 4> kSlopeClaims = {{
    {"rise", "contributions vary more towards the end", rise},
    {"rise-relative", "neighbours differ more even in relation to their own size", relative_rise},
    {"rise-beyond-null", "neighbours differ more than the growth of the weights alone explains",
     rise_beyond_null},
    {"high-most", "the rise is steepest at the highest frequency", high_over_low},
}};

bool has_null(std::span<const DocumentRise> documents) {
  return std::ranges::all_of(documents,
                             [](const DocumentRise& document) { return document.null.rows() > 0; });
}

Claim slope_claim(const SlopeClaim& row, std::span<const DocumentRise> documents,
                  const JudgeOptions& options) {
  Grid<double> statistic(documents.size(), 1);
  for (size_t d = 0; d < documents.size(); ++d) statistic(d, 0) = row.statistic(documents[d]);
  const Band band = percentile_band(statistic.view(), 1 - options.significance, options.resampling);
  Claim claim{std::string(row.name), std::string(row.statement)};
  claim.effect = band.mean[0];
  claim.lower = band.lower[0];
  claim.upper = band.upper[0];
  claim.p_value = sign_flip_p_value(statistic.all(), Alternative::Greater, options.resampling);
  claim.p_against = sign_flip_p_value(statistic.all(), Alternative::Less, options.resampling);
  return claim;
}

void adjust(std::span<Claim> claims, double Claim::*p_value) {
  std::vector<double> raw;
  for (const Claim& claim : claims) raw.push_back(claim.*p_value);
  const std::vector<double> adjusted = adjusted_p_values(raw, Dependence::Arbitrary);
  for (size_t i = 0; i < claims.size(); ++i) claims[i].*p_value = adjusted[i];
}

Verdict verdict_of(const Claim& claim, size_t documents, double significance) {
  if (documents < kLeastDocuments || std::isnan(claim.effect)) return Verdict::NotTestable;
  if (claim.p_value <= significance) return Verdict::Shown;
  if (claim.p_against <= significance) return Verdict::Contradicted;
  return Verdict::NotContradicted;
}

// [document, increment between neighbouring bins], each less `share` of the document's whole change.
Grid<double> increments(std::span<const DocumentRise> documents, double share) {
  Grid<double> steps(documents.size(), documents[0].amplitude.cols() - 1);
  for (size_t d = 0; d < documents.size(); ++d) {
    const std::vector<double> curve = mean_over_levels(documents[d]);
    const double whole = curve.back() - curve.front();
    for (size_t b = 0; b < steps.cols(); ++b) steps(d, b) = curve[b + 1] - curve[b] - share * whole;
  }
  return steps;
}

// "All columns are above 0", judged by the lowest one.
Claim band_claim(std::string name, std::string statement, const Grid<double>& statistic,
                 const JudgeOptions& options) {
  const Band band =
      simultaneous_band(statistic.view(), 1 - options.significance, options.resampling);
  const auto decides =
      static_cast<size_t>(std::ranges::min_element(band.lower) - band.lower.begin());
  Claim claim{std::move(name), std::move(statement)};
  claim.effect = band.mean[decides];
  claim.lower = band.lower[decides];
  claim.upper = band.upper[decides];
  claim.p_value = claim.p_against = kNaN;
  if (statistic.rows() < kLeastDocuments || std::isnan(claim.effect))
    claim.verdict = Verdict::NotTestable;
  else if (claim.lower > 0)
    claim.verdict = Verdict::Shown;
  else if (*std::ranges::min_element(band.upper) < 0)
    claim.verdict = Verdict::Contradicted;
  else
    claim.verdict = Verdict::NotContradicted;
  return claim;
}

Claim smooth_claim(std::span<const DocumentRise> documents, const JudgeOptions& options) {
  Grid<double> room = increments(documents, kLargestShare);
  for (double& value : room.all()) value = -value;
  Claim claim = band_claim("smooth", "no single step carries half of the rise", room, options);
  claim.effect = -claim.effect;
  std::swap(claim.lower, claim.upper);
  claim.lower = -claim.lower;
  claim.upper = -claim.upper;
  return claim;
}

}  // namespace

std::string_view verdict_name(Verdict verdict) {
  constexpr std::array<std::string_view, 4> kNames = {"shown", "not contradicted", "contradicted",
                                                      "not testable with this sample"};
  return kNames[static_cast<size_t>(verdict)];
}

std::vector<Claim> judge_rise(std::span<const DocumentRise> documents,
                              const JudgeOptions& options) {
  DENDROKV_ASSERT(!documents.empty());
  std::vector<Claim> claims;
  for (const SlopeClaim& row : kSlopeClaims)
    if (row.statistic != rise_beyond_null || has_null(documents))
      claims.push_back(slope_claim(row, documents, options));
  adjust(claims, &Claim::p_value);
  adjust(claims, &Claim::p_against);
  for (Claim& claim : claims)
    claim.verdict = verdict_of(claim, documents.size(), options.significance);
  claims.push_back(
      band_claim("monotone", "no stretch of the curve falls", increments(documents, 0), options));
  claims.push_back(smooth_claim(documents, options));
  // A share of a rise that is not there means nothing.
  if (claims.front().verdict != Verdict::Shown) claims.back().verdict = Verdict::NotTestable;
  return claims;
}

}  // namespace dendrokv
