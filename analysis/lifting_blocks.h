#pragma once
// Several levels of lifting in one pass over a long strip, a block that stays in cache at a time.
//
//   1. a block of the deepest approximation sees a few more pairs of the one above than it has,
//      for a step reads neighbours; those are made first, and so on up to the signal
//   2. all steps of a level then run over its pairs in cache
//   3. what lies beyond the block at either end is made again with the next one: blocks are long
//      beside it
// A step gives each sample what it gives on the whole circle, in the same order: the bits are those
// of one level after the other.

#include <algorithm>
#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "analysis/dwt_stage.h"
#include "analysis/lifting_steps.h"
#include "analysis/line_kernels.h"

namespace dendrokv {

/// changed[c] += sum_i factor[i] other[i][c], all in double.
class LiftingSums {
 public:
  void add(std::span<const double> factors, const double* const* others, double* changed,
           size_t count);
  /// to[c] = factor * from[c]
  void scale(double factor, const double* from, double* to, size_t count);

 private:
  const LineKernels<double>& kernels_ = line_kernels<double>();
  std::vector<double> weights_;
  std::vector<const double*> inputs_;
};

/// Pairs before the first and behind the last one that is asked for.
struct LiftingReach {
  int64_t before, behind;
};

/// Positions of the deepest approximation that make a block: long beside what is made twice.
size_t lifted_block(LiftingReach reach, size_t width);
/// How many of the next levels go by in such blocks, of a strip of `width` whose positions, and
/// those of each approximation below it, are `lengths`; 0 where a level is not longer than some
/// blocks.
uint32_t blocked_levels(LiftingReach reach, std::span<const size_t> lengths, size_t width);
/// Pairs from `first` on around a circle: visit(place, count, done) for each stretch of it, `done`
/// of them before.
template <class Visit>
void for_each_arc(int64_t first, size_t pairs, size_t circle, const Visit& visit) {
  const auto around = static_cast<int64_t>(circle);
  for (size_t done = 0; done < pairs;) {
    const int64_t pair = (first + static_cast<int64_t>(done)) % around;
    const auto place = static_cast<size_t>(pair < 0 ? pair + around : pair);
    const size_t count = std::min(pairs - done, circle - place);
    visit(place, count, done);
    done += count;
  }
}

/// Even and odd samples of some pairs of a level, [pair, channel] each.
class LiftedPairs {
 public:
  /// What is there may be lost.
  void make_room(size_t pairs, size_t width);
  double* row(Lifted signal, size_t pair) {
    return samples_[static_cast<size_t>(signal)].data() + pair * width_;
  }
  /// Changes `count` pairs from `first` on.
  void add(const LiftingStep& step, std::span<const double> factors, size_t first, size_t count,
           LiftingSums& sums);

 private:
  size_t width_ = 0;
  std::array<std::vector<double>, 2> samples_;
  std::vector<const double*> others_;
};

class LiftedBlocks {
 public:
  /// As blocked_levels.
  static uint32_t levels_that_pay(const LiftingForm& form, std::span<const size_t> lengths,
                                  size_t width);

  /// `lengths` are those of `x` and of as many levels as `high` has strips, level 1 first.
  LiftedBlocks(const LiftingForm& form, std::span<const size_t> lengths, Strip<const double> x,
               std::span<const Strip<double>> high, Strip<double> low);
  void run();

 private:
  struct Range {
    size_t first, end;
  };
  struct Level {
    LiftedPairs pairs;
    std::vector<double> above;  // the approximation that they come from
    Range own;                  // details that this block writes
  };
  void make(size_t level, Range part, Strip<double> low);
  void split(size_t level, size_t pair, size_t count, size_t to);
  void take(Level& here, const LiftedBand& band, Range part, size_t first, Strip<double> out);

  const LiftingForm& form_;
  std::span<const size_t> lengths_;
  Strip<const double> x_;
  std::span<const Strip<double>> high_;
  Strip<double> low_;
  std::vector<LiftingReach> step_reach_;
  LiftingReach reach_{};  // of a level as a whole, 0 or more
  std::vector<Level> levels_;
  LiftingSums sums_;
};

}  // namespace dendrokv
