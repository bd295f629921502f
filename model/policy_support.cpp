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

void require_engine_support(const PolicyChoice& policy) {
  const PolicyShape& shape = policy.shape();
  const std::string subject = "policy '" + policy.text() + "'";
  if (shape.lane_kind != LaneKind::PerKvHead)
    fail(subject, "one cache per " + std::string(lane_kind_name(shape.lane_kind)),
         "wanted one per KV head while a model runs", "use share=kv-head");
  if (shape.group != GroupRule::Mean)
    fail(subject, "group=max", "wanted the mean while a model runs", "use group=mean");
  const Need needs[] = {
      {shape.inputs.has(Input::Future), "needs the attention of later steps"},
      {shape.inputs.has(Input::Keys), "needs keys"},
      {shape.inputs.has(Input::Values) || shape.inputs.has(Input::ValueNorms), "needs value rows"},
      {shape.inputs.has(Input::Queries) || shape.inputs.has(Input::QueryStatistics),
       "needs queries"},
      {shape.window > 0, "asks the queries of a window"},
      {shape.deciding == Deciding::LayerTogether, "decides for the lanes of a layer together"},
  };
  for (const Need& need : needs)
    if (need.there)
      fail(subject, need.what, "not offered while a model runs",
           "try it with dendrokv replay over a recorded trace");
}

}  // namespace dendrokv
