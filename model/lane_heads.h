#pragma once
// Which heads of a layer a lane serves.

#include <cstddef>
#include <vector>

#include "data/retention.h"

namespace dendrokv {

/// The heads of a layer, and those of them that a lane serves: a KV head with its query heads, one
/// query head, or all.
struct LaneHeads {
  size_t layer_heads, layer_kv_heads;
  size_t first_kv_head, kv_heads;
  size_t first_head, heads;
  size_t group() const { return heads / kv_heads; }  // query heads of a KV head
};
/// The lanes of a layer, [lane].
std::vector<LaneHeads> lanes_of_layer(LaneKind kind, size_t heads, size_t kv_heads);

}  // namespace dendrokv
