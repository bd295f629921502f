#include "cache/row_bounds.h"

#include <algorithm>
#include <array>
#include <string_view>

namespace dendrokv {
namespace {

uint64_t count_or(const Spec& spec, std::string_view key, uint64_t otherwise) {
  return spec.has(key) ? spec.count(key) : otherwise;
}

/// Policies that drop more rows at a time than have come, or whose lanes differ.
bool holds_less_at_times(const PolicyChoice& choice) {
  constexpr std::array<std::string_view, 4> kNames = {"context-shift", "lacache", "norm-sum-blocks",
                                                      "pyramidkv"};
  return std::ranges::find(kNames, choice.spec().name()) != kNames.end() ||
         choice.shape().deciding == Deciding::LayerTogether;
}

}  // namespace

RowBounds row_bounds(const PolicyChoice& choice, Layer layer, Lane lane, uint64_t arrived) {
  const PolicyShape& shape = choice.lane_shape(layer, lane);
  const Spec& spec = choice.spec();
  const uint64_t budget = shape.budget, prompt = count_or(spec, "prompt", 0);
  if (budget == 0 || arrived <= budget || arrived < prompt) return {arrived, arrived};
  const uint64_t every = count_or(spec, "every", 1);
  const uint64_t fewest = std::min<uint64_t>(budget, shape.sinks + shape.recent);
  // The first layers of a pyramid have nearly twice the mean.
  uint64_t most = budget + (spec.name() == "pyramidkv" ? spec.count("capacity") : 0);
  if (every == 0) return {fewest, most + arrived - prompt};
  most += every - 1;
  if (holds_less_at_times(choice) || prompt > 0) return {fewest, most};
  return {budget, most};
}

}  // namespace dendrokv
