#pragma once
// The verdict on TreeKV's observation (He et al., IJCAI 2025, section 3.2) that contributions vary
// more towards the end, smoothly, and most at high frequency. The paper shows one mean curve;
// recency-weighted white noise draws it too. Here each part of the claim is a statistic per
// document, with a test over documents:
//
//   rise             > 0      mean over levels of the change of ln amplitude from the first bin to
//                             the last
//   rise-relative    > 0      change at level 1 of ln amplitude - ln local size: differs more from
//                             its neighbours, not just contributes more. At level 1, for relative
//                             amplitudes of all levels together can hardly change: energy that one
//                             level gains another loses
//   rise-beyond-NULL > 0      change at level 1 of ln amplitude - ln amplitude of a surrogate, for
//                             each null. Of shuffle-values: more than the weights alone make of it
//   high-most        > 0      change at level 1 - change at the last level; 0 for white noise under
//                             smoothly growing weights
//   high-most-beyond-NULL > 0  the same less that of a surrogate: weights are not smooth, and that
//                             alone favours level 1
//   monotone         all > 0  increments between neighbouring bins, all together
//   smooth           all < 0  increments less kLargestShare of the whole change: no jump carries
//                             the rise. Not testable with two bins, which have one increment
//
// Changes are sign-flip tests with p-values adjusted for each other (Benjamini and Yekutieli);
// monotone and smooth use simultaneous bands.

#include <span>
#include <string>
#include <vector>

#include "analysis/document_rise.h"
#include "analysis/resampling.h"
#include "data/claim.h"

namespace dendrokv {

/// A jump that carries more than this share of the whole change is not smooth.
inline constexpr double kLargestShare = 0.5;
/// With fewer documents even some that all agree leave a sign-flip p-value above what the
/// adjustment for the claims asks for: 8 with one null, at 5 %.
size_t least_documents(size_t nulls, double significance);

struct JudgeOptions {
  double significance = 0.05;
  // Of fewer draws than the adjustment asks for, 228 with one null at 5 %, slopes are not testable.
  Resampling resampling;
};

/// All claims, in the order above. Documents share bands and bins, and have a null for each of
/// `nulls`.
std::vector<Claim> judge_rise(std::span<const DocumentRise> documents,
                              std::span<const std::string> nulls, const JudgeOptions& options);
/// The same, not testable: of texts too short for two bins.
std::vector<Claim> claims_without_bins(std::span<const std::string> nulls, size_t documents);

}  // namespace dendrokv
