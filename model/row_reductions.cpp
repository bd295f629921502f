#include "model/row_reductions.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <limits>

#include "data/error.h"

namespace dendrokv {
namespace {

constexpr size_t kChains = 16;  // sums side by side, for the compiler to make vector code of
constexpr float kAbsent = std::numeric_limits<float>::quiet_NaN();

double joined(const std::array<double, kChains>& chains) {
  double sum = 0;
  for (const double chain : chains) sum += chain;
  return sum;
}

double sum_of(std::span<const float> weights) {
  std::array<double, kChains> sums{};
  size_t first = 0;
  for (; first + kChains <= weights.size(); first += kChains)
    for (size_t chain = 0; chain < kChains; ++chain)
      sums[chain] += static_cast<double>(weights[first + chain]);
  for (; first < weights.size(); ++first) sums[0] += static_cast<double>(weights[first]);
  return joined(sums);
}

float largest_of(const float* weights, size_t count) {
  float largest = weights[0];
  for (size_t i = 1; i < count; ++i) largest = weights[i] > largest ? weights[i] : largest;
  return largest;
}

// Inserts slot into the first `count` slots of `best`, which stay in order; the last one drops out
// of a full list.
void insert(std::span<const float> weights, std::vector<uint32_t>& best, size_t k, uint32_t slot) {
  if (best.size() == k) best.pop_back();
  size_t at = best.size();
  best.push_back(slot);
  for (; at > 0 && weights[best[at - 1]] < weights[slot]; --at) best[at] = best[at - 1];
  best[at] = slot;
}

// ln of a positive normal number to 2e-7: ln m + e ln 2 with m in [1/sqrt 2, sqrt 2), ln m = 2
// atanh((m - 1) / (m + 1)). Of zero some finite number.
float log_of(float number) {
  constexpr uint32_t kRootHalf = 0x3F3504F3;
  const uint32_t shifted = std::bit_cast<uint32_t>(number) - kRootHalf;
  const auto exponent = static_cast<float>(static_cast<int32_t>(shifted) >> 23);
  const auto m = std::bit_cast<float>((shifted & 0x7FFFFFu) + kRootHalf);
  const float s = (m - 1.0f) / (m + 1.0f), t = s * s;
  const float series = 1.0f + t * (1.0f / 3 + t * (1.0f / 5 + t * (1.0f / 7 + t * (1.0f / 9))));
  return exponent * 0.693147181f + 2.0f * s * series;
}

}  // namespace

void find_top(std::span<const Position> positions, std::span<const float> weights, size_t k,
              TopWeights& top) {
  DENDROKV_ASSERT(positions.size() == weights.size() && k > 0);
  thread_local std::vector<uint32_t> best;
  best.clear();
  for (size_t first = 0; first < weights.size(); first += kChains) {
    const size_t count = std::min(kChains, weights.size() - first);
    if (best.size() == k && largest_of(weights.data() + first, count) <= weights[best.back()])
      continue;
    for (size_t slot = first; slot < first + count; ++slot)
      if (best.size() < k || weights[slot] > weights[best.back()])
        insert(weights, best, k, static_cast<uint32_t>(slot));
  }
  top.positions.assign(k, -1);
  top.weights.assign(k, kAbsent);
  double mass = 0;
  for (size_t rank = 0; rank < best.size(); ++rank) {
    top.positions[rank] = static_cast<int32_t>(positions[best[rank]].value);
    top.weights[rank] = weights[best[rank]];
    mass += static_cast<double>(top.weights[rank]);
  }
  const bool all = best.size() == weights.size();
  top.rest = all ? 0.0f : static_cast<float>(std::max(sum_of(weights) - mass, 0.0));
}

void pool_weights(std::span<const Position> positions, std::span<const float> weights, size_t size,
                  size_t blocks, PooledWeights& pools) {
  DENDROKV_ASSERT(positions.size() == weights.size() && size > 0);
  pools.largest.assign(blocks, kAbsent);
  pools.sum.assign(blocks, kAbsent);
  for (size_t first = 0; first < weights.size();) {
    const size_t block = positions[first].index() / size;
    const auto next = Position(static_cast<uint32_t>((block + 1) * size));
    // Slots rise by at least one position each.
    const size_t most = std::min(weights.size(), first + (next.index() - positions[first].index()));
    size_t end = most;
    if (positions[most - 1].index() - positions[first].index() + 1 != most - first)
      end = static_cast<size_t>(
          std::lower_bound(positions.begin() + static_cast<std::ptrdiff_t>(first),
                           positions.begin() + static_cast<std::ptrdiff_t>(most), next) -
          positions.begin());
    pools.largest[block] = largest_of(weights.data() + first, end - first);
    pools.sum[block] = static_cast<float>(sum_of(weights.subspan(first, end - first)));
    first = end;
  }
}

float entropy_of(std::span<const float> weights) {
  std::array<double, kChains> sums{};
  size_t first = 0;
  for (; first + kChains <= weights.size(); first += kChains)
    for (size_t chain = 0; chain < kChains; ++chain) {
      const float weight = weights[first + chain];
      sums[chain] += static_cast<double>(weight * log_of(weight));
    }
  for (; first < weights.size(); ++first)
    sums[0] += static_cast<double>(weights[first] * log_of(weights[first]));
  return static_cast<float>(std::max(-joined(sums), 0.0));
}

}  // namespace dendrokv
