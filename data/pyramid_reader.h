#pragma once
// Reads a stored pyramid: /pyramid/K of a trace, or of an index file that was built beside it. One
// object belongs to one thread.

#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <vector>

#include "data/grid.h"
#include "data/hdf5.h"
#include "data/pyramid_levels.h"
#include "data/trace.h"

namespace dendrokv {

class PyramidReader {
 public:
  /// Nothing when the file has no pyramid. Throws Error: unreadable, or shapes that are not those
  /// of the trace's rows.
  static std::optional<PyramidReader> open(const std::filesystem::path& path,
                                           const TraceInfo& info);

  /// Levels 1 to levels().
  size_t levels() const { return levels_.size(); }
  PyramidExtent extent(size_t level) const { return levels_[level - 1].extent; }

  /// Cells of one (layer, head), [rows.count, columns.count]: the largest weight, NaN = no sample.
  void read_max(size_t level, size_t layer_index, size_t head_index, IndexRange rows,
                IndexRange columns, GridView<float> out) const;
  /// Sum and number of the samples. A pyramid may store no counts: then every pair of a step and a
  /// position that it can see counts.
  void read_sums(size_t level, size_t layer_index, size_t head_index, IndexRange rows,
                 IndexRange columns, GridView<float> sum, GridView<uint32_t> count) const;

 private:
  struct Level {
    PyramidExtent extent;
    h5::Dataset highest, sum;
    std::optional<h5::Dataset> count;
  };
  explicit PyramidReader(h5::File file) : file_(std::move(file)) {}
  h5::File file_;
  std::vector<Step> steps_;
  std::vector<Level> levels_;
};

/// Largest weights and sums of a level are f16 or f32, counts uint16 where they fit, else uint32.
/// Throws Error: missing, another type or shape.
h5::Dataset open_pyramid_floats(const h5::File& file, const std::string& path,
                                const h5::Shape& shape);
h5::Dataset open_pyramid_counts(const h5::File& file, const std::string& path,
                                const h5::Shape& shape);
/// Of either type, [cells of the selection].
void read_pyramid_floats(const h5::Dataset& dataset, const h5::Shape& first, const h5::Shape& size,
                         std::span<float> out);
void read_pyramid_counts(const h5::Dataset& dataset, const h5::Shape& first, const h5::Shape& size,
                         std::span<uint32_t> out);
/// The counts of a pyramid that stores none, [row, column] of the cells of a level: pairs of a step
/// and a position that it can see.
void count_pairs(std::span<const Step> steps, size_t level, IndexRange rows, IndexRange columns,
                 GridView<uint32_t> out);

}  // namespace dendrokv
