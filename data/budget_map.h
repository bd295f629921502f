#pragma once
// How many rows each lane of a model may hold, as a small text file:
//
//   dendrokv budget map 1
//   layers 30 lanes 3
//   # layer, lane, rows: sinks, recent ones and the rest together
//   0 0 512
//   ...

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string_view>
#include <vector>

#include "data/ids.h"

namespace dendrokv {

namespace h5 {
class File;
}

struct BudgetMap {
  uint32_t layers = 0, lanes = 0;  // lanes of a layer
  std::vector<uint32_t> rows;      // [layer, lane]

  bool operator==(const BudgetMap&) const = default;
  uint32_t rows_of(Layer layer, Lane lane) const {
    return rows[layer.index() * lanes + lane.index()];
  }
};

/// Throws Error that names the line: not such a file, a lane missing, twice or out of range, no
/// rows.
BudgetMap read_budget_map(const std::filesystem::path& path);
/// `path`.part, then renamed. Throws Error.
void write_budget_map(const std::filesystem::path& path, const BudgetMap& map);

/// The same as a dataset of a run, uint32 [layer, lane]: what was said by a file that may be gone.
void write_lane_budget(h5::File& file, std::string_view dataset, const BudgetMap& map);
/// Throws Error: missing, of another shape than [layers, lanes], no rows.
BudgetMap read_lane_budget(const h5::File& file, std::string_view dataset);

/// Of several policies, [policy]; empty = none of them has a map.
using LaneBudgets = std::vector<std::optional<BudgetMap>>;
/// Group /lane_budget with the dataset K for policy K, where one has a map.
void write_lane_budgets(h5::File& file, const LaneBudgets& budgets);
/// Throws Error as read_lane_budget().
LaneBudgets read_lane_budgets(const h5::File& file, size_t policies);

}  // namespace dendrokv
