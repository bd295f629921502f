#pragma once
// The default model and the text that the reference numbers belong to: persuasion.txt from its
// start, no BOS.

#include <cstdint>
#include <vector>

#include "model/model.h"

namespace dendrokv::testing {

/// The default model, loaded once per arithmetic.
const Model& default_model(Arithmetic arithmetic);

/// Ids of the text's first `count` tokens.
std::vector<int32_t> reference_text(size_t count);

}  // namespace dendrokv::testing
