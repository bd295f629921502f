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
  const InputSet& inputs = shape.inputs;
  const bool of_one_head = inputs.has(Input::Keys) || inputs.has(Input::Values) ||
                           inputs.has(Input::Queries) || inputs.has(Input::QueryStatistics);
  const bool turns_rows = inputs.has(Input::QueryStatistics) || inputs.has(Input::Queries);
  const Need needs[] = {
      {shape.inputs.has(Input::Future), "needs the attention of later steps"},
      {of_one_head && shape.lane_kind == LaneKind::PerLayer,
       "looks at the keys, values or queries of a lane of many KV heads"},
      {turns_rows && config.rotary.pairing != RotaryPairing::Adjacent,
       "turns keys whose lanes lie side by side, not those of this architecture"},
  };
  for (const Need& need : needs)
    if (need.there)
      fail(subject, need.what, "not offered while a model runs",
           "try it with dendrokv replay over a recorded trace");
}

}  // namespace dendrokv
