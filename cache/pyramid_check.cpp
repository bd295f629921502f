#include "cache/pyramid_check.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "data/pyramid_reader.h"

namespace dendrokv {
namespace {

constexpr size_t kFactor = 4;
constexpr float kNothing = -std::numeric_limits<float>::infinity();

size_t fourth(size_t extent) {
  return (extent + kFactor - 1) / kFactor;
}

/// A maximum is stored as a half float: 2^-11 of it, 3e-8 at the least.
bool same_maximum(float found, float wanted) {
  if (wanted == kNothing) return std::isnan(found);
  return std::fabs(found - wanted) <= 5e-4f * std::fabs(wanted) + 6e-8f;
}

/// Sums of floats, in another order; those of level 1 may be stored as half floats.
bool same_sum(double found, double wanted, h5::Type type) {
  if (type == h5::Type::F16)
    return same_maximum(static_cast<float>(found), static_cast<float>(wanted));
  return std::fabs(found - wanted) <= 1e-5 * std::fabs(wanted) + 1e-9;
}

}  // namespace

PyramidCheck::PyramidCheck(const h5::File& file, size_t layer_index, size_t head_index,
                           std::span<const Step> steps, size_t positions)
    : file_(file),
      steps_(steps),
      layer_(layer_index),
      head_(head_index),
      first_level_(make_cells(fourth(steps.size()), fourth(positions))) {}

PyramidCheck::Cells PyramidCheck::make_cells(size_t rows, size_t cols) {
  const size_t cells = rows * cols;
  return {rows,
          cols,
          std::vector<float>(cells, kNothing),
          std::vector<double>(cells),
          std::vector<uint64_t>(cells),
          h5::Type::F32};
}

void PyramidCheck::add(size_t first, GridView<const float> rows) {
  for (size_t row = 0; row < rows.rows(); ++row)
    for (size_t position = 0; position < rows.cols(); ++position) {
      const float weight = rows(row, position);
      if (std::isnan(weight)) continue;
      const size_t cell = (first + row) / kFactor * first_level_.cols + position / kFactor;
      first_level_.highest[cell] = std::max(first_level_.highest[cell], weight);
      first_level_.sum[cell] += static_cast<double>(weight);
      ++first_level_.count[cell];
    }
}

const std::string& PyramidCheck::finish() {
  Cells wanted = std::move(first_level_);
  for (size_t level = 1; fault_.empty(); ++level) {
    if (!file_.has("/pyramid/" + std::to_string(level) + "/max")) break;
    compare(level, wanted);
    wanted = raised(wanted);
  }
  return fault_;
}

PyramidCheck::Cells PyramidCheck::raised(const Cells& cells) {
  Cells parents = make_cells(fourth(cells.rows), fourth(cells.cols));
  for (size_t row = 0; row < cells.rows; ++row)
    for (size_t col = 0; col < cells.cols; ++col) {
      const size_t from = row * cells.cols + col;
      const size_t to = row / kFactor * parents.cols + col / kFactor;
      parents.highest[to] = std::max(parents.highest[to], cells.highest[from]);
      parents.sum[to] += cells.sum[from];
      parents.count[to] += cells.count[from];
    }
  return parents;
}

PyramidCheck::Cells PyramidCheck::read(size_t level, size_t rows, size_t cols) const {
  const std::string group = "/pyramid/" + std::to_string(level);
  const h5::Shape start = {layer_, head_, 0, 0}, count = {1, 1, rows, cols};
  constexpr uint64_t kAny = std::numeric_limits<uint64_t>::max();
  const h5::Shape shape = {kAny, kAny, rows, cols};
  Cells cells = make_cells(rows, cols);
  read_pyramid_floats(file_.open_dataset(group + "/max", h5::Type::F16, shape), start, count,
                      cells.highest);
  std::vector<float> sums(rows * cols);
  const h5::Dataset sum = open_pyramid_floats(file_, group + "/sum", shape);
  cells.sum_type = sum.type();
  read_pyramid_floats(sum, start, count, sums);
  std::ranges::copy(sums, cells.sum.begin());
  Grid<uint32_t> counts(rows, cols);
  if (file_.has(group + "/count"))
    read_pyramid_counts(open_pyramid_counts(file_, group + "/count", shape), start, count,
                        counts.all());
  else
    count_pairs(steps_, level, {0, rows}, {0, cols}, counts.view());
  std::ranges::copy(counts.all(), cells.count.begin());
  return cells;
}

void PyramidCheck::compare(size_t level, const Cells& wanted) {
  const Cells found = read(level, wanted.rows, wanted.cols);
  cells_ += found.count.size();
  for (size_t cell = 0; cell < found.count.size() && fault_.empty(); ++cell) {
    if (same_maximum(found.highest[cell], wanted.highest[cell]) &&
        same_sum(found.sum[cell], wanted.sum[cell], found.sum_type) &&
        found.count[cell] == wanted.count[cell])
      continue;
    const std::string place = "level " + std::to_string(level) + ", layer index " +
                              std::to_string(layer_) + ", head index " + std::to_string(head_) +
                              ", cell " + std::to_string(cell / wanted.cols) + ", " +
                              std::to_string(cell % wanted.cols) + ": ";
    if (!same_maximum(found.highest[cell], wanted.highest[cell]))
      fault_ = place + "max " + std::to_string(found.highest[cell]) + ", the weights have " +
               std::to_string(wanted.highest[cell]);
    else if (!same_sum(found.sum[cell], wanted.sum[cell], found.sum_type))
      fault_ = place + "sum " + std::to_string(found.sum[cell]) + ", the weights have " +
               std::to_string(wanted.sum[cell]);
    else if (found.count[cell] != wanted.count[cell])
      fault_ = place + "count " + std::to_string(found.count[cell]) + ", the weights are " +
               std::to_string(wanted.count[cell]);
  }
}

}  // namespace dendrokv
