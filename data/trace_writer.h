#pragma once
// Writes a trace as NAME.part and renames it when complete.
//
// One I/O thread owns every HDF5 handle; callers hand over whole chunks, encoded by themselves, and
// block when more than `queue_bytes` wait (back-pressure instead of unbounded memory). Chunks of
// whole pages go past the page cache. An error of the I/O thread (disk full, say) is thrown by the
// next call here, or by finish().

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "data/grid.h"
#include "data/page_pool.h"
#include "data/pyramid.h"
#include "data/retention.h"
#include "data/row_sets.h"
#include "data/trace.h"
#include "data/trace_plan.h"

namespace dendrokv {

class TraceWriter {
 public:
  /// Creates `path`.part with every group, dataset and attribute. Throws Error: unwritable, disk
  /// too small.
  TraceWriter(std::filesystem::path path, TracePlan plan);
  /// Without finish(): what was written stays in the .part file, marked incomplete.
  ~TraceWriter();
  TraceWriter(const TraceWriter&) = delete;
  TraceWriter& operator=(const TraceWriter&) = delete;

  /// Memory for a chunk.
  PageBuffer page_buffer(size_t bytes) const;
  /// Chunks [chunk_heads, chunk_steps, chunk_columns] of a layer from `head_index`, the first of a
  /// chunk, and column 0 on, one behind the other, encoded, absent cells where nothing was
  /// recorded. Indices count recorded layers and heads, and chunks; call in rising order of
  /// step_chunk. Any thread may call.
  void write_rows(RowSet set, size_t layer_index, size_t head_index, size_t step_chunk,
                  PageBuffer chunks);
  /// The same for weights of which the caller has set the pyramid's cells.
  void write_rows(size_t layer_index, size_t head_index, size_t step_chunk, PageBuffer chunks,
                  PyramidBand cells);
  /// For the weights of `positions` positions, where a tile of them may become cells at once
  /// (store_tile).
  bool takes_pyramid_bands() const;
  PyramidBand new_pyramid_band(size_t positions) const;
  /// One chunk of weights, copied.
  void write_weights(size_t layer_index, size_t head_index, size_t step_chunk,
                     size_t position_chunk, std::span<const std::byte> chunk);
  /// A whole chunk of a recorded layer, encoded.
  void write_kv_chunk(KvRows kind, size_t layer_index, KvHead kv_head, size_t chunk_index,
                      PageBuffer chunk);
  /// Rows [position, head_dim] of a recorded layer, from position `first` on, in rising order; not
  /// beside write_kv_chunk.
  void write_values(size_t layer_index, KvHead kv_head, Position first, GridView<const float> rows);
  void write_keys(size_t layer_index, KvHead kv_head, Position first, GridView<const float> rows);
  /// [T] nat; NaN at 0.
  void write_loss(std::span<const float> nll);
  /// The closed-loop run; at most once.
  void write_run(const Run& run);
  /// The first `count` recorded steps are complete: a reader may trust them even if the run ends
  /// here.
  void mark_steps_valid(uint64_t count);

  /// Waits for the queue, marks complete, syncs, renames. Throws Error; then the .part file stays.
  void finish();

  uint64_t bytes_written() const;
  uint64_t rows_written() const;
  const TraceInfo& info() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace dendrokv
