#include "cli/lane_budget.h"

#include <algorithm>

namespace dendrokv {

Json lanes_json(const BudgetMap& map) {
  Json layers = Json::array();
  for (Layer layer; layer.value < map.layers; layer = layer.next()) {
    Json lanes = Json::array();
    for (Lane lane; lane.value < map.lanes; lane = lane.next()) lanes.add(map.rows_of(layer, lane));
    layers.add(lanes);
  }
  return layers;
}

Json lanes_json(const LaneBudgets& budgets) {
  Json policies = Json::array();
  for (const auto& map : budgets) policies.add(map ? lanes_json(*map) : Json::null());
  return policies;
}

std::string lanes_text(const BudgetMap& map) {
  const auto [fewest, most] = std::ranges::minmax(map.rows);
  return (fewest == most ? "" : std::to_string(fewest) + " to ") + std::to_string(most) + " rows";
}

}  // namespace dendrokv
