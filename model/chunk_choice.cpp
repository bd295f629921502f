#include "model/chunk_choice.h"

#include <algorithm>
#include <bit>

namespace dendrokv {
namespace {

// A block of prefill has 64 tokens, so that a layer's bands leave with the block. Narrow chunks
// leave out more of what lies beyond the diagonal, wide ones are fewer.
constexpr uint32_t kMostChunkSteps = 64, kFewestChunkSteps = 8;
constexpr uint32_t kFewestChunkPositions = 128, kMostChunkPositions = 4096;
constexpr uint32_t kChunksPerRow = 16;
// Larger ones are few enough, and a reader of one head may have to take the others with it.
constexpr uint64_t kMostSharedBytes = uint64_t{256} << 10;
// Of the bands of all (layer, head) while tokens come one by one.
constexpr uint64_t kOpenBytes = uint64_t{160} << 20;

// Whether the recorded heads are all of those that share a KV head, for each of some KV heads.
bool are_whole_groups(const TraceInfo& info) {
  if (info.heads.empty() || info.model.kv_heads == 0) return false;
  const uint32_t group = info.group();
  if (info.heads.size() % group != 0) return false;
  for (size_t i = 0; i < info.heads.size(); ++i)
    if (info.heads[i].value != info.heads[i / group * group].value + i % group ||
        info.heads[i].value % group != i % group)
      return false;
  return true;
}

}  // namespace

void choose_chunks(TracePlan& plan) {
  const TraceInfo& info = plan.info;
  const uint32_t tokens = std::max(info.tokens, 1u);
  const uint32_t positions = std::clamp(std::bit_ceil(tokens / kChunksPerRow + 1),
                                        kFewestChunkPositions, kMostChunkPositions);
  const uint64_t pairs = std::max<uint64_t>(info.layers.size() * info.heads.size(), 1);
  const uint64_t row_bytes = pairs * tokens * encoded_bytes(info.encoding);
  const uint64_t fitting = std::bit_floor(std::max<uint64_t>(kOpenBytes / row_bytes, 1));
  const auto steps = std::clamp<uint64_t>(fitting, kFewestChunkSteps, kMostChunkSteps);
  plan.counts = info.policy == "full" ? PyramidCounts::Follow : PyramidCounts::Store;
  plan.chunk_positions = std::min(tokens, positions);
  plan.chunk_steps =
      static_cast<uint32_t>(std::min<uint64_t>(steps, std::max<size_t>(info.steps.size(), 1)));
  const uint64_t head_bytes =
      uint64_t{plan.chunk_steps} * plan.chunk_positions * encoded_bytes(info.encoding);
  const bool share = are_whole_groups(info) && info.group() * head_bytes <= kMostSharedBytes;
  plan.chunk_heads = share ? info.group() : 1;
}

}  // namespace dendrokv
