#include "cache/whole_trace.h"

#include <string>

#include "cache/policies.h"
#include "data/error.h"

namespace dendrokv {

void require_whole_trace(const TraceInfo& info) {
  const PolicyShape recorded = PolicyChoice(info.policy, info.lane_budget).shape();
  if (recorded.budget != 0 && recorded.budget < info.tokens)
    fail("trace", "recorded under policy '" + info.policy + "', which evicts",
         "wanted attention over all tokens", "record it with --policy full");
  if (recorded.reads != 0 && recorded.reads < info.tokens)
    fail("trace", "recorded under policy '" + info.policy + "', which reads a part of the rows",
         "wanted attention over all tokens", "record it with --policy full");
  const auto want_all = [](const char* what, size_t found, size_t wanted) {
    if (found != wanted)
      fail("trace",
           "records " + std::to_string(found) + " of " + std::to_string(wanted) + " " + what,
           std::string("wanted all ") + what, std::string("record all ") + what);
  };
  want_all("layers", info.layers.size(), info.model.layers);
  want_all("heads", info.heads.size(), info.model.heads);
  want_all("steps", info.steps.size(), info.tokens);
}

}  // namespace dendrokv
