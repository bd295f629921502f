#include "gui/run_index.h"

#include <cmath>
#include <limits>

namespace dendrokv {
namespace {

constexpr float kNothing = std::numeric_limits<float>::quiet_NaN();

}  // namespace

RunIndex::RunIndex(const Run& run)
    : run_(run), lanes_(size_t{run.retention.layers()} * run.retention.lanes()) {}

RunIndex::~RunIndex() {
  for (const std::atomic<const LaneIndex*>& lane : lanes_) delete lane.load();
}

const LaneIndex& RunIndex::lane(LaneId id) const {
  std::atomic<const LaneIndex*>& place =
      lanes_[id.layer.index() * run_.retention.lanes() + id.lane.index()];
  if (const LaneIndex* const known = place.load(std::memory_order_acquire)) return *known;
  const std::optional<LaneDuels> stored = run_.retention.stored_duels(id.layer, id.lane);
  auto made = std::make_unique<const LaneIndex>(
      run_.retention.evict_step(id.layer, id.lane),
      stored ? std::span<const int32_t>(stored->rival) : run_.retention.rival(id.layer, id.lane));
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

RunIndex::Standing RunIndex::standing(LaneId id, Step step) const {
  const LaneIndex& index = lane(id);
  const uint32_t tokens = run_.retention.tokens();
  const uint32_t read = std::min(tokens, step.value + 1);
  Standing found;
  Census& counts = found.counts;
  index.for_each_kept({0, read}, step, [&](Position position) {
    const Place standing = place(position, step);
    counts.sinks += standing == Place::Sink;
    counts.recent += standing == Place::Recent;
    if (standing != Place::Tree) return;
    const uint16_t level = index.level(position, step);
    if (counts.level.size() <= level) counts.level.resize(level + size_t{1});
    ++counts.level[level];
    if (!found.oldest_in_tree) found.oldest_in_tree = position;
  });
  counts.not_yet = tokens - read;
  counts.evicted = read - counts.kept();
  return found;
}

std::vector<uint32_t> positions_by_keepers(const RunIndex& index, std::span<const LaneId> lanes,
                                           Step step) {
  const size_t read = std::min<size_t>(index.run().retention.tokens(), step.index() + 1);
  std::vector<uint32_t> keepers(read), positions(lanes.size() + 1);
  for (const LaneId& id : lanes)
    index.lane(id).for_each_kept({0, read}, step,
                                 [&](Position position) { ++keepers[position.index()]; });
  for (const uint32_t count : keepers) ++positions[count];
  return positions;
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
    const size_t end =
        std::min({begin + factor, positions.first + positions.count, step.index() + 1});
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
