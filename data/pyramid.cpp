// Building a pyramid while a trace is written.
//
//   1. A chunk is decoded. Four rows at a time fold into one row of columns, four columns at a time
//      into one cell, and the cells into the open bands of level 1. Only then is a cell on the seam
//      of two chunks right, so bands stay open.
//   2. When a (layer, head) goes on to a later step chunk, the bands above it are finished: given
//      out, and folded four by four into the open band of the next level, which finishes in the
//      same way.
//   3. A cell without a sample is NaN in max and 0 in sum and count; a chunk without any is left
//      out.
//   4. Sums of level 1, most of a pyramid's bytes, are stored as f16 like the weights; the levels
//      above are made of the sums before that.

#include "data/pyramid.h"

#include <algorithm>
#include <bit>
#include <limits>
#include <optional>

#include "data/half.h"
#include "data/weight_tile.h"

namespace dendrokv {
namespace {

constexpr size_t kFactor = kPyramidFactor;
constexpr uint64_t kLargestCoarse = 1024;
constexpr uint64_t kChunkRows = 16;  // of level 1: 64 steps, which is how chunks of weights come
// Whole pages of each kind of number, and some chunks beyond the diagonal.
constexpr uint64_t kChunkColumns = 128;

uint64_t ceil_div(uint64_t number, uint64_t unit) {
  return (number + unit - 1) / unit;
}

std::string group_of(size_t level) {
  return "/pyramid/" + std::to_string(level + 1);
}

uint64_t factor_of(size_t level) {
  return uint64_t{1} << (2 * (level + 1));
}

PyramidExtent chunk_extent(const PyramidExtent& extent) {
  return {std::min(kChunkRows, extent.rows), std::min(kChunkColumns, extent.cols)};
}

void write_axis(h5::File& file, const std::string& path, const std::vector<int32_t>& numbers) {
  file.create_dataset(path, h5::Type::I32, {numbers.size()}, {}, h5::Fill::Zero)
      .write(numbers.data());
}

/// Cells of all rows of a band from column `first` on, as a whole chunk; `convert` writes one row
/// of it.
template <class T, class Stored>
PageBuffer chunk_of(const PagePool& pool, const std::vector<T>& cells, const PyramidExtent& extent,
                    const PyramidExtent& chunk, size_t first, Stored absent,
                    void (*convert)(std::span<const T>, std::span<Stored>)) {
  PageBuffer buffer = pool.take(chunk.rows * chunk.cols * sizeof(Stored));
  const size_t inside = std::min<size_t>(chunk.cols, extent.cols - first);
  auto* out = reinterpret_cast<Stored*>(buffer.bytes().data());
  if (inside < chunk.cols) std::fill_n(out, chunk.rows * chunk.cols, absent);
  for (size_t row = 0; row < chunk.rows; ++row)
    convert(std::span(cells).subspan(row * extent.cols + first, inside),
            std::span(out + row * chunk.cols, inside));
  return buffer;
}

template <class T, class Stored>
void as_they_are(std::span<const T> cells, std::span<Stored> out) {
  std::ranges::transform(cells, out.begin(), [](T cell) { return static_cast<Stored>(cell); });
}

// The smallest that holds all weights of a cell.
h5::Type count_type(size_t level) {
  return factor_of(level) * factor_of(level) <= std::numeric_limits<uint16_t>::max()
             ? h5::Type::U16
             : h5::Type::U32;
}

// Sixteen weights of f16 are known to no more than 2^-11 of each, which is what a sum in f16 is
// good to.
h5::Type sum_type(size_t level, Encoding encoding) {
  return level == 0 && encoding != Encoding::F32 ? h5::Type::F16 : h5::Type::F32;
}

void as_halves(std::span<const float> cells, std::span<uint16_t> out) {
  to_half(cells, out);
  constexpr uint16_t kHalfNoSample = 0xFC00;  // minus infinity
  for (uint16_t& half : out) half = half == kHalfNoSample ? kHalfNan : half;
}

/// Columns [first, first + size) of any row.
bool all_zero(const std::vector<uint32_t>& cells, const PyramidExtent& extent, size_t first,
              size_t size) {
  for (size_t row = 0; row * extent.cols < cells.size(); ++row) {
    const auto part = std::span(cells).subspan(row * extent.cols + first, size);
    if (std::ranges::any_of(part, [](uint32_t cell) { return cell != 0; })) return false;
  }
  return true;
}

}  // namespace

std::vector<PyramidExtent> pyramid_extents(uint64_t steps, uint64_t positions) {
  std::vector<PyramidExtent> extents;
  PyramidExtent extent{steps, positions};
  do {
    extent = {ceil_div(extent.rows, kFactor), ceil_div(extent.cols, kFactor)};
    extents.push_back(extent);
  } while (std::max(extent.rows, extent.cols) > kLargestCoarse);
  return extents;
}

uint64_t pyramid_bytes(const TraceInfo& info, PyramidCounts counts) {
  uint64_t bytes = 0;
  const std::vector<PyramidExtent> extents = pyramid_extents(info.steps.size(), info.tokens);
  for (size_t level = 0; level < extents.size(); ++level) {
    const PyramidExtent &extent = extents[level], chunk = chunk_extent(extent);
    const size_t count_bytes =
        counts == PyramidCounts::Store ? h5::type_bytes(count_type(level)) : 0;
    bytes += ceil_div(extent.rows, chunk.rows) * chunk.rows * ceil_div(extent.cols, chunk.cols) *
             chunk.cols *
             (sizeof(uint16_t) + h5::type_bytes(sum_type(level, info.encoding)) + count_bytes);
  }
  return uint64_t{info.layers.size()} * info.heads.size() * bytes;
}

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
      stride_(ceil_div(chunk.positions, kFoldBlock) * kFoldBlock) {
  DENDROKV_ASSERT(heads_ % chunk_heads_ == 0);
  file.create_group("/pyramid");
  const size_t levels = pyramid_extents(steps_, positions_).size();
  for (size_t level = 0; level < levels; ++level)
    levels_.push_back(create_level(file, info, level));
  open_.resize(info.layers.size() * heads_ / chunk_heads_, OpenBands(levels));
  spare_.resize(levels);
}

PyramidBuilder::Level PyramidBuilder::create_level(h5::File& file, const TraceInfo& info,
                                                   size_t level) const {
  const PyramidExtent extent = pyramid_extents(steps_, positions_)[level];
  const h5::Shape shape = {info.layers.size(), heads_, extent.rows, extent.cols};
  const PyramidExtent cells = chunk_extent(extent);
  const h5::Shape chunk = {1, chunk_heads_, cells.rows, cells.cols};
  const std::string group = group_of(level);
  file.create_group(group);
  file.write_attribute(group, "factor", factor_of(level));
  std::vector<int32_t> steps, positions;
  for (uint64_t row = 0; row < extent.rows; ++row)
    steps.push_back(static_cast<int32_t>(info.steps[row * factor_of(level)].value));
  for (uint64_t col = 0; col < extent.cols; ++col)
    positions.push_back(static_cast<int32_t>(col * factor_of(level)));
  write_axis(file, group + "/step", steps);
  write_axis(file, group + "/position", positions);
  Level created{
      extent,
      cells,
      file.create_dataset(group + "/max", h5::Type::F16, shape, chunk, h5::Fill::Absent),
      file.create_dataset(group + "/sum", sum_type(level, encoding_), shape, chunk, h5::Fill::Zero),
      {}};
  if (counts_ == PyramidCounts::Store)
    created.count =
        file.create_dataset(group + "/count", count_type(level), shape, chunk, h5::Fill::Zero);
  file.write_attribute(group + "/max", "interpretation",
                       "image");  // the last two axes are a picture
  return created;
}

std::string PyramidBuilder::coarsest() const {
  return group_of(levels_.size() - 1);
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
    give(stack, level, band, done);
    if (level + 1 < levels_.size()) raise(stack, level, band, done);
    give_back(level, std::move(band.cells));
  }
}

