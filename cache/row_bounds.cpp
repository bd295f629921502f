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

uint64_t most_rows_shown(const PolicyChoice& choice, uint32_t layers, uint32_t lanes,
                         uint64_t tokens) {
  if (tokens == 0) return 0;
  // A prompt that is taken in whole is shown before its cut.
  uint64_t most = std::min(tokens, count_or(choice.spec(), "prompt", 0));
  // One lane may have the rows of all.
  const uint64_t shared = choice.shape().deciding == Deciding::LayerTogether ? lanes : 1;
  for (Layer layer; layer.value < layers; layer = layer.next())
    for (Lane lane; lane.value < lanes; lane = lane.next())
      most = std::max(most, shared * row_bounds(choice, layer, lane, tokens - 1).most + 1);
  return std::min(tokens, most);
}

}  // namespace dendrokv
