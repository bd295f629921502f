#pragma once
// What a bounded cache takes in memory, before it is there: keys, rotated keys and values of all
// its rows, and the gaps between them.

#include <cstdint>

#include "cache/policies.h"
#include "model/config.h"
#include "model/model.h"

namespace dendrokv {

/// Bytes of one lane of `shape`, which must be bounded.
uint64_t lane_bytes(const Config& config, Arithmetic arithmetic, const PolicyShape& shape);

/// Bytes of the whole cache under a policy that bounds it: Decoder::kv_bytes() once it is full.
uint64_t cache_bytes(const Config& config, Arithmetic arithmetic, const PolicyChoice& policy);

/// Lanes of a layer under a policy.
uint32_t lanes_of(const Config& config, const PolicyShape& shape);

}  // namespace dendrokv
