#include "gui/envelope.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace dendrokv {
namespace {

constexpr size_t kFactor = 8;
constexpr float kNothing = std::numeric_limits<float>::quiet_NaN();
constexpr Envelope::Cell kEmpty{kNothing, kNothing};

void add(Envelope::Cell& cell, const Envelope::Cell& more) {
  if (!(cell.least <= more.least) && !std::isnan(more.least)) cell.least = more.least;
  if (!(cell.largest >= more.largest) && !std::isnan(more.largest)) cell.largest = more.largest;
}

Envelope::Cell cell_of(float value) {
  return {value, value};
}

}  // namespace

Envelope::Envelope(std::vector<float> values, size_t first)
    : first_(first), values_(std::move(values)) {
  size_t below = values_.size();
  while (below > kFactor) {
    std::vector<Cell> level((below + kFactor - 1) / kFactor, kEmpty);
    for (size_t i = 0; i < below; ++i)
      add(level[i / kFactor], levels_.empty() ? cell_of(values_[i]) : levels_.back()[i]);
    below = level.size();
    levels_.push_back(std::move(level));
  }
}

float Envelope::at(size_t place) const {
  return place < first_ ? kNothing : values_[place - first_];
}

size_t Envelope::bytes() const {
  size_t bytes = values_.capacity() * sizeof(float);
  for (const std::vector<Cell>& level : levels_) bytes += level.capacity() * sizeof(Cell);
  return bytes;
}

Envelope::Cell Envelope::over(size_t first, size_t end) const {
  Cell total = kEmpty;
  first = std::max(first, first_) - first_;
  end = std::clamp(end, first_, size()) - first_;
  // Up: what does not fill a cell of the next level is taken from this one, at both ends.
  for (size_t level = 0; first < end; ++level) {
    const auto take = [&](size_t i) {
      add(total, level == 0 ? cell_of(values_[i]) : levels_[level - 1][i]);
    };
    if (level == levels_.size()) {
      for (size_t i = first; i < end; ++i) take(i);
      break;
    }
    while (first < end && first % kFactor != 0) take(first++);
    while (first < end && end % kFactor != 0) take(--end);
    first /= kFactor;
    end /= kFactor;
  }
  return total;
}

std::vector<Envelope::Cell> envelope_columns(const Envelope& curve, double first, double end,
                                             size_t columns) {
  std::vector<Envelope::Cell> cells(columns, kEmpty);
  const double width = (end - first) / static_cast<double>(columns);
  for (size_t column = 0; column < columns; ++column) {
    const double from = std::max(0.0, std::floor(first + width * static_cast<double>(column)));
    const double to = std::ceil(first + width * static_cast<double>(column + 1));
    if (to > from && from < static_cast<double>(curve.size()))
      cells[column] = curve.over(static_cast<size_t>(from), static_cast<size_t>(to));
  }
  return cells;
}

}  // namespace dendrokv
