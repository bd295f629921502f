#include "data/pyramid_levels.h"

#include <algorithm>
#include <limits>

#include "data/pyramid_fold.h"

namespace dendrokv {
namespace {

constexpr uint64_t kLargestCoarse = 1024;
constexpr uint64_t kChunkRows = 16;  // of level 1: 64 steps, which is how chunks of weights come
// Whole pages of each kind of number, and some chunks beyond the diagonal.
constexpr uint64_t kChunkColumns = 128;

uint64_t ceil_div(uint64_t number, uint64_t unit) {
  return (number + unit - 1) / unit;
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

// The steps and positions that cells begin with.
void write_axes(h5::File& file, const TraceInfo& info, const PyramidExtent& extent, size_t level) {
  std::vector<int32_t> steps, positions;
  for (uint64_t row = 0; row < extent.rows; ++row)
    steps.push_back(static_cast<int32_t>(info.steps[row * factor_of(level)].value));
  for (uint64_t col = 0; col < extent.cols; ++col)
    positions.push_back(static_cast<int32_t>(col * factor_of(level)));
  write_axis(file, pyramid_group(level) + "/step", steps);
  write_axis(file, pyramid_group(level) + "/position", positions);
}

PyramidLevel create_level(h5::File& file, const TraceInfo& info, const PyramidExtent& extent,
                          size_t level, size_t chunk_heads, PyramidCounts counts) {
  const h5::Shape shape = {info.layers.size(), info.heads.size(), extent.rows, extent.cols};
  const PyramidExtent cells = chunk_extent(extent);
  const h5::Shape chunk = {1, chunk_heads, cells.rows, cells.cols};
  const std::string group = pyramid_group(level);
  file.create_group(group);
  file.write_attribute(group, "factor", factor_of(level));
  write_axes(file, info, extent, level);
  PyramidLevel created{
      chunk_heads,
      extent,
      cells,
      file.create_dataset(group + "/max", h5::Type::F16, shape, chunk, h5::Fill::Absent),
      file.create_dataset(group + "/sum", sum_type(level, info.encoding), shape, chunk,
                          h5::Fill::Zero),
      {}};
  if (counts == PyramidCounts::Store)
    created.count =
        file.create_dataset(group + "/count", count_type(level), shape, chunk, h5::Fill::Zero);
  file.write_attribute(group + "/max", "interpretation",
                       "image");  // the last two axes are a picture
  return created;
}

}  // namespace

std::vector<PyramidExtent> pyramid_extents(uint64_t steps, uint64_t positions) {
  std::vector<PyramidExtent> extents;
  PyramidExtent extent{steps, positions};
  do {
    extent = {ceil_div(extent.rows, kPyramidFactor), ceil_div(extent.cols, kPyramidFactor)};
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

std::string pyramid_group(size_t index) {
  return "/pyramid/" + std::to_string(index + 1);
}

std::vector<PyramidLevel> create_pyramid(h5::File& file, const TraceInfo& info, size_t chunk_heads,
                                         PyramidCounts counts) {
  file.create_group("/pyramid");
  std::vector<PyramidLevel> levels;
  for (const PyramidExtent& extent : pyramid_extents(info.steps.size(), info.tokens))
    levels.push_back(create_level(file, info, extent, levels.size(), chunk_heads, counts));
  return levels;
}

}  // namespace dendrokv
