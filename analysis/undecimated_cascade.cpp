#include "analysis/undecimated_cascade.h"

#include <cstring>

#include "data/error.h"

namespace dendrokv {
namespace {

constexpr size_t kBlockElements = 8192;          // of a level that are made at a time
constexpr size_t kFitsACache = size_t{1} << 18;  // bytes of a level

/// Of a line in a cache line. Windows start with such a position, so that most views are aligned.
template <class Real>
constexpr int64_t kPositions = 64 / sizeof(Real);

struct Reach {
  int64_t back, ahead;
};

Reach reach_of(const UndecimatedFilters& filters, int64_t spacing) {
  const int64_t newest = filters.offset(0), oldest = filters.offset(filters.low.size() - 1);
  return {spacing * std::max<int64_t>(-std::min(newest, oldest), 0),
          spacing * std::max<int64_t>(std::max(newest, oldest), 0)};
}

}  // namespace

bool undecimated_cascade_pays(const UndecimatedFilters& filters, std::span<const int64_t> spacings,
                              size_t positions, size_t row_bytes) {
  if (spacings.size() < 2 || positions * row_bytes < kFitsACache) return false;
  int64_t twice = 0;
  for (const int64_t spacing : spacings) {
    const Reach reach = reach_of(filters, spacing);
    twice += reach.back + reach.ahead;
    if (4 * twice > static_cast<int64_t>(positions)) return false;
  }
  return true;
}

template <class Real>
UndecimatedCascade<Real>::UndecimatedCascade(const UndecimatedFilters& filters,
                                             std::span<const int64_t> spacings,
                                             Circle<const Real> x,
                                             std::span<const Circle<Real>> high,
                                             std::span<const Circle<Real>> low)
    : runner_(filters),
      spacings_(spacings),
      x_(x),
      block_(std::max<int64_t>(static_cast<int64_t>(kBlockElements / x.rows.width), 16)),
      levels_(spacings.size()) {
  PositionRange wanted{0, x.size};
  for (size_t level = levels_.size(); level-- > 0;) {
    const Reach reach = reach_of(filters, spacings[level]);
    levels_[level] = {reach.back, reach.ahead, wanted, wanted.first, low[level], high[level]};
    wanted = {wanted.first - reach.back, wanted.end + reach.ahead};
  }
  make_windows();
}

/// For smooths that the caller does not want. Rows that move once have made room for as many new
/// ones, or for four blocks.
template <class Real>
void UndecimatedCascade<Real>::make_windows() {
  constexpr size_t kLine = 64 / sizeof(Real);
  const size_t width = x_.rows.width;
  const auto elements = [&](const Level& made) {
    return (static_cast<size_t>(made.low.size) * width + kLine - 1) / kLine * kLine;
  };
  size_t total = kLine;
  for (size_t level = 0; level + 1 < levels_.size(); ++level) {
    Level& made = levels_[level];
    if (made.low.rows.data) continue;
    const int64_t seen = levels_[level + 1].back + levels_[level + 1].ahead;
    made.own = true;
    made.low.size = seen + block_ + std::max(seen, 4 * block_) + 2 * kPositions<Real>;
    made.low.origin = made.all.first & -kPositions<Real>;
    total += elements(made);
  }
  memory_ = std::make_unique_for_overwrite<Real[]>(total);
  const size_t beyond = reinterpret_cast<size_t>(memory_.get()) % 64;
  Real* next = memory_.get() + (beyond == 0 ? 0 : (64 - beyond) / sizeof(Real));
  for (Level& made : levels_) {
    if (!made.own) continue;
    made.low.rows = {next, static_cast<ptrdiff_t>(width), width};
    next += elements(made);
  }
}

template <class Real>
void UndecimatedCascade<Real>::run() {
  while (levels_.back().next < levels_.back().all.end) {
    make(0, levels_[0].next + block_);
    for (size_t level = 1; level < levels_.size(); ++level)
      make(level, levels_[level - 1].next - levels_[level].ahead);
  }
}

/// Positions up to `end`; details of those on the circle proper. Parts of a line end with a cache
/// line: one that is written half past the caches and half through them costs more than all the
/// rest.
template <class Real>
void UndecimatedCascade<Real>::make(size_t level, int64_t end) {
  Level& made = levels_[level];
  end = end < made.all.end ? end & -kPositions<Real> : made.all.end;
  if (made.own && end > made.low.origin + made.low.size) slide(level, end);
  const Circle<const Real> above = level == 0 ? x_ : levels_[level - 1].low;
  const auto part = [&](int64_t stop, Circle<Real> high) {
    stop = std::min(stop, end);
    if (made.next >= stop) return;
    runner_.analyse(above, spacings_[level], {made.next, stop}, made.low, high);
    made.next = stop;
  };
  part(0, {});
  part(x_.size, made.high);
  part(end, {});
}

/// The rows that the next level still sees go to the start of the window.
template <class Real>
void UndecimatedCascade<Real>::slide(size_t level, int64_t end) {
  Level& made = levels_[level];
  const int64_t seen =
      std::min(levels_[level + 1].next - levels_[level + 1].back, made.next) & -kPositions<Real>;
  const auto count = static_cast<size_t>(made.next - seen);
  std::memmove(made.low.rows.data, made.low.row(seen), count * made.low.rows.width * sizeof(Real));
  made.low.origin = seen;
  DENDROKV_ASSERT(end <= seen + made.low.size);
}

template class UndecimatedCascade<float>;
template class UndecimatedCascade<double>;

}  // namespace dendrokv
