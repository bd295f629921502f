#pragma once
// The rows of one dataset of a trace on their way to the writer.
//
// A chunk is [heads, steps, columns] of one layer. The chunks of the same heads and recorded steps
// form a band: as many side by side as the band's last step reaches. A band is made when its first
// row comes and handed over, in order, when its last row has; so at prefill the data of a layer
// leaves as soon as the layer is done.

#include <algorithm>
#include <deque>
#include <mutex>
#include <span>
#include <vector>

#include "data/trace_writer.h"
#include "data/weight_tile.h"

namespace dendrokv {

class RowBands {
 public:
  /// A pair below is layer_index * heads + head_index of recorded ones. `writer` outlives the
  /// object.
  RowBands(TraceWriter& writer, const TraceInfo& info, const RowLayout& layout);

  /// One row, written by one thread: every cell of it up to the columns that its band has must be
  /// put, absent ones too.
  class Row {
   public:
    /// Cells from `column` on; NaN = absent. `values` are floats, or for positions int32.
    void put(size_t column, std::span<const float> values);
    void put(size_t column, std::span<const int32_t> values);
    void put_absent(size_t column, size_t count);
    size_t columns() const;

   private:
    friend class RowBands;
    /// Counted over the heads of a chunk, one below the other.
    Row(const RowBands& bands, size_t chunk_row, std::span<std::byte> chunks)
        : bands_(bands), chunk_row_(chunk_row), chunks_(chunks) {}
    template <class Store>
    void each_chunk(size_t column, size_t count, Store store);

    const RowBands& bands_;
    size_t chunk_row_;
    std::span<std::byte> chunks_;
  };

  /// Calls fill(i, row) with the rows of the recorded steps [step, step + count); once per row.
  /// Hands bands over of which that was the last, which may wait for the writer. Any thread may
  /// call, for different rows. Throws what the writer throws.
  template <class Fill>
  void store(size_t pair, size_t step, size_t count, Fill fill) {
    for (size_t i = 0; i < count;) {
      Band& band = open(pair, step + i, Cells::Leave);
      const size_t chunk_row = (step + i) % layout_.chunk_steps;
      const size_t rows = std::min(count - i, layout_.chunk_steps - chunk_row);
      for (size_t end = i + rows, at = first_row(pair) + chunk_row; i < end; ++i, ++at) {
        Row row(*this, at, band.chunks.bytes());
        fill(i, row);
      }
      close(pair, band, rows);
    }
  }

  // The same as store() for weights of positions 0, 1, ... of `count` recorded steps from `step`
  // on, and the cells of the pyramid with them, in three parts: stores past the caches take a while
  // to arrive, and whatever takes a lock waits for them.

  /// Whether these can be stored so.
  bool takes_tile(size_t step, size_t count) const;
  class Tile;
  /// Adds one to `tiles`, those that this thread has opened and not closed.
  void open_tile(size_t pair, size_t step, size_t count, std::vector<Tile>& tiles);
  void store_tile(const Tile& tile, const TileRows& rows, TileMeasures& measures) const;
  /// By the thread that stored them. Hands over like store().
  void close_tiles(std::span<const Tile> tiles);

  /// Hands over bands of which only the steps before `end` have come, the others absent.
  void flush(size_t end);
  const RowLayout& layout() const { return layout_; }

 private:
  struct Band {
    size_t step_chunk = 0;
    size_t missing = 0;    // rows of all heads; counted down by several threads
    PageBuffer chunks;     // one behind the other
    PyramidBand cells;     // once a tile has come
    size_t tile_rows = 0;  // whose cells are set; counted up by several threads
  };
  /// Of the heads that share a chunk.
  struct Stack {
    std::mutex mutex;
    std::deque<Band> bands;  // open ones, rising; a deque keeps its elements in place
    size_t next = 0;         // step chunk that the first band to come after them has
  };

  enum class Cells : uint8_t { Leave, Open };
  Band& open(size_t pair, size_t step, Cells cells);
  void close(size_t pair, Band& band, size_t rows);
  Band new_band(size_t step_chunk) const;
  size_t chunks_of(const Band& band) const { return band.chunks.size() / layout_.chunk_bytes(); }
  void hand_over(size_t stack, Band band);
  size_t first_row(size_t pair) const {  // of its head in a chunk
    return pair % layout_.chunk_heads * layout_.chunk_steps;
  }

  TraceWriter& writer_;
  const PagePool pool_;  // of its own: bands of other datasets live for other times
  const size_t heads_, steps_;
  std::vector<size_t> band_chunks_;  // [step chunk] side by side
  const Encoding encoding_;
  const RowLayout layout_;
  const bool tiles_;
  std::vector<std::byte> absent_;  // a row of a chunk
  std::vector<Stack> stacks_;      // [pair / chunk_heads]
};

/// Where open_tile() found room; until close_tiles().
class RowBands::Tile {
  friend class RowBands;
  Tile(Band& band, size_t pair, size_t step, size_t count)
      : band_(&band), pair_(pair), step_(step), count_(count) {}
  Band* band_;
  size_t pair_, step_, count_;
};

}  // namespace dendrokv
