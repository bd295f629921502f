// Building a pyramid while a trace is written.
//
//   1. A chunk is decoded. Four rows at a time fold into one row of columns, four columns at a time into one cell, and the
//      cells into the open bands of level 1. Only then is a cell on the seam of two chunks right, so bands stay open.
//   2. When a (layer, head) goes on to a later step chunk, the bands above it are finished: written, and folded four by four
//      into the open band of the next level, which finishes in the same way.
//   3. A cell without a sample is NaN in max and 0 in sum and count; a chunk without any is not written.

#include "data/pyramid.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "data/half.h"

namespace dendrokv {
namespace {

constexpr size_t kFactor = 4;
constexpr uint64_t kLargestCoarse = 1024;
constexpr size_t kBandRows =
    16;  // 64 steps at level 1: three quarters of a KiB per column and head stay in memory
constexpr size_t kChunkColumns = 512;
constexpr size_t kBlock = 16;  // columns that are folded together
constexpr float kNoSample = -std::numeric_limits<float>::infinity();

uint64_t ceil_div(uint64_t number, uint64_t unit) {
  return (number + unit - 1) / unit;
}

std::string group_of(size_t level) {
  return "/pyramid/" + std::to_string(level + 1);
}

uint64_t factor_of(size_t level) {
  return uint64_t{1} << (2 * (level + 1));
}

uint64_t chunk_rows(const PyramidExtent& extent) {
  return std::min<uint64_t>(kBandRows, extent.rows);
}
uint64_t chunk_cols(const PyramidExtent& extent) {
  return std::min<uint64_t>(kChunkColumns, extent.cols);
}

void write_axis(h5::File& file, const std::string& path, const std::vector<int32_t>& numbers) {
  file.create_dataset(path, h5::Type::I32, {numbers.size()}, {}, h5::Fill::Zero)
      .write(numbers.data());
}

/// Cells [row, first_col .. first_col + width) of a band, padded to a whole chunk.
template <class T, class Convert>
std::vector<std::byte> chunk_of(const std::vector<T>& cells, const PyramidExtent& extent,
                                size_t first_col, Convert convert) {
  using Stored = decltype(convert(T{}));
  const size_t rows = chunk_rows(extent), width = chunk_cols(extent);
  std::vector<std::byte> bytes(rows * width * sizeof(Stored));
  for (size_t row = 0; row < rows; ++row)
    for (size_t col = 0; col < width; ++col) {
      const bool inside = first_col + col < extent.cols;
      const size_t from = row * extent.cols + first_col + col;
      const Stored value = inside ? convert(cells[from]) : Stored{};
      std::copy_n(reinterpret_cast<const std::byte*>(&value), sizeof value,
                  bytes.data() + (row * width + col) * sizeof value);
    }
  return bytes;
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

uint64_t pyramid_bytes(uint64_t lanes, uint64_t steps, uint64_t positions) {
  constexpr uint64_t kBytesPerCell = sizeof(uint16_t) + sizeof(float) + sizeof(uint32_t);
  uint64_t cells = 0;
  for (const PyramidExtent& extent : pyramid_extents(steps, positions)) {
    const uint64_t rows = chunk_rows(extent), cols = chunk_cols(extent);
    cells += ceil_div(extent.rows, rows) * rows * ceil_div(extent.cols, cols) * cols;
  }
  return lanes * cells * kBytesPerCell;
}

PyramidBuilder::PyramidBuilder(h5::File& file, const TraceInfo& info, size_t chunk_steps,
                               size_t chunk_positions)
    : encoding_(info.encoding),
      heads_(info.heads.size()),
      steps_(info.steps.size()),
      positions_(info.tokens),
      chunk_steps_(chunk_steps),
      chunk_positions_(chunk_positions),
      stride_(ceil_div(chunk_positions, kBlock) * kBlock),
      chunk_(chunk_steps * stride_, std::numeric_limits<float>::quiet_NaN()),
      columns_{std::vector<float>(stride_), std::vector<float>(stride_),
               std::vector<uint32_t>(stride_)} {
  file.create_group("/pyramid");
  const size_t levels = pyramid_extents(steps_, positions_).size();
  for (size_t level = 0; level < levels; ++level)
    levels_.push_back(create_level(file, info, level));
  open_.resize(info.layers.size() * heads_, OpenBands(levels));
}

PyramidBuilder::Level PyramidBuilder::create_level(h5::File& file, const TraceInfo& info,
                                                   size_t level) const {
  const PyramidExtent extent = pyramid_extents(steps_, positions_)[level];
  const h5::Shape shape = {info.layers.size(), heads_, extent.rows, extent.cols};
  const h5::Shape chunk = {1, 1, chunk_rows(extent), chunk_cols(extent)};
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
  Level created{extent,
                file.create_dataset(group + "/max", h5::Type::F16, shape, chunk, h5::Fill::Absent),
                file.create_dataset(group + "/sum", h5::Type::F32, shape, chunk, h5::Fill::Zero),
                file.create_dataset(group + "/count", h5::Type::U32, shape, chunk, h5::Fill::Zero)};
  file.write_attribute(group + "/max", "interpretation",
                       "image");  // the last two axes are a picture
  return created;
}

std::string PyramidBuilder::coarsest() const {
  return group_of(levels_.size() - 1);
}

PyramidBuilder::Band& PyramidBuilder::band_at(size_t lane, size_t level, size_t index) {
  std::vector<Band>& bands = open_[lane][level];
  for (Band& band : bands)
    if (band.index == index) return band;
  DENDROKV_ASSERT(bands.empty() || bands.back().index < index);
  const size_t cells = kBandRows * levels_[level].extent.cols;
  bands.push_back({index, std::vector<float>(cells, kNoSample), std::vector<float>(cells),
                   std::vector<uint32_t>(cells)});
  return bands.back();
}

void PyramidBuilder::add(const ChunkPlace& place, std::span<const std::byte> chunk) {
  const size_t lane = place.layer_index * heads_ + place.head_index;
  const size_t first_step = place.step_chunk * chunk_steps_;
  const size_t end_step = std::min(first_step + chunk_steps_, steps_);
  const size_t first_position = place.position_chunk * chunk_positions_;
  const size_t columns = std::min(chunk_positions_, positions_ - first_position);
  decode(chunk);
  close_below(lane, 0, first_step / (kFactor * kBandRows));
  for (size_t step = first_step; step < end_step;) {
    const size_t row = step / kFactor;
    const size_t end = std::min((row + 1) * kFactor, end_step);
    fold_rows(step - first_step, end - first_step);
    add_columns(band_at(lane, 0, row / kBandRows), row % kBandRows, first_position, columns);
    step = end;
  }
}

void PyramidBuilder::decode(std::span<const std::byte> chunk) {
  const size_t row_bytes = chunk_positions_ * encoded_bytes(encoding_);
  for (size_t row = 0; row < chunk_steps_; ++row)
    decode_weights(encoding_, chunk.subspan(row * row_bytes, row_bytes), u8_code_table(),
                   std::span(chunk_).subspan(row * stride_, chunk_positions_));
}

// Blocks of a fixed size, so that the compiler makes vector code of the inner loop.
void PyramidBuilder::fold_rows(size_t first_row, size_t end_row) {
  for (size_t col = 0; col < stride_; col += kBlock) {
    float highest[kBlock], sum[kBlock] = {};
    uint32_t count[kBlock] = {};
    std::fill_n(highest, kBlock, kNoSample);
    for (size_t row = first_row; row < end_row; ++row) {
      const float* weights = chunk_.data() + row * stride_ + col;
      for (size_t i = 0; i < kBlock; ++i) {
        const float weight = weights[i];
        highest[i] = weight > highest[i] ? weight : highest[i];
        sum[i] += weight == weight ? weight : 0.0f;
        count[i] += weight == weight ? 1u : 0u;
      }
    }
    std::copy_n(highest, kBlock, columns_.highest.begin() + static_cast<std::ptrdiff_t>(col));
    std::copy_n(sum, kBlock, columns_.sum.begin() + static_cast<std::ptrdiff_t>(col));
    std::copy_n(count, kBlock, columns_.count.begin() + static_cast<std::ptrdiff_t>(col));
  }
}

void PyramidBuilder::add_columns(Band& band, size_t row, size_t first_position,
                                 size_t count) const {
  const size_t start = row * levels_[0].extent.cols;
  for (size_t col = 0; col < count; ++col) {
    const size_t cell = start + (first_position + col) / kFactor;
    band.highest[cell] = std::max(band.highest[cell], columns_.highest[col]);
    band.sum[cell] += columns_.sum[col];
    band.count[cell] += columns_.count[col];
  }
}

void PyramidBuilder::close_below(size_t lane, size_t level, size_t end_index) {
  std::vector<Band>& bands = open_[lane][level];
  while (!bands.empty() && bands.front().index < end_index) {
    const Band band = std::move(bands.front());
    bands.erase(bands.begin());
    write(lane, level, band);
    if (level + 1 < levels_.size()) raise(lane, level, band);
  }
}

void PyramidBuilder::raise(size_t lane, size_t level, const Band& band) {
  const size_t parent_index = band.index / kFactor;
  close_below(lane, level + 1, parent_index);
  Band& parent = band_at(lane, level + 1, parent_index);
  const size_t cols = levels_[level].extent.cols, parent_cols = levels_[level + 1].extent.cols;
  for (size_t row = 0; row < kBandRows; ++row) {
    const size_t parent_row = (band.index * kBandRows + row) / kFactor % kBandRows;
    for (size_t col = 0; col < cols; ++col) {
      const size_t from = row * cols + col, to = parent_row * parent_cols + col / kFactor;
      parent.highest[to] = std::max(parent.highest[to], band.highest[from]);
      parent.sum[to] += band.sum[from];
      parent.count[to] += band.count[from];
    }
  }
}

void PyramidBuilder::write(size_t lane, size_t level, const Band& band) {
  Level& target = levels_[level];
  const PyramidExtent& extent = target.extent;
  for (size_t col = 0; col < extent.cols; col += kChunkColumns) {
    const h5::Shape start = {lane / heads_, lane % heads_, band.index * kBandRows, col};
    const auto count = chunk_of(band.count, extent, col, [](uint32_t number) { return number; });
    const bool empty = std::all_of(count.begin(), count.end(),
                                   [](std::byte byte) { return byte == std::byte{0}; });
    if (empty) continue;
    target.count.write_chunk(start, count);
    target.sum.write_chunk(start,
                           chunk_of(band.sum, extent, col, [](float number) { return number; }));
    target.highest.write_chunk(start, chunk_of(band.highest, extent, col, [](float number) {
                                 return number == kNoSample ? kHalfNan : to_half(number);
                               }));
  }
}

void PyramidBuilder::finish() {
  constexpr size_t kAll = std::numeric_limits<size_t>::max();
  for (size_t lane = 0; lane < open_.size(); ++lane)
    for (size_t level = 0; level < levels_.size(); ++level) close_below(lane, level, kAll);
}

}  // namespace dendrokv
