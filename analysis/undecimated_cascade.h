#pragma once
// Several levels of the undecimated transform in one pass over a strip, so that memory is read once
// and only results are written.
//
//   1. a block of samples goes through level 1; level 2 makes what it can of that, and so on
//   2. of each smooth only as many rows are kept as the next level still looks back on, in a window
//      that moves on: they stay in cache
//   3. the signal is a circle: levels start as far before position 0 as the ones below will look
//      back, and make smooths alone there
// The bits are those of the plain way, level after level.

#include <memory>
#include <span>
#include <vector>

#include "analysis/undecimated_stage.h"

namespace dendrokv {

/// Whether so many levels of a strip are worth it: what is made twice, at the start, is small, and
/// a level no longer fits a cache.
bool undecimated_cascade_pays(const UndecimatedFilters& filters, std::span<const int64_t> spacings,
                              size_t positions, size_t row_bytes);

template <class Real>
class UndecimatedCascade {
 public:
  /// `spacings` of the taps, level 1 first; `high` the details and `low` the smooths of all levels,
  /// whole; a smooth without data is not wanted.
  UndecimatedCascade(const UndecimatedFilters& filters, std::span<const int64_t> spacings,
                     Circle<const Real> x, std::span<const Circle<Real>> high,
                     std::span<const Circle<Real>> low);
  void run();

 private:
  struct Level {
    int64_t back, ahead;  // how far its taps see
    PositionRange all;    // what has to be made
    int64_t next;
    Circle<Real> low, high;
    bool own = false;  // the smooth is a window, not the caller's
  };
  void make_windows();
  void make(size_t level, int64_t end);
  void slide(size_t level, int64_t end);

  UndecimatedRunner<Real> runner_;
  std::span<const int64_t> spacings_;
  Circle<const Real> x_;
  int64_t block_;  // rows at a time
  std::vector<Level> levels_;
  std::unique_ptr<Real[]> memory_;
};

}  // namespace dendrokv
