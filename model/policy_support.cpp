#include "model/policy_support.h"

#include <string>

#include "data/error.h"

namespace dendrokv {
namespace {

struct Need {
  bool there;
  const char* what;
};

}  // namespace

void require_engine_support(const PolicyChoice& policy, const Config& config) {
  const PolicyShape& shape = policy.shape();
  const std::string subject = "policy '" + policy.text() + "'";
  const bool turns = shape.inputs.has(Input::QueryStatistics);
  const RotaryShape& rotary = config.rotary;
  const bool plain =
      rotary.pairing == RotaryPairing::Adjacent && !rotary.yarn && config.window == 0;
  const Need needs[] = {
      {shape.inputs.has(Input::Future), "needs the attention of later steps"},
      {shape.reads > 0, "reads some of the rows that it holds"},
      {turns && !plain, "expects queries at plain rotary positions, pairs side by side"},
      {shape.deciding == Deciding::LayerTogether, "decides for the lanes of a layer together"},
  };
  for (const Need& need : needs)
    if (need.there)
      fail(subject, need.what, "not offered while a model runs",
           "try it with dendrokv replay over a recorded trace");
}

}  // namespace dendrokv
