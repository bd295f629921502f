#pragma once
// The rows of the table in cache/policies.cpp, each defined in the policy's own file.

#include "cache/policy.h"

namespace dendrokv {

extern const PolicyRow kFullRow;
extern const PolicyRow kSlidingRow;
extern const PolicyRow kStreamingRow;
extern const PolicyRow kRandomRow;
extern const PolicyRow kContextShiftRow;
extern const PolicyRow kLaCacheRow;
extern const PolicyRow kTreeKvRow;
extern const PolicyRow kH2oRow;
extern const PolicyRow kH2oAverageRow;
extern const PolicyRow kTovaRow;
extern const PolicyRow kSnapKvRow;
extern const PolicyRow kPyramidKvRow;
extern const PolicyRow kAdaKvRow;
extern const PolicyRow kGeoTopKRow;
extern const PolicyRow kNormSumBlocksRow;
extern const PolicyRow kKeyNormRow;
extern const PolicyRow kKeyDiffRow;
extern const PolicyRow kLagKvRow;
extern const PolicyRow kReasoningKvRow;
extern const PolicyRow kExpectedAttentionRow;
extern const PolicyRow kQuestRow;
extern const PolicyRow kOracleRow;

}  // namespace dendrokv
