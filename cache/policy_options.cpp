#include "cache/policy_options.h"

#include "data/error.h"

namespace dendrokv {
namespace {

uint64_t count_or(const Spec& spec, std::string_view key, uint64_t otherwise) {
  return spec.has(key) ? spec.count(key) : otherwise;
}

bool says(const Spec& spec, std::string_view key, std::string_view word) {
  return spec.has(key) && spec.choice(key) == word;
}

}  // namespace

PolicyShape shape_of_options(const Spec& spec) {
  PolicyShape shape;
  shape.sinks = static_cast<uint32_t>(count_or(spec, "sinks", 0));
  shape.recent = static_cast<uint32_t>(count_or(spec, "recent", 0));
  shape.budget = count_or(spec, "capacity", 0) + shape.sinks + shape.recent;
  shape.fewest_kept = shape.most_kept = shape.budget;
  shape.prompt = count_or(spec, "prompt", 0);
  shape.every = count_or(spec, "every", 1);
  shape.most_rows = shape.prompt > 0 || shape.every == 0 ? 0 : shape.budget + shape.every;
  if (says(spec, "positions", "rank")) shape.positions = PositionMode::Rank;
  if (says(spec, "share", "layer")) shape.lane_kind = LaneKind::PerLayer;
  if (says(spec, "share", "query-head")) shape.lane_kind = LaneKind::PerQueryHead;
  if (says(spec, "group", "max")) shape.group = GroupRule::Max;
  return shape;
}

void check_cuts(const std::string& subject, const Spec& spec) {
  if (spec.count("every") == 0 && spec.count("prompt") == 0)
    fail(subject, "every=0 without a prompt: nothing would ever leave",
         "wanted prompt=TOKENS or every=ROWS");
}

Tie tie_of(const Spec& spec) {
  return says(spec, "tie", "right") ? Tie::RightLeaves : Tie::LeftLeaves;
}

}  // namespace dendrokv
