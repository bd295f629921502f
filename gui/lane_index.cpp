#include "gui/lane_index.h"

#include <bit>
#include <limits>

namespace dendrokv {
namespace {

constexpr uint32_t kShortestStride = 256;
/// Steps between two lists, for each position that is kept at most: a list is then as long as a
/// quarter of the steps that it serves.
constexpr uint32_t kStepsPerKept = 4;

/// The most positions that were in the lane at once.
uint32_t most_kept(std::span<const int32_t> evict_step) {
  std::vector<uint32_t> left(evict_step.size());
  for (const int32_t step : evict_step)
    if (step >= 0) ++left[static_cast<size_t>(step)];
  uint32_t kept = 0, most = 0;
  for (const uint32_t leaving : left) {
    most = std::max(most, ++kept);
    kept -= std::min(kept, leaving);
  }
  return most;
}

/// Positions that left, in the order of their steps, those of one step in time order.
std::vector<uint32_t> in_order_of_departure(std::span<const int32_t> evict_step) {
  std::vector<uint32_t> next(evict_step.size() + 1);
  for (const int32_t step : evict_step)
    if (step >= 0) ++next[static_cast<size_t>(step) + 1];
  for (size_t step = 0; step < evict_step.size(); ++step) next[step + 1] += next[step];
  std::vector<uint32_t> order(next.back());
  for (size_t p = 0; p < evict_step.size(); ++p)
    if (evict_step[p] >= 0)
      order[next[static_cast<size_t>(evict_step[p])]++] = static_cast<uint32_t>(p);
  return order;
}

}  // namespace

LaneIndex::LaneIndex(std::span<const int32_t> evict_step, std::span<const int32_t> rival)
    : evict_step_(evict_step) {
  index_rivals(rival);
  list_kept();
}

void LaneIndex::index_rivals(std::span<const int32_t> rival) {
  const size_t tokens = rival.size();
  std::vector<uint32_t> next(tokens + 1);
  for (const int32_t winner : rival)
    if (winner >= 0) ++next[static_cast<size_t>(winner) + 1];
  for (size_t p = 0; p < tokens; ++p) next[p + 1] += next[p];
  uint32_t longest = 0;
  for (size_t p = 0; p <= tokens; ++p)
    longest = std::max(longest, next[p] - next[p / kBlock * kBlock]);
  start_in_block_ = PackedNumbers(tokens + 1, longest);
  for (size_t p = 0; p <= tokens; ++p) {
    if (p % kBlock == 0) block_start_.push_back(next[p]);
    start_in_block_.set(p, next[p] - block_start_.back());
  }
  outlived_ = PackedNumbers(next.back(), static_cast<uint32_t>(tokens));
  for (const uint32_t loser : in_order_of_departure(evict_step_))
    if (rival[loser] >= 0) outlived_.set(next[static_cast<size_t>(rival[loser])]++, loser);
}

void LaneIndex::list_kept() {
  const size_t tokens = evict_step_.size();
  stride_ = std::max<uint32_t>(
      kShortestStride, std::min<uint32_t>(most_kept(evict_step_), 1u << 28) * kStepsPerKept);
  list_start_.push_back(0);
  std::vector<uint32_t> kept, listed;
  uint32_t next = 0;
  for (size_t step = 0; step < std::max<size_t>(tokens, 1); step += stride_) {
    while (next <= step && next < tokens) kept.push_back(next++);
    std::erase_if(kept, [&](uint32_t p) { return !stays(p, static_cast<int32_t>(step)); });
    listed.insert(listed.end(), kept.begin(), kept.end());
    list_start_.push_back(static_cast<uint32_t>(listed.size()));
  }
  listed_ = PackedNumbers(listed.size(), static_cast<uint32_t>(tokens));
  for (size_t i = 0; i < listed.size(); ++i) listed_.set(i, listed[i]);
}

IndexRange LaneIndex::rivals_gone(uint32_t position, int32_t step) const {
  const size_t first = rivals_from(position);
  size_t at = first;
  for (size_t rest = rivals_from(position + 1) - first; rest > 0;) {
    const size_t half = rest / 2;
    const bool gone = evict_step_[outlived_[at + half]] <= step;
    at += gone ? half + 1 : 0;
    rest = gone ? rest - half - 1 : half;
  }
  return {first, at - first};
}

uint16_t LaneIndex::level(Position position, Step step) const {
  const size_t beaten = rivals_gone(position.value, static_cast<int32_t>(step.value)).count;
  return static_cast<uint16_t>(std::min<size_t>(beaten, std::numeric_limits<uint16_t>::max()));
}

std::vector<Position> LaneIndex::outlived(Position position, Step step) const {
  const IndexRange gone = rivals_gone(position.value, static_cast<int32_t>(step.value));
  std::vector<Position> beaten;
  for (size_t i = 0; i < gone.count; ++i) beaten.emplace_back(outlived_[gone.first + i]);
  return beaten;
}

// Whom a position has outlived by a step had left before it: all of their own rivals had left by
// then as well.
std::vector<Position> LaneIndex::descendants(Position position, Step step) const {
  const auto now = static_cast<int32_t>(step.value);
  std::vector<uint32_t> found, open = {position.value};
  while (!open.empty()) {
    const uint32_t at = open.back();
    open.pop_back();
    const IndexRange gone = rivals_gone(at, now);
    for (size_t i = 0; i < gone.count; ++i) {
      found.push_back(outlived_[gone.first + i]);
      open.push_back(found.back());
    }
  }
  if (found.empty()) return {};
  // Sorted by marks: a subtree lies close together.
  const auto [least, largest] = std::ranges::minmax(found);
  std::vector<uint64_t> marks((largest - least) / 64 + 1);
  for (const uint32_t one : found) marks[(one - least) / 64] |= uint64_t{1} << ((one - least) % 64);
  std::vector<Position> sorted;
  sorted.reserve(found.size());
  for (size_t word = 0; word < marks.size(); ++word)
    for (uint64_t bits = marks[word]; bits != 0; bits &= bits - 1)
      sorted.emplace_back(least + word * 64 + static_cast<size_t>(std::countr_zero(bits)));
  return sorted;
}

size_t LaneIndex::bytes() const {
  return 4 * (list_start_.size() + block_start_.size()) + listed_.bytes() +
         start_in_block_.bytes() + outlived_.bytes();
}

}  // namespace dendrokv
