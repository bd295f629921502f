// Building a pyramid while a trace is written.
//
//   1. A chunk is decoded. Four rows at a time fold into one row of columns, four columns at a time
//      into one cell, and the cells into the open bands of level 1. Only then is a cell on the seam
//      of two chunks right, so bands stay open.
//   2. When a (layer, head) goes on to a later step chunk, the bands above it are finished: given
//      out, and folded four by four into the open band of the next level, which finishes in the
//      same way.

#include "data/pyramid.h"

#include <algorithm>
#include <limits>
#include <optional>

#include "data/error.h"
#include "data/half.h"
#include "data/weight_tile.h"

namespace dendrokv {
namespace {

constexpr size_t kFactor = kPyramidFactor;

uint64_t ceil_div(uint64_t number, uint64_t unit) {
  return (number + unit - 1) / unit;
}

}  // namespace

PyramidBuilder::PyramidBuilder(h5::File& file, const TraceInfo& info, ChunkShape chunk,
                               PyramidCounts counts)
    : encoding_(info.encoding),
      counts_(counts),
      heads_(info.heads.size()),
      steps_(info.steps.size()),
      positions_(info.tokens),
      chunk_heads_(chunk.heads),
      chunk_steps_(chunk.steps),
      chunk_positions_(chunk.positions),
      stride_(ceil_div(chunk.positions, kFoldBlock) * kFoldBlock),
      levels_(create_pyramid(file, info, chunk.heads, counts)) {
  DENDROKV_ASSERT(heads_ % chunk_heads_ == 0);
  open_.resize(info.layers.size() * heads_ / chunk_heads_, OpenBands(levels_.size()));
  spare_.resize(levels_.size());
}

std::string PyramidBuilder::coarsest() const {
  return pyramid_group(levels_.size() - 1);
}

PyramidBuilder::Band& PyramidBuilder::band_at(size_t stack, size_t level, size_t index) {
  std::vector<Band>& bands = open_[stack][level];
  for (Band& band : bands)
    if (band.index == index) return band;
  DENDROKV_ASSERT(bands.empty() || bands.back().index < index);
  bands.push_back({index, take_cells(level)});
  return bands.back();
}

CellRows PyramidBuilder::take_cells(size_t level) {
  const std::lock_guard lock(spare_mutex_);
  std::vector<CellRows>& spare = spare_[level];
  if (spare.empty())
    return CellRows(chunk_heads_ * levels_[level].chunk.rows * levels_[level].extent.cols);
  CellRows cells = std::move(spare.back());
  spare.pop_back();
  return cells;
}

void PyramidBuilder::give_back(size_t level, CellRows cells) {
  cells.clear();
  const std::lock_guard lock(spare_mutex_);
  spare_[level].push_back(std::move(cells));
}

void PyramidBuilder::add(const ChunkPlace& place, std::span<const std::byte> chunk,
                         std::vector<PyramidChunk>& done) {
  const size_t stack = stack_of(place), head = place.head_index % chunk_heads_;
  const size_t first_step = place.step_chunk * chunk_steps_;
  const size_t end_step = std::min(first_step + chunk_steps_, steps_);
  const size_t first_position = place.position_chunk * chunk_positions_;
  const size_t columns = std::min(chunk_positions_, positions_ - first_position);
  const size_t band_rows = levels_[0].chunk.rows, row_cells = levels_[0].extent.cols;
  // What fold_halves cannot do is decoded first.
  std::optional<Decoded> decoded;
  if (!fits_halves(first_position) || first_step % kFactor != 0) decode(chunk, decoded.emplace());
  close_below(stack, 0, first_step / (kFactor * band_rows), done);
  for (size_t step = first_step; step < end_step;) {
    const size_t row = step / kFactor;
    const size_t end = std::min((row + 1) * kFactor, end_step);
    CellRows& cells = band_at(stack, 0, row / band_rows).cells;
    const size_t start = (head * band_rows + row % band_rows) * row_cells;
    const auto* weights =
        reinterpret_cast<const uint16_t*>(chunk.data()) + (step - first_step) * chunk_positions_;
    if (!decoded && !fold_halves(weights, end - step, chunk_positions_, chunk_positions_, cells,
                                 start + first_position / kFactor))
      decode(chunk, decoded.emplace());
    if (decoded) {
      fold_rows(std::span(decoded->weights).subspan((step - first_step) * stride_), end - step,
                stride_, decoded->columns);
      add_columns(decoded->columns, columns, first_position, cells, start);
    }
    step = end;
  }
}

void PyramidBuilder::end_band(const ChunkPlace& place, std::vector<PyramidChunk>& done) {
  const size_t end_step = std::min((place.step_chunk + 1) * chunk_steps_, steps_);
  close_below(stack_of(place), 0, end_step / (kFactor * levels_[0].chunk.rows), done);
}

// All cells of the chunk are of the level, and none is on its seams.
bool PyramidBuilder::fits_halves(size_t first_position) const {
  return encoding_ == Encoding::F16 && chunk_positions_ % kHalvesBlock == 0 &&
         first_position + chunk_positions_ <= levels_[0].extent.cols * kFactor;
}

void PyramidBuilder::decode(std::span<const std::byte> chunk, Decoded& decoded) const {
  decoded.weights.assign(chunk_steps_ * stride_, std::numeric_limits<float>::quiet_NaN());
  decoded.columns = CellRows(stride_);
  const size_t row_bytes = chunk_positions_ * encoded_bytes(encoding_);
  for (size_t row = 0; row < chunk_steps_; ++row)
    decode_weights(encoding_, chunk.subspan(row * row_bytes, row_bytes), u8_code_table(),
                   std::span(decoded.weights).subspan(row * stride_, chunk_positions_));
}

void PyramidBuilder::close_below(size_t stack, size_t level, size_t end_index,
                                 std::vector<PyramidChunk>& done) {
  std::vector<Band>& bands = open_[stack][level];
  while (!bands.empty() && bands.front().index < end_index) {
    Band band = std::move(bands.front());
    bands.erase(bands.begin());
    const size_t pair = stack * chunk_heads_;
    add_chunks(pool_, levels_[level],
               {pair / heads_, pair % heads_, band.index * levels_[level].chunk.rows, 0},
               band.cells, done);
    if (level + 1 < levels_.size()) raise(stack, level, band, done);
    give_back(level, std::move(band.cells));
  }
}

void PyramidBuilder::raise(size_t stack, size_t level, const Band& band,
                           std::vector<PyramidChunk>& done) {
  const PyramidLevel &from = levels_[level], &to = levels_[level + 1];
  const size_t first_row = band.index * from.chunk.rows;
  close_below(stack, level + 1, first_row / kFactor / to.chunk.rows, done);
  for (size_t row = 0; row < from.chunk.rows; ++row) {
    const size_t parent_row = (first_row + row) / kFactor;
    if (parent_row >= to.extent.rows) break;  // the last band may be higher than what is left
    Band& parent = band_at(stack, level + 1, parent_row / to.chunk.rows);
    for (size_t head = 0; head < chunk_heads_; ++head)
      raise_cells(band.cells, (head * from.chunk.rows + row) * from.extent.cols, from.extent.cols,
                  parent.cells,
                  (head * to.chunk.rows + parent_row % to.chunk.rows) * to.extent.cols);
  }
}

bool PyramidBuilder::takes_bands() const {
  const PyramidExtent& chunk = levels_[0].chunk;
  return can_store_tiles() && encoding_ == Encoding::F16 && chunk_steps_ == chunk.rows * kFactor &&
         chunk_positions_ % kTileBlock == 0 && chunk.cols * kFactor % kTileBlock == 0;
}

PyramidBand PyramidBuilder::new_band(size_t positions) const {
  DENDROKV_ASSERT(takes_bands());
  const PyramidExtent& chunk = levels_[0].chunk;
  PyramidBand band{chunk_heads_, chunk.rows, chunk.cols, ceil_div(positions, chunk.cols * kFactor),
                   counts_,      {}};
  band.cells = pool_.take(band.chunks * band.kinds() * band.part_bytes());
  if (levels_.size() > 1) band.exact_sum.resize(band.chunks * band.part_cells());
  return band;
}

void PyramidBuilder::add_band(const ChunkPlace& place, PyramidBand& band,
                              std::vector<PyramidChunk>& done) {
  const size_t stack = stack_of(place);
  const PyramidLevel& level = levels_[0];
  // The last chunk of weights may reach beyond the text by more than a chunk of cells.
  band.chunks = std::min(band.chunks, ceil_div(level.extent.cols, band.columns));
  const size_t rows =
      ceil_div(std::min<size_t>(chunk_steps_, steps_ - place.step_chunk * chunk_steps_), kFactor);
  for (size_t head = 0; head < chunk_heads_; ++head)
    for (size_t row = rows; row < level.chunk.rows; ++row)
      band.put_absent(head, row, 0, band.columns * band.chunks);
  close_below(stack, 0, place.step_chunk, done);
  if (levels_.size() == 1) return;
  Band cells{place.step_chunk, decoded(band)};
  raise(stack, 0, cells, done);
  give_back(0, std::move(cells.cells));
}

void PyramidBuilder::write_band(const ChunkPlace& place, PyramidBand band, ChunkWriter& writer) {
  PyramidLevel& level = levels_[0];
  h5::Dataset* const datasets[] = {&level.sum, &level.highest,
                                   level.count ? &*level.count : nullptr};
  h5::Shape start = {place.layer_index, place.head_index, place.step_chunk * level.chunk.rows, 0};
  for (size_t part = 0; part < band.chunks * band.kinds(); ++part) {
    start.back() = part / band.kinds() * band.columns;
    writer.write_part(*datasets[part % band.kinds()], start,
                      band.cells.bytes().subspan(part * band.part_bytes(), band.part_bytes()));
  }
  writer.hold(std::move(band.cells));
}

CellRows PyramidBuilder::decoded(PyramidBand& band) {
  CellRows cells = take_cells(0);
  const PyramidLevel& level = levels_[0];
  for (size_t stacked = 0; stacked < chunk_heads_ * level.chunk.rows; ++stacked)
    for (size_t i = 0; i < band.chunks; ++i) {
      const size_t first = i * band.columns,
                   count = std::min<size_t>(band.columns, level.extent.cols - first);
      const PyramidBand::Cells from =
          band.at(i, stacked / level.chunk.rows, stacked % level.chunk.rows, 0);
      const size_t to = stacked * level.extent.cols + first;
      from_half({from.highest, count}, std::span(cells.highest).subspan(to, count));
      std::copy_n(from.exact_sum, count, cells.sum.data() + to);
      if (from.count != nullptr) std::copy_n(from.count, count, cells.count.data() + to);
    }
  for (size_t cell = 0; cell < cells.highest.size(); ++cell) {
    const bool sampled = cells.highest[cell] == cells.highest[cell];
    if (!sampled) cells.highest[cell] = kNoSample;
    // nobody asks how many
    if (counts_ == PyramidCounts::Follow) cells.count[cell] = sampled ? 1 : 0;
  }
  return cells;
}

void PyramidBuilder::finish(size_t stack, std::vector<PyramidChunk>& done) {
  constexpr size_t kAll = std::numeric_limits<size_t>::max();
  for (size_t level = 0; level < levels_.size(); ++level) close_below(stack, level, kAll, done);
}

}  // namespace dendrokv
