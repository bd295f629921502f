#pragma once
// The file of a trace while it is written: the work of a TraceWriter's I/O thread, which owns every
// HDF5 handle.

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <vector>

#include "data/chunk_writer.h"
#include "data/hdf5.h"
#include "data/page_pool.h"
#include "data/retention.h"
#include "data/trace_datasets.h"
#include "data/trace_plan.h"

namespace dendrokv {

/// Belongs to that thread; `datasets` says itself what others may ask.
class TraceOutput {
 public:
  /// Creates `part` with every group, dataset and attribute, and fills in what plan.info lacks.
  /// Throws Error.
  TraceOutput(const std::filesystem::path& part, TracePlan& plan);

  TraceDatasets& datasets() { return *datasets_; }
  /// Chunks of a layer from `place` on, one behind the other.
  void write_rows(TraceDatasets::Rows& rows, const PyramidBuilder::ChunkPlace& place,
                  PageBuffer chunks);
  void write_pyramid(std::vector<PyramidChunk> chunks);
  void write_band(const PyramidBuilder::ChunkPlace& place, PyramidBand band);
  void write_chunk(h5::Dataset& dataset, const h5::Shape& start, PageBuffer chunk);
  void write_run(const Run& run);
  /// Everything so far is there for a reader, and now and then on the disk. `bytes`: what was
  /// handed over so far.
  void mark_steps_valid(uint64_t count, uint64_t bytes);
  /// Marks it complete and gives it its name. Nothing can be written after it.
  void finish(const std::filesystem::path& path);

 private:
  const std::filesystem::path part_;
  // Before the file, which may want what it holds until it is closed.
  std::optional<ChunkWriter> chunks_;
  h5::File file_;
  std::optional<TraceDatasets> datasets_;
  uint64_t synced_bytes_ = 0;  // at the last sync
  std::chrono::steady_clock::time_point synced_at_ = std::chrono::steady_clock::now();
};

}  // namespace dendrokv
