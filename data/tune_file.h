#pragma once
// The result of `dendrokv tune`: losses of settings on pieces of text, those of the finalists on
// held-out ones. Layout: docs/files.md.

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "data/budget_map.h"
#include "data/grid.h"
#include "data/trace_reader.h"

namespace dendrokv {

struct TuneFile {
  std::string uuid, created, creator, command_line;
  bool complete = true;
  std::string model, model_sha256, arithmetic;  // "fast" or "exact"
  // Over all pieces, held-out ones too; empty in files of older versions, as arithmetic.
  std::string pieces_sha256;
  std::string objective, method, unit;  // "loss", "halving", "nat per token"
  uint64_t budget_bytes = 0, seed = 1;
  double confidence = 0.95;
  std::vector<std::string> settings;  // policy specs
  LaneBudgets lane_budgets;           // [setting], the rows that its budget map said
  std::vector<std::string> pieces;    // names of the texts they were chosen on
  Grid<double> loss;                  // [setting, piece]; NaN = not measured
  uint64_t cost = 0;                  // settings times pieces that were measured
  // settings, the baseline first, then the winner of the search
  std::vector<uint32_t> finalists;
  std::vector<std::string> held_out_pieces;
  Grid<double> held_out_loss;  // [finalist, held-out piece]
  // [finalist] held-out mean, and difference to the baseline with limits
  std::vector<double> mean, difference, lower, upper;
  // To use: the winner where it beats the baseline on held-out text, else the baseline.
  std::string spec;

  /// Nothing where the setting, or a file of an older version, has none.
  std::optional<BudgetMap> lane_budget(size_t setting) const {
    return setting < lane_budgets.size() ? lane_budgets[setting] : std::nullopt;
  }
};

/// Writes `path` or, unless file.complete, `path`.part; the one before stays until the new one is
/// whole. Fills uuid, created and creator when empty. Throws Error.
void write_tune(const std::filesystem::path& path, TuneFile& file);
/// Throws Error: missing, another kind of file, damaged, not complete unless that is wanted.
TuneFile read_tune(const std::filesystem::path& path, Incomplete incomplete = Incomplete::Refuse);

}  // namespace dendrokv
