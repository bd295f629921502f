#pragma once
// What the eval commands print and write beside the file: a table, a JSON object, comma-separated
// values.

#include <filesystem>
#include <string>
#include <vector>

#include "analysis/loss_summary.h"
#include "cli/json.h"
#include "data/eval_file.h"

namespace dendrokv {

inline constexpr double kEvalConfidence = 0.95;

/// One line per policy. `names` as the user wrote the policies.
std::string loss_table(const EvalFile& file, const LossSummary& summary,
                       const std::vector<std::string>& names);
/// What the intervals of the table are: "95 % intervals: bootstrap over 12 texts".
std::string interval_words(const LossSummary& summary);
/// {"model", "tokens", "results": [...]} and what else there is to say.
Json loss_json(const EvalFile& file, const LossSummary& summary);

/// A file with rows of cells.
struct CsvTable {
  std::string name, contents;
};
CsvTable loss_csv(const EvalFile& file, const LossSummary& summary);
/// A row per text and policy.
CsvTable texts_csv(const EvalFile& file);
/// A row per token, columns per policy.
CsvTable tokens_csv(const EvalFile& file);

/// To `path`: the first table when it is called NAME.csv, else all of them into the folder, which
/// is made if it is not there.
void write_csv(const std::filesystem::path& path, const std::vector<CsvTable>& tables);

}  // namespace dendrokv
