#include "analysis/lifting_inverse.h"

#include <algorithm>

namespace dendrokv {
namespace {

/// How far each step is undone for one pair of samples, and what is seen before.
struct Reaches {
  std::vector<LiftingReach> steps;
  LiftingReach seen[2];  // of even and odd samples
};

Reaches reaches_of(const LiftingForm& form) {
  Reaches reaches{{}, {{0, 0}, {0, 0}}};
  for (const LiftingStep& step : form.steps) {
    const LiftingReach changed = reaches.seen[static_cast<size_t>(step.changed)];
    LiftingReach& other = reaches.seen[1 - static_cast<size_t>(step.changed)];
    reaches.steps.push_back(changed);
    other.before = std::max(other.before, changed.before - step.first);
    other.behind = std::max(other.behind, changed.behind + step.first + step.count - 1);
  }
  return reaches;
}

LiftingReach both(LiftingReach one, LiftingReach other) {
  return {std::max({one.before, other.before, int64_t{0}}),
          std::max({one.behind, other.behind, int64_t{0}})};
}

size_t sum(size_t count, LiftingReach reach) {
  return static_cast<size_t>(static_cast<int64_t>(count) + reach.before + reach.behind);
}

}  // namespace

uint32_t UnliftedBlocks::levels_that_pay(const LiftingForm& form, std::span<const size_t> lengths,
                                         size_t width) {
  const Reaches reaches = reaches_of(form);
  return blocked_levels(both(reaches.seen[0], reaches.seen[1]), lengths, width);
}

UnliftedBlocks::UnliftedBlocks(const LiftingForm& form, std::span<const size_t> lengths,
                               Strip<const double> low, std::span<const Strip<const double>> high,
                               Strip<double> x)
    : form_(form), lengths_(lengths), low_(low), high_(high), x_(x), levels_(high.size()) {
  for (const double factor : form.factors) undoing_.push_back(-factor);
  Reaches reaches = reaches_of(form);
  step_reach_ = std::move(reaches.steps);
  low_reach_ = reaches.seen[static_cast<size_t>(form.low.signal)];
  high_reach_ = reaches.seen[static_cast<size_t>(form.high.signal)];
  reach_ = both(low_reach_, high_reach_);
}

void UnliftedBlocks::run() {
  const size_t pairs = lengths_[1];
  const size_t block = lifted_block(reach_, x_.width) << (levels_.size() - 1);
  for (size_t first = 0; first < pairs; first += block) {
    const Range own{first, std::min(first + block, pairs)};
    undo(1, own);
    join(levels_[0], std::min(2 * own.end, lengths_[0]) - 2 * own.first,
         {x_.row(2 * own.first), x_.stride, x_.width});
  }
}

/// Leaves pairs `own` of a level, 1 the first, as even and odd samples behind reach_.before others.
void UnliftedBlocks::undo(size_t level, Range own) {
  Level& here = levels_[level - 1];
  const size_t count = own.end - own.first;
  here.pairs.make_room(sum(count, reach_), x_.width);
  put_high(level, own);
  put_low(level, own);
  size_t factor = undoing_.size();
  for (size_t s = form_.steps.size(); s-- > 0;) {
    const LiftingStep& step = form_.steps[s];
    factor -= step.count;
    here.pairs.add(step, {undoing_.data() + factor, step.count},
                   static_cast<size_t>(reach_.before - step_reach_[s].before),
                   sum(count, step_reach_[s]), sums_);
  }
}

/// Samples from pair `to` of the buffers on, out of as many positions of a band.
void UnliftedBlocks::put(Level& here, const LiftedBand& band, size_t to, Strip<const double> from,
                         size_t count) {
  const size_t width = x_.width;
  double* samples = here.pairs.row(band.signal, to);
  if (!from.data) {
    std::fill_n(samples, count * width, 0.0);
    return;
  }
  const double factor = 1 / band.factor;
  if (from.stride == static_cast<ptrdiff_t>(width))
    return sums_.scale(factor, from.data, samples, count * width);
  for (size_t k = 0; k < count; ++k) sums_.scale(factor, from.row(k), samples + k * width, width);
}

/// Of a band, what the steps over pairs `own` see: positions(at, count) gives them.
template <class Positions>
void UnliftedBlocks::put_circle(size_t level, const LiftedBand& band, LiftingReach reach, Range own,
                                const Positions& positions) {
  const auto to = static_cast<size_t>(reach_.before - reach.before);
  const int64_t first = static_cast<int64_t>(own.first) - reach.before - band.offset;
  for_each_arc(first, sum(own.end - own.first, reach), lengths_[level],
               [&](size_t at, size_t count, size_t done) {
                 put(levels_[level - 1], band, to + done, positions(at, count), count);
               });
}

void UnliftedBlocks::put_high(size_t level, Range own) {
  const Strip<const double>& high = high_[level - 1];
  put_circle(level, form_.high, high_reach_, own, [&](size_t at, size_t) {
    return Strip<const double>{high.data ? high.row(at) : nullptr, high.stride, high.width};
  });
}

void UnliftedBlocks::put_low(size_t level, Range own) {
  put_circle(level, form_.low, low_reach_, own,
             [&](size_t at, size_t count) { return restored(level, at, count); });
}

/// Positions of the approximation of a level; valid until the next ones of that level.
Strip<const double> UnliftedBlocks::restored(size_t level, size_t position, size_t count) {
  if (level == levels_.size())
    return {low_.data ? low_.row(position) : nullptr, low_.stride, low_.width};
  Level& below = levels_[level];
  const Range own{position / 2, (position + count + 1) / 2};
  const size_t width = x_.width, positions = 2 * (own.end - own.first);
  undo(level + 1, own);
  if (below.restored.size() < positions * width) below.restored.resize(positions * width);
  join(below, positions, {below.restored.data(), static_cast<ptrdiff_t>(width), width});
  return {below.restored.data() + position % 2 * width, static_cast<ptrdiff_t>(width), width};
}

void UnliftedBlocks::join(Level& here, size_t positions, Strip<double> x) {
  const auto before = static_cast<size_t>(reach_.before);
  const double* rows[2] = {here.pairs.row(Lifted::Even, before),
                           here.pairs.row(Lifted::Odd, before)};
  if (x.is_line()) {
    line_kernels<double>().join(rows[0], rows[1], positions / 2, x.data);
    if (positions % 2 != 0) *x.row(positions - 1) = rows[0][positions / 2];
    return;
  }
  for (size_t p = 0; p < positions; ++p)
    std::copy_n(rows[p % 2] + p / 2 * x.width, x.width, x.row(p));
}

}  // namespace dendrokv
