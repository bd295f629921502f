#include "gui/run_index.h"

#include <cmath>
#include <limits>

namespace dendrokv {
namespace {

constexpr uint32_t kShortestStride = 256;
constexpr float kNothing = std::numeric_limits<float>::quiet_NaN();

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

}  // namespace

LaneIndex::LaneIndex(std::span<const int32_t> evict_step, std::span<const int32_t> rival)
    : evict_step_(evict_step) {
  index_rivals(rival);
  list_kept();
}

void LaneIndex::index_rivals(std::span<const int32_t> rival) {
  beaten_start_.assign(rival.size() + 1, 0);
  for (const int32_t winner : rival)
    if (winner >= 0) ++beaten_start_[static_cast<size_t>(winner) + 1];
  for (size_t p = 0; p < rival.size(); ++p) beaten_start_[p + 1] += beaten_start_[p];
  beaten_step_.resize(beaten_start_.back());
  std::vector<uint32_t> next(beaten_start_.begin(), beaten_start_.end() - 1);
  for (size_t p = 0; p < rival.size(); ++p)
    if (rival[p] >= 0) beaten_step_[next[static_cast<size_t>(rival[p])]++] = evict_step_[p];
  for (size_t p = 0; p < rival.size(); ++p)
    if (beaten_start_[p + 1] > beaten_start_[p] + 1)
      std::sort(beaten_step_.begin() + beaten_start_[p],
                beaten_step_.begin() + beaten_start_[p + 1]);
}

// As many steps apart as positions are kept at most: all lists together are about as long as the text.
void LaneIndex::list_kept() {
  const size_t tokens = evict_step_.size();
  stride_ = std::max(kShortestStride, most_kept(evict_step_));
  list_start_.push_back(0);
  std::vector<uint32_t> kept;
  uint32_t next = 0;
  for (size_t step = 0; step < std::max<size_t>(tokens, 1); step += stride_) {
    while (next <= step && next < tokens) kept.push_back(next++);
    std::erase_if(kept, [&](uint32_t p) { return !stays(p, static_cast<int32_t>(step)); });
    listed_.insert(listed_.end(), kept.begin(), kept.end());
    list_start_.push_back(static_cast<uint32_t>(listed_.size()));
  }
}

uint16_t LaneIndex::level(Position position, Step step) const {
  const auto from = beaten_step_.begin() + beaten_start_[position.index()];
  const auto to = beaten_step_.begin() + beaten_start_[position.index() + 1];
  const auto now = static_cast<int32_t>(step.value);
  const auto beaten = std::upper_bound(from, to, now) - from;
  return static_cast<uint16_t>(
      std::min<ptrdiff_t>(beaten, std::numeric_limits<uint16_t>::max()));
}

size_t LaneIndex::bytes() const {
  return 4 * (list_start_.size() + listed_.size() + beaten_start_.size() + beaten_step_.size());
}

RunIndex::RunIndex(const Run& run)
    : run_(run), lanes_(size_t{run.retention.layers()} * run.retention.lanes()) {}

RunIndex::~RunIndex() {
  for (const std::atomic<const LaneIndex*>& lane : lanes_) delete lane.load();
}

const LaneIndex& RunIndex::lane(LaneId id) const {
  std::atomic<const LaneIndex*>& place =
      lanes_[id.layer.index() * run_.retention.lanes() + id.lane.index()];
  if (const LaneIndex* const known = place.load(std::memory_order_acquire)) return *known;
  auto made = std::make_unique<const LaneIndex>(run_.retention.evict_step(id.layer, id.lane),
                                                run_.retention.rival(id.layer, id.lane));
  // Two threads may make the same one: the first to be done stays.
  const LaneIndex* first = nullptr;
  if (place.compare_exchange_strong(first, made.get(), std::memory_order_acq_rel))
    return *made.release();
  return *first;
}

Place RunIndex::place(Position position, Step step) const {
  if (position.value < run_.sinks) return Place::Sink;
  return position.value + uint64_t{run_.recent} > step.value ? Place::Recent : Place::Tree;
}

TokenState RunIndex::state(LaneId id, Position position, Step step) const {
  const LaneIndex& index = lane(id);
  TokenState state{Place::NotYet, index.level(position, step)};
  if (position.value > step.value) return state;
  state.place = index.kept(position, step) ? place(position, step) : Place::Evicted;
  return state;
}

std::vector<TokenState> RunIndex::states(LaneId id, IndexRange positions, Step step) const {
  const LaneIndex& index = lane(id);
  std::vector<TokenState> states(positions.count);
  for (size_t i = 0; i < states.size(); ++i) {
    const Position position(positions.first + i);
    states[i].level = index.level(position, step);
    if (position.value > step.value) continue;
    states[i].place = index.kept(position, step) ? place(position, step) : Place::Evicted;
  }
  return states;
}

std::shared_ptr<const std::vector<TokenState>> RunIndex::all_states(LaneId id, Step step) const {
  const std::lock_guard lock(mutex_);
  if (!last_states_ || last_lane_ != id || last_step_ != step) {
    last_states_ = std::make_shared<const std::vector<TokenState>>(
        token_states(run_, id.layer, id.lane, step));
    last_lane_ = id;
    last_step_ = step;
  }
  return last_states_;
}

Overlay overlay(const RunIndex& index, std::span<const LaneId> lanes, IndexRange positions,
                size_t factor, Step step) {
  const size_t columns = (positions.count + factor - 1) / factor;
  std::vector<uint32_t> kept(columns), levels(columns);
  const auto first = static_cast<uint32_t>(positions.first);
  const auto width = static_cast<uint32_t>(factor);
  for (const LaneId& id : lanes) {
    const LaneIndex& lane = index.lane(id);
    lane.for_each_kept(positions, step, [&](Position position) {
      const uint32_t column = (position.value - first) / width;
      ++kept[column];
      levels[column] += lane.level(position, step);
    });
  }
  Overlay found{std::vector<float>(columns, kNothing), std::vector<float>(columns, kNothing)};
  for (size_t column = 0; column < columns; ++column) {
    const size_t begin = positions.first + column * factor;
    const size_t end = std::min({begin + factor, positions.first + positions.count,
                                 step.index() + 1});
    if (end <= begin) continue;
    const auto read = static_cast<float>((end - begin) * lanes.size());
    found.kept_fraction[column] = static_cast<float>(kept[column]) / read;
    if (kept[column] > 0)
      found.mean_level[column] =
          static_cast<float>(levels[column]) / static_cast<float>(kept[column]);
  }
  return found;
}

}  // namespace dendrokv
