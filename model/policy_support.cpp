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
  const Need needs[] = {
      {shape.inputs.has(Input::Future), "needs the attention of later steps"},
      {shape.reads > 0, "reads some of the rows that it holds"},
      {shape.deciding == Deciding::LayerTogether, "decides for the lanes of a layer together"},
  };
  for (const Need& need : needs)
    if (need.there)
      fail(subject, need.what, "not offered while a model runs",
           "try it with dendrokv replay over a recorded trace");
}

}  // namespace dendrokv
