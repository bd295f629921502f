#include "model/cache_bytes.h"

#include "data/error.h"
#include "model/kv_cache.h"
#include "model/lane_heads.h"

namespace dendrokv {

uint32_t lanes_of(const Config& config, const PolicyShape& shape) {
  return static_cast<uint32_t>(
      lanes_of_layer(shape.lane_kind, config.heads, config.kv_heads).size());
}

uint64_t lane_bytes(const Config& config, Arithmetic arithmetic, const PolicyShape& shape) {
  if (shape.most_rows == 0)
    fail("policy", "no bound on the rows of a lane", "wanted one, for a budget of bytes");
  return full_bytes(
      {.head_dim = config.head_dim,
       .precision = arithmetic == Arithmetic::Exact ? CachePrecision::F32 : CachePrecision::F16,
       .positions = shape.positions,
       .most_rows = shape.most_rows,
       .heads = lanes_of_layer(shape.lane_kind, config.heads, config.kv_heads)[0].kv_heads});
}

uint64_t cache_bytes(const Config& config, Arithmetic arithmetic, const PolicyChoice& policy) {
  uint64_t bytes = 0;
  const uint32_t lanes = lanes_of(config, policy.shape());
  for (Layer layer; layer.value < config.layers; layer = layer.next())
    for (Lane lane; lane.value < lanes; lane = lane.next())
      bytes += lane_bytes(config, arithmetic, policy.lane_shape(layer, lane));
  return bytes;
}

}  // namespace dendrokv
