#include "tests/cache/lane_run.h"

#include <algorithm>
#include <map>
#include <memory>
#include <utility>

namespace dendrokv::testing {

std::string LaneRun::cache() const {
  return join(table.positions());
}

std::string LaneRun::levels() const {
  std::map<int32_t, int> beaten;
  for (const auto& eviction : evictions)
    if (eviction) ++beaten[eviction->rival];
  std::string text;
  for (const Position position : table.positions())
    text +=
        (text.empty() ? "" : " ") + std::to_string(beaten[static_cast<int32_t>(position.value)]);
  return text;
}

LaneRun run_lane(const PolicyChoice& choice, uint32_t tokens, const RowWeights& weights,
                 const std::function<void(Step, const LaneRun&)>& after) {
  const std::unique_ptr<Policy> policy = choice.make();
  LaneRun run;
  for (Step step; step.value < tokens; step = step.next()) {
    run.table.append(Position(step.value));
    run.table.add_weights(weights(step, run.table.positions()));
    const LaneView view = run.table.view(Layer(0), Lane(0), step);
    const std::optional<Decision> decision = policy->step(view);
    run.evictions.push_back(decision ? std::optional(eviction_of(view, *decision)) : std::nullopt);
    if (decision) run.table.evict(decision->victim);
    if (after) after(step, run);
  }
  return run;
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
