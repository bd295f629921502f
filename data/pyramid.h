#pragma once
// The pyramid of a trace: attention weights reduced 4^K x 4^K over (step, position) by max and sum,
// and by count where that does not follow from the steps, for views of any zoom. Whoever hands a
// chunk over folds it, while it is in that core's cache, and gets the chunks of the pyramid that it
// completes.

#include <cstddef>
#include <cstdint>
#include <mutex>
#include <span>
#include <string>
#include <vector>

#include "data/chunk_writer.h"
#include "data/hdf5.h"
#include "data/page_pool.h"
#include "data/pyramid_band.h"
#include "data/pyramid_chunks.h"
#include "data/pyramid_fold.h"
#include "data/pyramid_levels.h"
#include "data/row_sets.h"
#include "data/trace.h"

namespace dendrokv {

class PyramidBuilder {
 public:
  /// Creates the groups /pyramid/1, ... with all datasets. `chunk` is the shape of a chunk of
  /// weights, of which add() gets one head at a time; chunks of the pyramid have as many heads.
  PyramidBuilder(h5::File& file, const TraceInfo& info, ChunkShape chunk, PyramidCounts counts);

  struct ChunkPlace {
    size_t layer_index = 0, head_index = 0, step_chunk = 0, position_chunk = 0;
  };
  /// One encoded chunk of a (layer, head); what it completes is added to `done`. Those of the heads
  /// that share a chunk come one after the other, in rising order of step_chunk; those of different
  /// ones may come from several threads at once.
  void add(const ChunkPlace& place, std::span<const std::byte> chunk,
           std::vector<PyramidChunk>& done);
  /// All chunks of the heads that share one with `place` have come up to its step chunk: what they
  /// complete.
  void end_band(const ChunkPlace& place, std::vector<PyramidChunk>& done);

  /// Whether a step chunk of weights is a band of level 1, which may come ready made in place of
  /// add() and end_band().
  bool takes_bands() const;
  /// For weights of the first `positions` positions. Its cells are not set. Needs takes_bands().
  PyramidBand new_band(size_t positions) const;
  /// All rows of the step chunk of `place`, whose head is the first of a chunk, are set; what the
  /// levels above complete by it. Then the band itself is to be written.
  void add_band(const ChunkPlace& place, PyramidBand& band, std::vector<PyramidChunk>& done);
  void write_band(const ChunkPlace& place, PyramidBand band, ChunkWriter& writer);

  /// What is still open of the heads that share the `stack`th chunk. After it they only wait for
  /// their end.
  void finish(size_t stack, std::vector<PyramidChunk>& done);
  size_t stacks() const { return open_.size(); }

  /// "/pyramid/K" of the coarsest level.
  std::string coarsest() const;

 private:
  /// As many rows of one level over all columns as a chunk is high, while its weights arrive.
  struct Band {
    size_t index = 0;
    CellRows cells;  // [head, row, column]
  };
  /// Of the heads that share a chunk: open bands per level, rising. Level 1 may have several, the
  /// others one.
  using OpenBands = std::vector<std::vector<Band>>;

  /// A chunk in floats, where the way straight from halves cannot be taken.
  struct Decoded {
    std::vector<float> weights;  // [step, stride]
    CellRows columns;            // one row: up to four of the chunk, folded per column
  };

  size_t stack_of(const ChunkPlace& place) const {
    return (place.layer_index * heads_ + place.head_index) / chunk_heads_;
  }
  Band& band_at(size_t stack, size_t level, size_t index);
  void decode(std::span<const std::byte> chunk, Decoded& decoded) const;
  bool fits_halves(size_t first_position) const;
  void close_below(size_t stack, size_t level, size_t end_index, std::vector<PyramidChunk>& done);
  void raise(size_t stack, size_t level, const Band& band, std::vector<PyramidChunk>& done);
  CellRows take_cells(size_t level);
  void give_back(size_t level, CellRows cells);
  CellRows decoded(PyramidBand& band);

  const PagePool pool_;
  const Encoding encoding_;
  const PyramidCounts counts_;
  const size_t heads_, steps_, positions_, chunk_heads_, chunk_steps_, chunk_positions_;
  const size_t stride_;  // of a decoded row: whole blocks of columns, the last padded with NaN
  std::vector<PyramidLevel> levels_;
  std::vector<OpenBands>
      open_;  // [stack], stack = (layer_index * heads + head_index) / chunk_heads
  std::mutex spare_mutex_;
  std::vector<std::vector<CellRows>> spare_;  // [level], of bands that were closed
};

}  // namespace dendrokv
