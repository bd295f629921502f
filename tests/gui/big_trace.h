#pragma once
// Traces far larger than a disk, for the viewer's budgets: every chunk is the same compressed
// constant, written once per place, and what is never written takes nothing.

#include <cstdint>
#include <filesystem>

#include "data/retention.h"

namespace dendrokv::testing {

struct BigTrace {
  uint32_t tokens = 14'080, layers = 30, heads = 9, kv_heads = 3;
  uint32_t every = 1;  // of the steps, recorded
  uint32_t chunk_steps = 256, chunk_positions = 2048;
  const Run* run = nullptr;  // the trace's own, or none
};
/// Returns the bytes of attention that the file stands for.
uint64_t write_big_trace(const std::filesystem::path& path, const BigTrace& options);

}  // namespace dendrokv::testing
