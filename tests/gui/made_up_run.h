#pragma once
// Runs of any length without a model: a cursor walks over the tree and a coin decides each duel,
// which is all that views see of a policy.

#include "data/retention.h"

namespace dendrokv::testing {

struct MadeUpRun {
  uint32_t layers = 1, lanes = 1, tokens = 0;
  uint32_t sinks = 4, tree = 64, recent = 60;
  uint32_t seed = 1;
};
Run made_up_run(const MadeUpRun& wanted);

}  // namespace dendrokv::testing
