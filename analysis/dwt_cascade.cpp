#include "analysis/dwt_cascade.h"

#include <algorithm>
#include <cstring>

#include "data/error.h"

namespace dendrokv {
namespace {

constexpr size_t kShortest = 1 << 14;  // below, all levels fit a cache
// Processors fetch rows of a few cache lines too late by themselves.
constexpr size_t kRowsAhead = 64;
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
      x_{x.data, x.stride, x.width, x.stores, kRowsAhead},
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
    make_room(level, count);
    low = strip_at(made.window, made.end - made.first);
  }
  runner_.analyse_inner(stages_[level], part, samples, first_sample, low, high_[level]);
  made.next += count;
  made.end += count;
  if (!is_last(level)) keep_head(level);
}

/// The next level has used all but the last few rows of a full window; those move to its start.
template <class Real>
void Cascade<Real>::make_room(size_t level, size_t count) {
  Level& made = levels_[level];
  const size_t rows = made.window.size() / width_, held = made.end - made.first;
  if (held + count <= rows) return;
  const size_t oldest =
      stages_[level + 1].oldest_sample(levels_[level + 1].next, runner_.filter_length());
  const size_t unused = std::min(held, std::max(made.end - std::min(oldest, made.end), kept_));
  std::memmove(made.window.data(), row_of(made.window, held - unused),
               unused * width_ * sizeof(Real));
  made.first += held - unused;
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

/// Coefficients outside of the inner range, from the ends of the level above, which are complete by
/// now.
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
