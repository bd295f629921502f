#include "gui/lane_state.h"

#include <limits>
#include <numeric>

namespace dendrokv {

std::vector<TokenState> token_states(const Run& run, Layer layer, Lane lane, Step step) {
  const std::vector<uint16_t> level = run.retention.levels(layer, lane, step);
  std::vector<TokenState> states(run.retention.tokens());
  for (size_t p = 0; p < states.size(); ++p) {
    states[p].level = level[p];
    if (p > step.index())
      states[p].place = Place::NotYet;
    else if (!run.retention.kept_after(layer, lane, Position(p), step))
      states[p].place = Place::Evicted;
    else if (p < run.sinks)
      states[p].place = Place::Sink;
    else if (p + run.recent > step.index())
      states[p].place = Place::Recent;
    else
      states[p].place = Place::Tree;
  }
  return states;
}

uint32_t Census::kept() const {
  return std::accumulate(level.begin(), level.end(), sinks + recent);
}

Census census(std::span<const TokenState> states) {
  Census counts;
  for (const TokenState& state : states) {
    switch (state.place) {
      case Place::NotYet:
        ++counts.not_yet;
        break;
      case Place::Evicted:
        ++counts.evicted;
        break;
      case Place::Sink:
        ++counts.sinks;
        break;
      case Place::Recent:
        ++counts.recent;
        break;
      case Place::Tree:
        if (counts.level.size() <= state.level) counts.level.resize(state.level + size_t{1});
        ++counts.level[state.level];
        break;
    }
  }
  return counts;
}

std::vector<LaneId> lanes_of_layer(const Run& run, Layer layer) {
  std::vector<LaneId> lanes;
  for (uint32_t lane = 0; lane < run.retention.lanes(); ++lane)
    lanes.push_back({layer, Lane(lane)});
  return lanes;
}

std::vector<LaneId> all_lanes(const Run& run) {
  std::vector<LaneId> lanes;
  for (uint32_t layer = 0; layer < run.retention.layers(); ++layer)
    for (const LaneId& lane : lanes_of_layer(run, Layer(layer))) lanes.push_back(lane);
  return lanes;
}

std::vector<float> kept_fraction(const Run& run, std::span<const LaneId> lanes, Step step) {
  const size_t tokens = run.retention.tokens();
  std::vector<uint32_t> count(tokens);
  const int32_t now = static_cast<int32_t>(step.value);
  for (const LaneId& id : lanes) {
    const std::span<const int32_t> evicted = run.retention.evict_step(id.layer, id.lane);
    for (size_t p = 0; p < tokens; ++p) count[p] += evicted[p] < 0 || evicted[p] > now;
  }
  std::vector<float> fraction(tokens, std::numeric_limits<float>::quiet_NaN());
  for (size_t p = 0; p < tokens && p <= step.index(); ++p)
    fraction[p] = static_cast<float>(count[p]) / static_cast<float>(lanes.size());
  return fraction;
}

uint32_t lanes_that_keep(const Run& run, Position position, Step step) {
  uint32_t count = 0;
  for (const LaneId& id : all_lanes(run))
    count += run.retention.kept_after(id.layer, id.lane, position, step);
  return count;
}

char place_mark(TokenState state) {
  switch (state.place) {
    case Place::NotYet:
    case Place::Evicted:
      return ' ';
    case Place::Sink:
      return 's';
    case Place::Recent:
      return 'r';
    case Place::Tree:
      return state.level > 9 ? '+' : static_cast<char>('0' + state.level);
  }
  return ' ';
}

}  // namespace dendrokv
