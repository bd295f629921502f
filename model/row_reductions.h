#pragma once
// What a recorder may keep of an attention row in place of the row. The results depend on the row
// only.

#include <cstdint>
#include <span>
#include <vector>

#include "data/ids.h"

namespace dendrokv {

/// The k largest weights of a row, largest first; of equal ones the earlier position first. Without
/// k weights the last positions are -1 and their weights NaN.
struct TopWeights {
  std::vector<int32_t> positions;
  std::vector<float> weights;
  float rest = 0;  // the mass of all others
};
void find_top(std::span<const Position> positions, std::span<const float> weights, size_t k,
              TopWeights& top);

/// Largest weight and mass of each block of `size` positions, from position 0 on; NaN where a block
/// has no position in the row.
struct PooledWeights {
  std::vector<float> largest, sum;
};
void pool_weights(std::span<const Position> positions, std::span<const float> weights, size_t size,
                  size_t blocks, PooledWeights& pools);

/// -sum p ln p in nat, to 1e-5 over rows of up to 2^20 weights; a weight of 0 counts nothing.
float entropy_of(std::span<const float> weights);

}  // namespace dendrokv
