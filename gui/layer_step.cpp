#include "gui/layer_step.h"

#include <cmath>

namespace dendrokv {

Grid<float> present_weights(const TraceReader& trace, LayerStep of, IndexRange positions) {
  const std::vector<size_t>& heads = of.layer.heads;
  Grid<float> weights(heads.size(), positions.count);
  for (size_t h = 0; h < heads.size(); ++h)
    trace.read_weights(of.layer.layer_index, heads[h], {of.step_index, 1}, positions,
                       weights.view().rows_from(h, 1));
  for (float& weight : weights.all())
    if (std::isnan(weight)) weight = 0;
  return weights;
}

void read_present_values(const TraceReader& trace, size_t layer_index, KvHead kv_head,
                         IndexRange positions, Grid<float>& values) {
  trace.read_values(layer_index, kv_head, positions, values.view());
  for (float& value : values.all())
    if (std::isnan(value)) value = 0;
}

std::optional<IndexRange> band_window(Step step) {
  if (step.value + 1 < (1u << kBandLevels)) return std::nullopt;
  return aligned_window(step.value + 1, kBandLevels);
}

}  // namespace dendrokv
