#pragma once
// The scores that a wrapper may put under another rule (cache/adakv.cpp, cache/geo_topk.cpp). Each
// is defined in the file of its policy; the spec's options that it reads are named there.

#include "cache/scored.h"

namespace dendrokv {

Scoring h2o_scoring();
/// Reads `sinks` and `recent`: only the rows between them get a score.
Scoring h2o_average_scoring(const Spec& spec);
Scoring tova_scoring();
/// Reads `kernel` and `pool`; its window is the spec's `recent` rows.
Scoring snapkv_scoring(const Spec& spec);
Scoring key_norm_scoring();
Scoring key_diff_scoring();
/// Reads `future`, `epsilon` and `positions`.
Scoring expected_attention_scoring(const Spec& spec, std::span<const double> turns);

}  // namespace dendrokv
