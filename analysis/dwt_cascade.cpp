#include "analysis/dwt_cascade.h"

#include <algorithm>
#include <cstring>

#include "data/error.h"

namespace dendrokv {
namespace {

constexpr size_t kShortest = 1 << 14;     // below, all levels fit a cache
constexpr size_t kBlockElements = 2048;  // of a level's approximation that are made at a time

}  // namespace

uint32_t cascade_levels(size_t filter_length, size_t positions, uint32_t levels) {
  uint32_t count = 0;
  while (count < levels && positions >= std::max(kShortest, 64 * filter_length)) {
    ++count;
    positions /= 2;
  }
  return count;
}

template <class Real>
Cascade<Real>::Cascade(std::span<const Dwt::Stage> stages, StageRunner<Real>& runner,
                       Strip<const Real> x, std::span<const Strip<Real>> high, Strip<Real> low)
    : stages_(stages),
      runner_(runner),
      x_(x),
      high_(high),
      low_(low),
      width_(x.width),
      block_(std::max<size_t>(kBlockElements / x.width, 16)),
      kept_(3 * runner.filter_length() + 8),
      levels_(stages.size()) {
  for (size_t level = 0; level < levels_.size(); ++level) {
    Level& made = levels_[level];
    made.next = made.first = made.end = stages_[level].inner_first;
    if (is_last(level)) continue;
    made.window.resize((4 * block_ + 2 * kept_) * width_);
    made.head_end = stages_[level].inner_first + kept_;
    made.tail_first = stages_[level].inner_end - kept_;
    made.head.resize(made.head_end * width_);
    made.tail.resize((stages_[level].output - made.tail_first) * width_);
  }
}

template <class Real>
void Cascade<Real>::run() {
  while (levels_[0].next < stages_[0].inner_end) {
    const size_t count = std::min(block_, stages_[0].inner_end - levels_[0].next);
    make(0, count);
    for (size_t level = 1; level < levels_.size(); ++level)
      advance(level, levels_[level - 1].end, levels_[0].next == stages_[0].inner_end);
  }
  for (size_t level = 0; level < levels_.size(); ++level) {
    if (!is_last(level)) keep_tail(level);
    finish_ends(level);
  }
}

/// Whole blocks, so that the kernels have long runs; the rest at the end.
template <class Real>
void Cascade<Real>::advance(size_t level, size_t end_of_samples, bool flush) {
  const auto last = static_cast<int64_t>(end_of_samples) - 1 - stages_[level].analysis_shift;
  const size_t reachable = last < 0 ? 0 : static_cast<size_t>(last / 2 + 1);
  const size_t end = std::min(reachable, stages_[level].inner_end);
  while (levels_[level].next < end) {
    const size_t count = std::min(block_ / 2, end - levels_[level].next);
    if (count < block_ / 2 && !flush) return;
    make(level, count);
  }
}

template <class Real>
void Cascade<Real>::make(size_t level, size_t count) {
  Level& made = levels_[level];
  const IndexRange part{made.next, count};
  Strip<const Real> samples = x_;
  size_t first_sample = 0;
  if (level > 0) {
    samples = strip_at(levels_[level - 1].window, 0);
    first_sample = levels_[level - 1].first;
  }
  Strip<Real> low = low_;
  if (is_last(level)) {
    low.data = low_.row(part.first);
  } else {
    make_room(made, count);
    low = strip_at(made.window, made.end - made.first);
  }
  if (level == 0)
    make_from_memory(part, low);
  else
    runner_.analyse_inner(stages_[level], part, samples, first_sample, low, high_[level]);
  made.next += count;
  made.end += count;
  if (!is_last(level)) keep_head(level);
}

/// Memory delivers what comes next while the kernels work: processors fetch rows of a few cache lines too late by themselves, and a line that
/// is written only when it is.
template <class Real>
void Cascade<Real>::make_from_memory(IndexRange part, Strip<Real> low) {
  const size_t at_a_time = width_ == 1 ? 512 : 8, ahead = width_ == 1 ? 2048 : 32;
  for (size_t done = 0; done < part.count; done += at_a_time) {
    const IndexRange few{part.first + done, std::min(at_a_time, part.count - done)};
    const size_t first = std::min(2 * few.first + ahead, stages_[0].input);
    fetch(first, std::min(first + 2 * at_a_time, stages_[0].input));
    Strip<Real> rows = low;
    rows.data = low.row(done);
    runner_.analyse_inner(stages_[0], few, x_, 0, rows, high_[0]);
  }
}

template <class Real>
__attribute__((always_inline)) inline void Cascade<Real>::fetch(size_t first, size_t end) const {
  constexpr size_t kLine = 64 / sizeof(Real);
  if (width_ == 1) {
    for (size_t row = first; row < end; row += kLine) __builtin_prefetch(x_.row(row));
    if (high_[0].is_line())
      for (size_t k = first / 2; k < std::min(end / 2, stages_[0].output); k += kLine) __builtin_prefetch(high_[0].row(k), 1);
    return;
  }
  for (size_t row = first; row < end; ++row)
    for (size_t c = 0; c < width_; c += kLine) __builtin_prefetch(x_.row(row) + c);
}

/// The next level has used all but the last few rows of a full window; those move to its start.
template <class Real>
void Cascade<Real>::make_room(Level& level, size_t count) {
  const size_t rows = level.window.size() / width_, held = level.end - level.first;
  if (held + count <= rows) return;
  const size_t unused = block_ + 2 * kept_;  // at most
  const size_t dropped = held - unused;
  std::memmove(level.window.data(), row_of(level.window, held - unused),
               unused * width_ * sizeof(Real));
  level.first += dropped;
}

template <class Real>
void Cascade<Real>::keep_head(size_t level) {
  Level& made = levels_[level];
  const size_t from = std::max(made.first, stages_[level].inner_first);
  if (from != stages_[level].inner_first || from >= made.head_end) return;
  const size_t end = std::min(made.end, made.head_end);
  std::copy_n(row_of(made.window, from - made.first), (end - from) * width_,
              row_of(made.head, from));
}

template <class Real>
void Cascade<Real>::keep_tail(size_t level) {
  Level& made = levels_[level];
  DENDROKV_ASSERT(made.first <= made.tail_first && made.end == stages_[level].inner_end);
  std::copy_n(row_of(made.window, made.tail_first - made.first), kept_ * width_,
              row_of(made.tail, 0));
}

/// Coefficients outside of the inner range, from the ends of the level above, which are complete by now.
template <class Real>
void Cascade<Real>::finish_ends(size_t level) {
  const auto sample_row = [&](size_t sample) -> const Real* {
    if (level == 0) return x_.row(sample);
    Level& above = levels_[level - 1];
    if (sample < above.head_end) return row_of(above.head, sample);
    DENDROKV_ASSERT(sample >= above.tail_first);
    return row_of(above.tail, sample - above.tail_first);
  };
  const Dwt::Stage& stage = stages_[level];
  const auto low_row = [&](size_t k) {
    Level& made = levels_[level];
    if (is_last(level)) return low_.row(k);
    return k < stage.inner_first ? row_of(made.head, k) : row_of(made.tail, k - made.tail_first);
  };
  runner_.analyse_edges(stage, sample_row, low_row, high_[level]);
}

template class Cascade<float>;
template class Cascade<double>;

}  // namespace dendrokv
