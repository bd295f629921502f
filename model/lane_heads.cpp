#include "model/lane_heads.h"

namespace dendrokv {

std::vector<LaneHeads> lanes_of_layer(LaneKind kind, size_t heads, size_t kv_heads) {
  const size_t group = heads / kv_heads;
  std::vector<LaneHeads> lanes;
  switch (kind) {
    case LaneKind::PerKvHead:
      for (size_t lane = 0; lane < kv_heads; ++lane)
        lanes.push_back({heads, kv_heads, lane, 1, lane * group, group});
      break;
    case LaneKind::PerQueryHead:
      for (size_t lane = 0; lane < heads; ++lane)
        lanes.push_back({heads, kv_heads, lane / group, 1, lane, 1});
      break;
    case LaneKind::PerLayer:
      lanes.push_back({heads, kv_heads, 0, kv_heads, 0, heads});
      break;
  }
  return lanes;
}

}  // namespace dendrokv
