#pragma once
// What a trace will hold, and what that takes on disk.

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <vector>

#include "data/hdf5.h"
#include "data/pyramid_levels.h"
#include "data/row_sets.h"
#include "data/trace.h"

namespace dendrokv {

/// Everything that is known before the first step.
struct TracePlan {
  TraceInfo info;  // uuid, created, creator, complete are filled in by the writer
  TokenText tokens;
  // Of a chunk of weights; the heads are recorded ones, and divide their number.
  uint32_t chunk_heads = 1;
  uint32_t chunk_steps = 64;
  uint32_t chunk_positions = 4096;
  PyramidCounts counts = PyramidCounts::Store;
  uint64_t queue_bytes = uint64_t{32} << 20;

  ChunkShape chunk_shape() const { return {chunk_steps, chunk_positions, chunk_heads}; }
  std::vector<RowLayout> layouts() const { return row_layouts(info, chunk_shape()); }
};

/// Value or key rows [position, head_dim] of one KV head: the type of a number (f16, or f32 beside
/// f32 weights, so that an oracle trace loses nothing) and its bytes, and how many make a chunk.
enum class KvRows : uint8_t { Value, Key };
h5::Type kv_type(const TraceInfo& info);
size_t kv_chunk_rows(const TraceInfo& info);
size_t kv_cell_bytes(const TraceInfo& info);

/// Bytes that the finished file will take, to within a few per cent.
uint64_t estimated_bytes(const TracePlan& plan);

/// Throws Error when the file system of `path` has less free space than `bytes`.
void check_disk_space(const std::filesystem::path& path, uint64_t bytes);

}  // namespace dendrokv
