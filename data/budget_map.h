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
#include <vector>

#include "data/ids.h"

namespace dendrokv {

struct BudgetMap {
  uint32_t layers = 0, lanes = 0;  // lanes of a layer
  std::vector<uint32_t> rows;      // [layer, lane]

  uint32_t rows_of(Layer layer, Lane lane) const {
    return rows[layer.index() * lanes + lane.index()];
  }
};

/// Throws Error that names the line: not such a file, a lane missing, twice or out of range, no
/// rows.
BudgetMap read_budget_map(const std::filesystem::path& path);
/// `path`.part, then renamed. Throws Error.
void write_budget_map(const std::filesystem::path& path, const BudgetMap& map);

}  // namespace dendrokv
