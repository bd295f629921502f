#include "cache/row_bounds.h"

#include <algorithm>

namespace dendrokv {

RowBounds row_bounds(const PolicyShape& lane, uint64_t arrived) {
  if (lane.budget == 0 || arrived <= lane.budget || arrived < lane.prompt)
    return {arrived, arrived};
  const uint64_t over = lane.every == 0 ? arrived - lane.prompt : lane.every - 1;
  return {lane.fewest_kept, lane.most_kept + over};
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
      most =
          std::max(most, shared * row_bounds(choice.lane_shape(layer, lane), tokens - 1).most + 1);
  return std::min(tokens, most);
}

}  // namespace dendrokv
