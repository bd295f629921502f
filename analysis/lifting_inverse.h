#pragma once
// Several levels of inverse lifting in one pass over a long strip, a block that stays in cache at a
// time.
//
//   1. a block of the signal sees a few more pairs of its level than it has, for a step reads
//      neighbours; their approximation is restored first, from that below, and so on down
//   2. all steps of a level are then undone over its pairs in cache
//   3. what lies beyond the block at either end is restored again with the next one: blocks are
//      long beside it
// As forward (lifting_blocks.h), the bits are those of one level after the other.

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "analysis/dwt_stage.h"
#include "analysis/lifting_blocks.h"
#include "analysis/lifting_steps.h"

namespace dendrokv {

class UnliftedBlocks {
 public:
  /// As blocked_levels.
  static uint32_t levels_that_pay(const LiftingForm& form, std::span<const size_t> lengths,
                                  size_t width);

  /// `lengths` are those of `x` and of as many levels as `high` has strips, level 1 first; `low`
  /// goes with the last one. Strips without data are zeros.
  UnliftedBlocks(const LiftingForm& form, std::span<const size_t> lengths, Strip<const double> low,
                 std::span<const Strip<const double>> high, Strip<double> x);
  void run();

 private:
  struct Range {
    size_t first, end;
  };
  struct Level {
    LiftedPairs pairs;
    std::vector<double> restored;  // positions, where they go to the level above
  };
  void undo(size_t level, Range own);
  void put(Level& here, const LiftedBand& band, size_t to, Strip<const double> from, size_t count);
  template <class Positions>
  void put_circle(size_t level, const LiftedBand& band, LiftingReach reach, Range own,
                  const Positions& positions);
  void put_high(size_t level, Range own);
  void put_low(size_t level, Range own);
  Strip<const double> restored(size_t level, size_t position, size_t count);
  void join(Level& here, size_t positions, Strip<double> x);

  const LiftingForm& form_;
  std::span<const size_t> lengths_;
  Strip<const double> low_;
  std::span<const Strip<const double>> high_;
  Strip<double> x_;
  std::vector<double> undoing_;  // factors of all steps, negative
  std::vector<LiftingReach> step_reach_;
  LiftingReach low_reach_{}, high_reach_{};  // pairs that steps see before any of them is undone
  LiftingReach reach_{};                     // of a level as a whole, 0 or more
  std::vector<Level> levels_;
  LiftingSums sums_;
};

}  // namespace dendrokv