void PyramidBuilder::raise(size_t stack, size_t level, const Band& band,
                           std::vector<PyramidChunk>& done) {
  const Level &from = levels_[level], &to = levels_[level + 1];
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

void PyramidBuilder::give(size_t stack, size_t level, const Band& band,
                          std::vector<PyramidChunk>& done) {
  Level& target = levels_[level];
  const PyramidExtent& extent = target.extent;
  // The heads of a chunk are in it one below the other, as they are in the band.
  const PyramidExtent chunk{chunk_heads_ * target.chunk.rows, target.chunk.cols};
  const size_t pair = stack * chunk_heads_;
  const CellRows& cells = band.cells;
  for (size_t col = 0; col < extent.cols; col += chunk.cols) {
    if (all_zero(cells.count, extent, col, std::min(chunk.cols, extent.cols - col))) continue;
    const h5::Shape start = {pair / heads_, pair % heads_, band.index * target.chunk.rows, col};
    if (target.count)
      done.push_back({&*target.count, start,
                      count_type(level) == h5::Type::U16
                          ? chunk_of<uint32_t, uint16_t>(pool_, cells.count, extent, chunk, col, 0,
                                                         as_they_are)
                          : chunk_of<uint32_t, uint32_t>(pool_, cells.count, extent, chunk, col, 0,
                                                         as_they_are)});
    done.push_back(
        {&target.sum, start,
         sum_type(level, encoding_) == h5::Type::F16
             ? chunk_of<float, uint16_t>(pool_, cells.sum, extent, chunk, col, 0, to_half)
             : chunk_of<float, float>(pool_, cells.sum, extent, chunk, col, 0, as_they_are)});
    done.push_back(
        {&target.highest, start,
         chunk_of<float, uint16_t>(pool_, cells.highest, extent, chunk, col, kHalfNan, as_halves)});
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
  const Level& level = levels_[0];
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
  Level& level = levels_[0];
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
  const Level& level = levels_[0];
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
