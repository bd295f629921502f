#include "analysis/lifting_blocks.h"

#include <algorithm>

namespace dendrokv {
namespace {

/// How far each step has to go for one pair of both bands, and what all of them see.
LiftingReach reach_of(const LiftingForm& form, std::vector<LiftingReach>& steps) {
  constexpr int64_t kNone = INT64_MIN / 4;
  LiftingReach wanted[2] = {{kNone, kNone}, {kNone, kNone}};
  for (const LiftedBand& band : {form.low, form.high})
    wanted[static_cast<size_t>(band.signal)] = {-band.offset, band.offset};
  steps.resize(form.steps.size());
  for (size_t s = form.steps.size(); s-- > 0;) {
    const LiftingStep& step = form.steps[s];
    const LiftingReach changed = wanted[static_cast<size_t>(step.changed)];
    LiftingReach& other = wanted[1 - static_cast<size_t>(step.changed)];
    steps[s] = changed;
    other.before = std::max(other.before, changed.before - step.first);
    other.behind = std::max(other.behind, changed.behind + step.first + step.count - 1);
  }
  return {std::max({wanted[0].before, wanted[1].before, int64_t{0}}),
          std::max({wanted[0].behind, wanted[1].behind, int64_t{0}})};
}

}  // namespace

void LiftingSums::add(std::span<const double> factors, const double* const* others, double* changed,
                      size_t count) {
  weights_.assign(1, 1.0);
  weights_.insert(weights_.end(), factors.begin(), factors.end());
  inputs_.assign(1, changed);
  inputs_.insert(inputs_.end(), others, others + factors.size());
  kernels_.combine({inputs_.data(), inputs_.size()}, weights_.data(), {count}, changed);
}

void LiftingSums::scale(double factor, const double* from, double* to, size_t count) {
  kernels_.combine({&from, 1}, &factor, {count}, to);
}

size_t lifted_block(LiftingReach reach, size_t width) {
  return std::max(std::max<size_t>(256 / width, 16),
                  16 * static_cast<size_t>(reach.before + reach.behind));
}

uint32_t blocked_levels(LiftingReach reach, std::span<const size_t> lengths, size_t width) {
  constexpr uint32_t kMost = 4;
  constexpr size_t kStaysInCache = size_t{1} << 19;  // bytes of the first level's pairs
  const size_t block = lifted_block(reach, width);
  uint32_t levels = 0;
  while (levels < kMost && levels + 1 < lengths.size() && lengths[levels + 1] >= 4 * block &&
         (levels == 0 || (block << (levels + 1)) * width * sizeof(double) <= kStaysInCache))
    ++levels;
  return levels;
}

void LiftedPairs::make_room(size_t pairs, size_t width) {
  width_ = width;
  for (std::vector<double>& samples : samples_)
    if (samples.size() < pairs * width) samples.resize(pairs * width);
}

void LiftedPairs::add(const LiftingStep& step, std::span<const double> factors, size_t first,
                      size_t count, LiftingSums& sums) {
  const Lifted other = step.changed == Lifted::Even ? Lifted::Odd : Lifted::Even;
  others_.clear();
  for (uint32_t i = 0; i < step.count; ++i)
    others_.push_back(row(other, 0) + (static_cast<ptrdiff_t>(first) + step.first + i) *
                                          static_cast<ptrdiff_t>(width_));
  sums.add(factors, others_.data(), row(step.changed, first), count * width_);
}

uint32_t LiftedBlocks::levels_that_pay(const LiftingForm& form, std::span<const size_t> lengths,
                                       size_t width) {
  std::vector<LiftingReach> steps;
  return blocked_levels(reach_of(form, steps), lengths, width);
}

LiftedBlocks::LiftedBlocks(const LiftingForm& form, std::span<const size_t> lengths,
                           Strip<const double> x, std::span<const Strip<double>> high,
                           Strip<double> low)
    : form_(form),
      lengths_(lengths),
      x_(x),
      high_(high),
      low_(low),
      reach_(reach_of(form, step_reach_)),
      levels_(high.size()) {}

void LiftedBlocks::run() {
  const size_t deepest = levels_.size(), length = lengths_[deepest];
  const size_t block = lifted_block(reach_, x_.width);
  for (size_t first = 0; first < length; first += block) {
    Range part{first, std::min(first + block, length)};
    const Strip<double> low{low_.row(first), low_.stride, low_.width};
    levels_.back().own = part;
    for (size_t level = deepest; level-- > 1;) {
      const Range below = levels_[level].own;
      levels_[level - 1].own = {2 * below.first, std::min(2 * below.end, lengths_[level])};
    }
    make(deepest, part, low);
  }
}

/// Positions `part` of the approximation of `level`, 1 the first, and those of its own details that
/// come with them.
void LiftedBlocks::make(size_t level, Range part, Strip<double> low) {
  Level& here = levels_[level - 1];
  const size_t width = x_.width, circle = lengths_[level];
  const int64_t first = static_cast<int64_t>(part.first) - reach_.before;
  const auto pairs = static_cast<size_t>(static_cast<int64_t>(part.end) + reach_.behind - first);
  here.pairs.make_room(pairs, width);
  for_each_arc(first, pairs, circle,
               [&](size_t pair, size_t count, size_t done) { split(level, pair, count, done); });
  const double* factor = form_.factors.data();
  for (size_t s = 0; s < form_.steps.size(); ++s) {
    const LiftingStep& step = form_.steps[s];
    const LiftingReach reach = step_reach_[s];
    here.pairs.add(step, {factor, step.count}, static_cast<size_t>(reach_.before - reach.before),
                   static_cast<size_t>(static_cast<int64_t>(part.end - part.first) + reach.before +
                                       reach.behind),
                   sums_);
    factor += step.count;
  }
  take(here, form_.low, part, part.first, low);
  const Range own{std::max(part.first, here.own.first), std::min(part.end, here.own.end)};
  const Strip<double>& high = high_[level - 1];
  if (own.first < own.end)
    take(here, form_.high, own, part.first, {high.row(own.first), high.stride, high.width});
}

/// Even and odd samples of `count` pairs of the circle from `pair` on, which go to pair `to`. An
/// odd signal repeats its last sample.
void LiftedBlocks::split(size_t level, size_t pair, size_t count, size_t to) {
  Level& here = levels_[level - 1];
  const size_t width = x_.width;
  const Range seen{2 * pair, std::min(2 * (pair + count), lengths_[level - 1])};
  const size_t samples = seen.end - seen.first;
  Strip<const double> from{x_.row(seen.first), x_.stride, width};
  if (level > 1) {
    if (here.above.size() < samples * width) here.above.resize(samples * width);
    const Strip<double> above{here.above.data(), static_cast<ptrdiff_t>(width), width};
    make(level - 1, seen, above);
    from = above;
  }
  double* rows[2] = {here.pairs.row(Lifted::Even, to), here.pairs.row(Lifted::Odd, to)};
  if (from.is_line()) {
    line_kernels<double>().split(from.data, samples / 2, rows[0], rows[1]);
    if (samples % 2 != 0) rows[0][count - 1] = rows[1][count - 1] = from.data[samples - 1];
    return;
  }
  for (size_t p = 0; p < 2 * count; ++p)
    std::copy_n(from.row(std::min(p, samples - 1)), width, rows[p % 2] + p / 2 * width);
}

/// Positions `part` of a band, of pairs that begin reach_.before ahead of `first`.
void LiftedBlocks::take(Level& here, const LiftedBand& band, Range part, size_t first,
                        Strip<double> out) {
  const size_t width = x_.width, count = part.end - part.first;
  const int64_t pair = static_cast<int64_t>(part.first - first) + reach_.before + band.offset;
  const double* from = here.pairs.row(band.signal, static_cast<size_t>(pair));
  if (out.stride == static_cast<ptrdiff_t>(width))
    return sums_.scale(band.factor, from, out.data, count * width);
  for (size_t k = 0; k < count; ++k) sums_.scale(band.factor, from + k * width, out.row(k), width);
}

}  // namespace dendrokv
