#pragma once
// Several levels of a long signal in one pass over it, so that memory is read once and written
// once.
//
//   1. a block of samples goes through level 1; its approximations are the next samples of level 2,
//      and so on: they stay in cache
//   2. only coefficients that the ends have not touched are computed that way; of each
//      approximation the first and last few are kept
//   3. afterwards, level by level, the coefficients at the ends from those
// The bits are those of the plain way, level after level.

#include <span>
#include <vector>

#include "analysis/dwt_stage.h"

namespace dendrokv {

/// How many levels are worth it.
uint32_t cascade_levels(size_t filter_length, size_t positions, uint32_t levels);

template <class Real>
class Cascade {
 public:
  /// `stages` with Stage::Inner::Valid; `low` is the approximation of the last one, high[j] the
  /// details of stage j, all whole.
  Cascade(std::span<const Dwt::Stage> stages, StageRunner<Real>& runner, Strip<const Real> x,
          std::span<const Strip<Real>> high, Strip<Real> low);
  void run();

 private:
  /// The approximation of a level that passes by. Indices are those of its coefficients.
  struct Level {
    std::vector<Real> window;  // rows [first, end)
    size_t first = 0, end = 0;
    std::vector<Real> head, tail;  // rows [0, head_end) and [tail_first, ...)
    size_t head_end = 0, tail_first = 0;
    size_t next = 0;  // coefficient of this level that comes next
  };

  Real* row_of(std::vector<Real>& rows, size_t row) { return rows.data() + row * width_; }
  Strip<Real> strip_at(std::vector<Real>& rows, size_t row) {
    return {row_of(rows, row), static_cast<ptrdiff_t>(width_), width_};
  }
  bool is_last(size_t level) const { return level + 1 == stages_.size(); }
  void advance(size_t level, size_t end_of_samples, bool flush);
  void make(size_t level, size_t count);
  void make_room(size_t level, size_t count);
  void keep_head(size_t level);
  void keep_tail(size_t level);
  void finish_ends(size_t level);

  std::span<const Dwt::Stage> stages_;
  StageRunner<Real>& runner_;
  Strip<const Real> x_;
  std::span<const Strip<Real>> high_;
  Strip<Real> low_;
  size_t width_, block_, kept_;  // rows: at a time, and at each end
  std::vector<Level> levels_;
};

}  // namespace dendrokv
