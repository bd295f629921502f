#pragma once
// A curve at any zoom: least and largest value of any range, from levels of eight to one.

#include <cstddef>
#include <span>
#include <vector>

namespace dendrokv {

class Envelope {
 public:
  struct Cell {
    float least, largest;  // NaN = no number in it
    bool operator==(const Cell&) const = default;
  };

  Envelope() = default;
  /// NaN is left out. The curve has no number before `first`, where `values` begin.
  explicit Envelope(std::vector<float> values, size_t first = 0);

  size_t size() const { return first_ + values_.size(); }
  float at(size_t place) const;  // below size(); NaN = no number
  /// Of [first, end), within the curve.
  Cell over(size_t first, size_t end) const;
  size_t bytes() const;

 private:
  size_t first_ = 0;
  std::vector<float> values_;
  std::vector<std::vector<Cell>> levels_;  // level l: 8^(l + 1) values a cell
};

/// The curve over `columns` equal parts of [first, end), each exactly reduced: what a line of one
/// point up and one down a pixel needs. Bounds are rounded outwards, so that no value falls between
/// two columns.
std::vector<Envelope::Cell> envelope_columns(const Envelope& curve, double first, double end,
                                             size_t columns);

}  // namespace dendrokv
