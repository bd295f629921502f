#include "cache/row_bounds.h"

#include <algorithm>

namespace dendrokv {

RowBounds row_bounds(const PolicyChoice& choice, Layer layer, Lane lane, uint64_t arrived) {
  const PolicyShape shape = choice.lane_shape(layer, lane);
  if (shape.budget == 0 || arrived <= shape.budget || arrived < shape.prompt)
    return {arrived, arrived};
  const uint64_t over = shape.every == 0 ? arrived - shape.prompt : shape.every - 1;
  return {shape.fewest_kept, shape.most_kept + over};
}

uint64_t most_rows_shown(const PolicyChoice& choice, uint32_t layers, uint32_t lanes,
                         uint64_t tokens) {
  if (tokens == 0) return 0;
  // A prompt that is taken in whole is shown before its cut.
  uint64_t most = std::min(tokens, choice.shape().prompt);
  // One lane may have the rows of all.
  const uint64_t shared = choice.shape().deciding == Deciding::LayerTogether ? lanes : 1;
  for (Layer layer; layer.value < layers; layer = layer.next())
    for (Lane lane; lane.value < lanes; lane = lane.next())
      most = std::max(most, shared * row_bounds(choice, layer, lane, tokens - 1).most + 1);
  return std::min(tokens, most);
}

}  // namespace dendrokv
