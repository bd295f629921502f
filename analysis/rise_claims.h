#pragma once
// The verdict on TreeKV's observation (He et al., IJCAI 2025, section 3.2) that contributions vary more towards the end, smoothly,
// and most at high frequency. The paper shows one mean curve; recency-weighted white noise draws it too. Here each part of the
// claim is a statistic per document, with a test over documents:
//
//   rise             mean over levels of the change of ln amplitude from the first bin to the last                    > 0
//   rise-relative    change at level 1 of ln amplitude - ln local size: differs more from its neighbours, not just contributes
//                    more. At level 1, for relative amplitudes of all levels together can hardly change: energy that one level
//                    gains another loses                                                                            > 0
//   rise-beyond-null change at level 1 of ln amplitude - ln amplitude of permuted values: more than the weights make of it   > 0
//   high-most        change at level 1 - change at the last level; 0 for weighted white noise                          > 0
//   monotone         increments between neighbouring bins, all together                                              all > 0
//   smooth           increments less kLargestShare of the whole change: no jump carries the rise                      all < 0
//
// The first four are sign-flip tests with p-values adjusted for each other (Benjamini and Yekutieli); the last two use
// simultaneous bands.

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "analysis/document_rise.h"
#include "analysis/resampling.h"

namespace dendrokv {

enum class Verdict { Shown, NotContradicted, Contradicted, NotTestable };
/// "shown", "not contradicted", "contradicted", "not testable with this sample"
std::string_view verdict_name(Verdict verdict);

struct Claim {
  std::string name;       // as above
  std::string statement;  // in words
  Verdict verdict = Verdict::NotTestable;
  double effect =
      0;  // mean over documents, natural logarithm; of monotone and smooth: the column that decides
  double lower = 0, upper = 0;  // of the effect
  double p_value = 1;           // adjusted, towards the claim; NaN for the band claims
  double p_against = 1;         // adjusted, away from it; NaN for the band claims
};

/// A jump that carries more than this share of the whole change is not smooth.
inline constexpr double kLargestShare = 0.5;
/// With fewer, even documents that all agree leave a sign-flip p-value above what the adjustment asks for.
inline constexpr size_t kLeastDocuments = 8;

struct JudgeOptions {
  double significance = 0.05;
  Resampling resampling;
};

/// All claims, in the order above; rise-beyond-null only when the documents have a null. Documents share levels and bins.
std::vector<Claim> judge_rise(std::span<const DocumentRise> documents, const JudgeOptions& options);

}  // namespace dendrokv
