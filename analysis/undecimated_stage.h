#pragma once
// One level of the undecimated transform on a part of a circle of positions: the step that
// modwt.cpp repeats.
//
// A filter with holes reads shifted views of the level above. Where a view or an output comes
// around its circle, the run of outputs is cut: between the cuts all are contiguous, and the line
// kernels do the rest without copies.

#include <algorithm>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <vector>

#include "analysis/dwt_stage.h"
#include "analysis/line_kernels.h"
#include "analysis/modwt.h"

namespace dendrokv {

/// Rows that follow one another around a circle: that of position t is (t - origin) mod size. What
/// moves along a signal is a circle whose origin moves, and which is never gone around.
template <class T>
struct Circle {
  Strip<T> rows;
  int64_t size = 0, origin = 0;

  int64_t around(int64_t position) const {
    const int64_t rest = (position - origin) % size;
    return rest < 0 ? rest + size : rest;
  }
  T* row(int64_t position) const { return rows.row(static_cast<size_t>(around(position))); }
  operator Circle<const T>() const requires(!std::is_const_v<T>) { return {rows, size, origin}; }
};

/// Positions, counted on beyond both ends of the circle.
struct PositionRange {
  int64_t first, end;
};

/// Filters in the type of the kernels; one per thread.
template <class Real>
class UndecimatedRunner {
 public:
  explicit UndecimatedRunner(const UndecimatedFilters& filters);

  /// Smooths and details of `part`; no details where `high` has no data.
  void analyse(Circle<const Real> x, int64_t spacing, PositionRange part, Circle<Real> low,
               Circle<Real> high);
  /// The level above; a band without data counts as zeros.
  void synthesise(Circle<const Real> low, Circle<const Real> high, int64_t spacing,
                  PositionRange part, Circle<Real> x);

 private:
  struct View {
    Circle<const Real> circle;
    int64_t offset;
  };
  bool dense(std::initializer_list<const Circle<Real>*> outputs) const;
  Terms<Real> terms_at(int64_t position, int64_t& run);

  const LineKernels<Real>& kernels_ = line_kernels<Real>();
  const UndecimatedFilters& filters_;
  std::vector<Real> low_, high_, weights_;
  std::vector<View> views_;
  std::vector<const Real*> inputs_;
};

}  // namespace dendrokv
