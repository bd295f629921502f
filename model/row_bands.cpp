#include "model/row_bands.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstring>
#include <limits>

#include "data/error.h"

namespace dendrokv {
namespace {

std::vector<std::byte> absent_row(const RowLayout& layout, Encoding encoding) {
  std::vector<std::byte> row(layout.chunk_columns * layout.cell_bytes);
  if (layout.cell == CellType::I32) {
    std::ranges::fill(row, std::byte{0xFF});  // -1
    return row;
  }
  const std::vector<float> absent(layout.chunk_columns, std::numeric_limits<float>::quiet_NaN());
  encode_weights(layout.cell == CellType::F32 ? Encoding::F32 : encoding, absent, row);
  return row;
}

}  // namespace

RowBands::RowBands(TraceWriter& writer, const TraceInfo& info, const RowLayout& layout)
    : writer_(writer),
      heads_(info.heads.size()),
      steps_(info.steps.size()),
      encoding_(layout.cell == CellType::F32 ? Encoding::F32 : info.encoding),
      layout_(layout),
      tiles_(layout.set == RowSet::Weight && writer.takes_pyramid_bands()),
      absent_(absent_row(layout, info.encoding)),
      stacks_(info.layers.size() * info.heads.size() / layout.chunk_heads) {
  for (size_t chunk = 0; chunk < layout.step_chunks(steps_); ++chunk) {
    const size_t last = chunk * layout.chunk_steps + layout.steps_in(chunk, steps_) - 1;
    const size_t reached = columns_reached(layout, info.capture, info.steps[last]);
    band_chunks_.push_back((reached + layout.chunk_columns - 1) / layout.chunk_columns);
  }
}

RowBands::Band& RowBands::open(size_t pair, size_t step, Cells cells) {
  const size_t step_chunk = step / layout_.chunk_steps;
  Stack& owner = stacks_[pair / layout_.chunk_heads];
  const std::lock_guard lock(owner.mutex);
  for (; owner.next <= step_chunk; ++owner.next) owner.bands.push_back(new_band(owner.next));
  Band& band = owner.bands[step_chunk - owner.bands.front().step_chunk];
  if (band.chunks.size() == 0)
    band.chunks = pool_.take(band_chunks_[step_chunk] * layout_.chunk_bytes());
  if (cells == Cells::Open && band.cells.chunks == 0)
    band.cells = writer_.new_pyramid_band(band_chunks_[step_chunk] * layout_.chunk_columns);
  return band;
}

RowBands::Band RowBands::new_band(size_t step_chunk) const {
  return {step_chunk, layout_.chunk_heads * layout_.steps_in(step_chunk, steps_), {}, {}, 0};
}

// Bands are handed over under the lock, so that those of a stack come to the writer in order.
void RowBands::close(size_t pair, Band& band, size_t rows) {
  if (std::atomic_ref(band.missing).fetch_sub(rows, std::memory_order_acq_rel) > rows) return;
  const size_t stack = pair / layout_.chunk_heads;
  Stack& owner = stacks_[stack];
  const std::lock_guard lock(owner.mutex);
  while (!owner.bands.empty() &&
         std::atomic_ref(owner.bands.front().missing).load(std::memory_order_acquire) == 0) {
    Band whole = std::move(owner.bands.front());
    owner.bands.pop_front();
    hand_over(stack, std::move(whole));
  }
}

void RowBands::hand_over(size_t stack, Band band) {
  const size_t rows = layout_.steps_in(band.step_chunk, steps_);
  const size_t row_bytes = absent_.size();
  for (size_t of_head = 0; of_head < band.chunks.size(); of_head += layout_.head_bytes())
    for (size_t row = rows; row < layout_.chunk_steps; ++row)  // beyond the last recorded step
      std::ranges::copy(absent_, band.chunks.bytes().subspan(of_head + row * row_bytes).begin());
  const size_t pair = stack * layout_.chunk_heads, layer = pair / heads_, head = pair % heads_;
  if (band.tile_rows == layout_.chunk_heads * rows)
    return writer_.write_rows(layer, head, band.step_chunk, std::move(band.chunks),
                              std::move(band.cells));
  writer_.write_rows(layout_.set, layer, head, band.step_chunk, std::move(band.chunks));
}

bool RowBands::takes_tile(size_t step, size_t count) const {
  return tiles_ && step % kTileRows == 0 && count <= kTileRows &&
         (count == kTileRows || step + count == steps_);
}

// The tile before is most often of a head in the same chunk, and keeps its band open.
void RowBands::open_tile(size_t pair, size_t step, size_t count, std::vector<Tile>& tiles) {
  const auto shares_band = [&](const Tile& tile) {
    return tile.pair_ / layout_.chunk_heads == pair / layout_.chunk_heads &&
           tile.step_ / layout_.chunk_steps == step / layout_.chunk_steps;
  };
  Band& band = !tiles.empty() && shares_band(tiles.back()) ? *tiles.back().band_
                                                           : open(pair, step, Cells::Open);
  tiles.push_back(Tile(band, pair, step, count));
}

void RowBands::store_tile(const Tile& tile, const TileRows& rows, TileMeasures& measures) const {
  Band& band = *tile.band_;
  const size_t head = tile.pair_ % layout_.chunk_heads;
  const size_t step_row = tile.step_ % layout_.chunk_steps, cell_row = step_row / kTileRows;
  const PyramidBand::Cells cells = band.cells.at(0, head, cell_row, 0);
  TilePlace place{{}, cells.highest, cells.sum, cells.exact_sum, cells.count};
  auto* const halves = reinterpret_cast<uint16_t*>(band.chunks.bytes().data()) +
                       (first_row(tile.pair_) + step_row) * layout_.chunk_columns;
  for (size_t row = 0; row < tile.count_; ++row)
    place.halves[row] = halves + row * layout_.chunk_columns;
  place.chunk_columns = layout_.chunk_columns;
  place.chunk_stride = layout_.chunk_bytes() / sizeof(uint16_t);
  place.cell_columns = band.cells.columns * kPyramidFactor;
  place.cell_stride = band.cells.kinds() * band.cells.part_cells();
  place.exact_stride = band.cells.part_cells();
  const size_t columns = chunks_of(band) * layout_.chunk_columns;
  dendrokv::store_tile(rows, 0, columns, place, measures);
  band.cells.put_absent(head, cell_row, columns / kPyramidFactor,
                        band.cells.columns * band.cells.chunks);
}

// Tiles of one band are closed together. A band may be gone as soon as its last row is closed.
void RowBands::close_tiles(std::span<const Tile> tiles) {
  settle_tile();
  while (!tiles.empty()) {
    Band& band = *tiles.front().band_;
    const size_t pair = tiles.front().pair_;
    size_t rows = 0;
    for (; !tiles.empty() && tiles.front().band_ == &band; tiles = tiles.subspan(1))
      rows += tiles.front().count_;
    // Read once nothing is missing.
    std::atomic_ref(band.tile_rows).fetch_add(rows, std::memory_order_relaxed);
    close(pair, band, rows);
  }
}

void RowBands::flush(size_t end) {
  for (size_t stack = 0; stack < stacks_.size(); ++stack) {
    std::deque<Band>& bands = stacks_[stack].bands;
    for (; !bands.empty(); bands.pop_front()) {
      Band& band = bands.front();
      const size_t first = band.step_chunk * layout_.chunk_steps;
      for (size_t head = 0; head < layout_.chunk_heads; ++head)
        for (size_t row = end > first ? end - first : 0; row < layout_.chunk_steps; ++row)
          Row(*this, head * layout_.chunk_steps + row, band.chunks.bytes())
              .put_absent(0, chunks_of(band) * layout_.chunk_columns);
      if (band.chunks.size() > 0) hand_over(stack, std::move(band));
    }
  }
}

size_t RowBands::Row::columns() const {
  return chunks_.size() / bands_.layout_.chunk_bytes() * bands_.layout_.chunk_columns;
}

/// Calls store(cells, first, count) for the parts of [column, column + count) that lie in one
/// chunk; `first` counts from `column`.
template <class Store>
void RowBands::Row::each_chunk(size_t column, size_t count, Store store) {
  const RowLayout& layout = bands_.layout_;
  DENDROKV_ASSERT(column + count <= columns());
  for (size_t first = 0; first < count;) {
    const size_t at = (column + first) % layout.chunk_columns;
    const size_t size = std::min(layout.chunk_columns - at, count - first);
    const size_t chunk = (column + first) / layout.chunk_columns * layout.chunk_bytes();
    const size_t cell = chunk_row_ * layout.chunk_columns + at;
    store(chunks_.subspan(chunk + cell * layout.cell_bytes, size * layout.cell_bytes), first, size);
    first += size;
  }
}

void RowBands::Row::put(size_t column, std::span<const float> values) {
  DENDROKV_ASSERT(bands_.layout_.cell != CellType::I32);
  each_chunk(column, values.size(), [&](std::span<std::byte> cells, size_t first, size_t count) {
    encode_weights(bands_.encoding_, values.subspan(first, count), cells);
  });
}

void RowBands::Row::put(size_t column, std::span<const int32_t> values) {
  DENDROKV_ASSERT(bands_.layout_.cell == CellType::I32);
  each_chunk(column, values.size(), [&](std::span<std::byte> cells, size_t first, size_t) {
    std::memcpy(cells.data(), values.data() + first, cells.size());
  });
}

void RowBands::Row::put_absent(size_t column, size_t count) {
  each_chunk(column, count, [&](std::span<std::byte> cells, size_t, size_t) {
    std::memcpy(cells.data(), bands_.absent_.data(), cells.size());
  });
}

}  // namespace dendrokv
