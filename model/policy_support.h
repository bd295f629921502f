#pragma once
// Which policies the engine can run.

#include "cache/policies.h"
#include "model/config.h"

namespace dendrokv {

/// Throws Error naming what the policy needs and the running model does not offer it.
void require_engine_support(const PolicyChoice& policy, const Config& config);

}  // namespace dendrokv
