#include "tests/gui/made_up_run.h"

#include <random>
#include <vector>

namespace dendrokv::testing {
namespace {

void fill_lane(const MadeUpRun& wanted, Layer layer, Lane lane, Retention& retention) {
  std::minstd_rand coin(wanted.seed + layer.value * 1009 + lane.value);
  std::vector<uint32_t> tree;  // positions in time order
  uint32_t cursor = 0;
  for (uint32_t step = 0; step < wanted.tokens; ++step) {
    if (step < wanted.sinks + wanted.recent) continue;
    tree.push_back(step - wanted.recent);
    if (tree.size() <= wanted.tree) continue;
    cursor = cursor + 1 < wanted.tree ? cursor : 0;
    const bool left = coin() % 2 == 0;
    const uint32_t victim = tree[cursor + !left], rival = tree[cursor + left];
    retention.record(
        layer, lane,
        {Position(victim), Step(step), static_cast<int32_t>(rival), 0.25f, 0.5f, Reason::Lost});
    tree.erase(tree.begin() + cursor + !left);
    ++cursor;
  }
}

}  // namespace

Run made_up_run(const MadeUpRun& wanted) {
  Run run;
  run.policy = "treekv:capacity=" + std::to_string(wanted.tree) +
               ",sinks=" + std::to_string(wanted.sinks) +
               ",recent=" + std::to_string(wanted.recent);
  run.mode = RunMode::OpenLoop;
  run.sinks = wanted.sinks;
  run.recent = wanted.recent;
  run.budget = uint64_t{wanted.sinks} + wanted.tree + wanted.recent;
  run.retention = Retention(wanted.layers, wanted.lanes, wanted.tokens);
  for (uint32_t layer = 0; layer < wanted.layers; ++layer)
    for (uint32_t lane = 0; lane < wanted.lanes; ++lane)
      fill_lane(wanted, Layer(layer), Lane(lane), run.retention);
  return run;
}

}  // namespace dendrokv::testing
