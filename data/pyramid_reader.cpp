#include "data/pyramid_reader.h"

#include <algorithm>

#include "data/half.h"
#include "data/pyramid_fold.h"

namespace dendrokv {
namespace {

void read_rows(const h5::Dataset& dataset, const h5::Shape& first, const h5::Shape& size,
               GridView<float> out) {
  std::vector<float> floats(out.rows() * out.cols());
  read_pyramid_floats(dataset, first, size, floats);
  for (size_t row = 0; row < out.rows(); ++row)
    std::copy_n(floats.begin() + static_cast<ptrdiff_t>(row * out.cols()), out.cols(),
                out.row(row).begin());
}

}  // namespace

std::optional<PyramidReader> PyramidReader::open(const std::filesystem::path& path,
                                                 const TraceInfo& info) {
  PyramidReader reader(h5::File::open(path));
  const h5::File& file = reader.file_;
  PyramidExtent extent{info.steps.size(), info.tokens};
  for (size_t level = 1;; ++level) {
    const std::string group = "/pyramid/" + std::to_string(level);
    if (!file.has(group)) break;
    extent.rows = (extent.rows + kPyramidFactor - 1) / kPyramidFactor;
    extent.cols = (extent.cols + kPyramidFactor - 1) / kPyramidFactor;
    const h5::Shape shape = {info.layers.size(), info.heads.size(), extent.rows, extent.cols};
    Level opened{extent,
                 open_pyramid_floats(file, group + "/max", shape),
                 open_pyramid_floats(file, group + "/sum", shape),
                 {}};
    if (file.has(group + "/count"))
      opened.count = open_pyramid_counts(file, group + "/count", shape);
    reader.levels_.push_back(std::move(opened));
  }
  reader.steps_ = info.steps;
  if (reader.levels_.empty()) return std::nullopt;
  return reader;
}

void PyramidReader::read_max(size_t level, size_t layer_index, size_t head_index, IndexRange rows,
                             IndexRange columns, GridView<float> out) const {
  DENDROKV_ASSERT(level >= 1 && level <= levels() && out.rows() == rows.count);
  read_rows(levels_[level - 1].highest, {layer_index, head_index, rows.first, columns.first},
            {1, 1, rows.count, columns.count}, out);
}

void PyramidReader::read_sums(size_t level, size_t layer_index, size_t head_index, IndexRange rows,
                              IndexRange columns, GridView<float> sum,
                              GridView<uint32_t> count) const {
  DENDROKV_ASSERT(level >= 1 && level <= levels());
  DENDROKV_ASSERT(count.stride() == columns.count);
  const h5::Shape first = {layer_index, head_index, rows.first, columns.first};
  const h5::Shape size = {1, 1, rows.count, columns.count};
  read_rows(levels_[level - 1].sum, first, size, sum);
  if (levels_[level - 1].count)
    read_pyramid_counts(*levels_[level - 1].count, first, size,
                        {count.data(), rows.count * columns.count});
  else
    count_pairs(steps_, level, rows, columns, count);
}

h5::Dataset open_pyramid_floats(const h5::File& file, const std::string& path,
                                const h5::Shape& shape) {
  const h5::Type type = file.open_dataset(path).type();
  return file.open_dataset(path, type == h5::Type::F32 ? type : h5::Type::F16, shape);
}

void read_pyramid_floats(const h5::Dataset& dataset, const h5::Shape& first, const h5::Shape& size,
                         std::span<float> out) {
  if (dataset.type() == h5::Type::F32) return dataset.read(first, size, out.data());
  std::vector<uint16_t> halves(out.size());
  dataset.read(first, size, halves.data());
  from_half(halves, out);
}

h5::Dataset open_pyramid_counts(const h5::File& file, const std::string& path,
                                const h5::Shape& shape) {
  const h5::Type type = file.open_dataset(path).type();
  return file.open_dataset(path, type == h5::Type::U16 ? type : h5::Type::U32, shape);
}

void read_pyramid_counts(const h5::Dataset& dataset, const h5::Shape& first, const h5::Shape& size,
                         std::span<uint32_t> out) {
  if (dataset.type() == h5::Type::U32) return dataset.read(first, size, out.data());
  std::vector<uint16_t> narrow(out.size());
  dataset.read(first, size, narrow.data());
  std::ranges::copy(narrow, out.begin());
}

// Of each step those positions that it can see.
void count_pairs(std::span<const Step> steps, size_t level, IndexRange rows, IndexRange columns,
                 GridView<uint32_t> out) {
  const size_t factor = size_t{1} << (2 * level);
  for (size_t row = 0; row < rows.count; ++row)
    for (size_t column = 0; column < columns.count; ++column) {
      const size_t first = (columns.first + column) * factor;
      const size_t begin = (rows.first + row) * factor;
      const size_t end = std::min(begin + factor, steps.size());
      uint32_t pairs = 0;
      for (size_t step = begin; step < end; ++step)
        if (steps[step].index() >= first)
          pairs += static_cast<uint32_t>(std::min(factor, steps[step].index() + 1 - first));
      out(row, column) = pairs;
    }
}

}  // namespace dendrokv
