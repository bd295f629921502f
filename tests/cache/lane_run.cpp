#include "tests/cache/lane_run.h"

#include <algorithm>
#include <limits>
#include <map>
#include <memory>
#include <utility>

#include "cache/lane_inputs.h"

namespace dendrokv::testing {

std::string LaneRun::cache() const {
  return join(table.positions());
}

std::string LaneRun::levels() const {
  std::map<int32_t, int> beaten;
  for (const Eviction& eviction : all) ++beaten[eviction.rival];
  std::string text;
  for (const Position position : table.positions())
    text +=
        (text.empty() ? "" : " ") + std::to_string(beaten[static_cast<int32_t>(position.value)]);
  return text;
}

LaneRun run_lane(const PolicyChoice& choice, uint32_t tokens, const RowWeights& weights,
                 const std::function<void(Step, const LaneRun&)>& after, const LanePlace& place,
                 Unread unread) {
  const std::unique_ptr<Policy> policy = choice.make(place);
  const PolicyShape& shape = choice.shape();
  LaneInputs inputs(shape, 1, kSyntheticHeadDim, 16);
  std::vector<double> future(tokens);
  const bool reads_weights = shape.scores != ScoreUse::Ignored;
  LaneRun run;
  run.table = SlotTable(shape.scores);
  for (Step step; step.value < tokens; step = step.next()) {
    const Position newest(step.value);
    const std::vector<float> value = synthetic_row(7, SyntheticRow::Value, newest);
    run.table.append(newest);
    inputs.append(synthetic_row(7, SyntheticRow::Key, newest), value, euclidean_norm(value));
    const std::vector<float> query = synthetic_row(7, SyntheticRow::Query, newest);
    inputs.add_queries(step, {query.data(), 1, query.size()});
    std::vector<float> given;
    if (reads_weights) given = weights(step, run.table.positions());
    if (unread == Unread::Spoilt && shape.scores == ScoreUse::Weights &&
        !policy->looks_at_weights(step, run.table.size()))
      std::ranges::fill(given, std::numeric_limits<float>::quiet_NaN());
    if (shape.scores == ScoreUse::Sums) run.table.add_weights(given);
    if (reads_weights) inputs.add_weights(given);
    LaneView view = run.table.view(place.layer, place.lane, step, run.table.size(), given);
    inputs.complete(view);
    future.clear();
    for (const Position position : view.position)
      future.push_back(static_cast<double>(random_weight(9, 0, Step(0), position)));
    if (shape.inputs.has(Input::Future)) view.future = future;
    if (shape.deciding == Deciding::LayerTogether) policy->look(view);
    const std::span<const Decision> decisions = policy->step(view);
    run.evictions.push_back(std::nullopt);
    for (const Decision& decision : decisions) run.all.push_back(eviction_of(view, decision));
    if (!decisions.empty()) run.evictions.back() = run.all[run.all.size() - decisions.size()];
    std::vector<Slot> victims;
    for (const Decision& decision : decisions) victims.push_back(decision.victim);
    inputs.evict(victims);
    for (size_t leaves = victims.size(); leaves-- > 0;) run.table.evict(victims[leaves]);
    if (after) after(step, run);
  }
  return run;
}

std::vector<float> synthetic_row(uint64_t seed, SyntheticRow what, Position position) {
  std::vector<float> row;
  for (uint32_t channel = 0; channel < kSyntheticHeadDim; ++channel)
    row.push_back(
        2 * random_weight(seed + 100 * static_cast<uint32_t>(what), 0, Step(channel), position) -
        1);
  return row;
}

RowWeights attraction(std::vector<float> of_position) {
  return [of_position = std::move(of_position)](Step, std::span<const Position> positions) {
    double sum = 0;
    for (const Position position : positions) sum += of_position[position.index()];
    std::vector<float> weights;
    for (const Position position : positions)
      weights.push_back(static_cast<float>(of_position[position.index()] / sum));
    return weights;
  };
}

RowWeights matrix_weights(std::vector<float> matrix, size_t columns) {
  return [matrix = std::move(matrix), columns](Step step, std::span<const Position> positions) {
    std::vector<float> weights;
    for (const Position position : positions)
      weights.push_back(matrix[step.index() * columns + position.index()]);
    return weights;
  };
}

float random_weight(uint64_t seed, uint32_t values, Step step, Position position) {
  uint64_t bits = seed * 0x9e3779b97f4a7c15 + (uint64_t{step.value} << 32 | position.value);
  for (int round = 0; round < 3; ++round) {  // any good mixing will do
    bits = (bits ^ (bits >> 31)) * 0xbf58476d1ce4e5b9;
    bits ^= bits >> 27;
  }
  if (values) return static_cast<float>(1 + bits % values);
  return static_cast<float>(bits >> 40) * 0x1p-24f;
}

RowWeights random_weights(uint64_t seed, uint32_t values) {
  return [seed, values](Step step, std::span<const Position> positions) {
    std::vector<float> weights;
    for (const Position position : positions)
      weights.push_back(random_weight(seed, values, step, position));
    return weights;
  };
}

std::vector<size_t> cursors(const LaneRun& lane, uint32_t sinks) {
  std::vector<Position> present;
  std::vector<size_t> cursors;
  for (uint32_t step = 0; step < lane.evictions.size(); ++step) {
    present.push_back(Position(step));
    if (!lane.evictions[step]) continue;
    const Position victim = lane.evictions[step]->victim;
    const Position left = std::min(victim, Position(lane.evictions[step]->rival));
    const auto at = std::find(present.begin(), present.end(), left) - present.begin();
    cursors.push_back(static_cast<size_t>(at) + 1 - sinks);
    present.erase(std::find(present.begin(), present.end(), victim));
  }
  return cursors;
}

std::string join(std::span<const Position> positions) {
  std::string text;
  for (const Position position : positions)
    text += (text.empty() ? "" : " ") + std::to_string(position.value);
  return text;
}

}  // namespace dendrokv::testing
