#include "cli/tune_report.h"

#include <cmath>
#include <cstdio>
#include <iostream>

#include "analysis/search.h"
#include "cli/format.h"
#include "cli/json.h"
#include "cli/lane_budget.h"

namespace dendrokv {
namespace {

std::string fixed(double number) {
  char text[32];
  std::snprintf(text, sizeof text, "%.4f", number);
  return text;
}

/// Difference to the baseline on the pieces that it was chosen on, where luck is part of it; NaN
/// where they have none in common.
double gain_where_chosen(const TuneFile& file, size_t finalist) {
  return paired_difference(file.loss.row(file.finalists[finalist]),
                           file.loss.row(file.finalists[0]), file.confidence)
      .mean;
}

}  // namespace

void print_tune_table(const Session& session, const TuneSettings& settings, const TuneFile& file) {
  TextTable table;
  table.row({"setting", "chosen on: to the baseline", "held-out " + file.objective,
             "to the baseline", "95 % interval", "bytes"});
  for (size_t i = 0; i < file.finalists.size(); ++i) {
    const size_t setting = file.finalists[i];
    const double gain = gain_where_chosen(file, i);
    const std::optional<uint64_t> bytes = settings.bytes(setting);
    table.row({i == 0 ? "baseline" : settings.name(setting),
               i == 0 || std::isnan(gain) ? "-" : fixed(gain), fixed(file.mean[i]),
               fixed(file.difference[i]),
               i == 0 ? "-" : fixed(file.lower[i]) + " to " + fixed(file.upper[i]),
               bytes ? std::to_string(*bytes) : "-"});
  }
  std::cout << table.text();
  const bool better = file.spec != file.settings[file.finalists[0]];
  session.note("tune: on " + std::to_string(file.held_out_pieces.size()) +
               " held-out pieces the winner " +
               (better ? "beats the baseline; its spec:"
                       : "does not beat the baseline beyond doubt; the baseline's spec:"));
  std::cout << file.spec << "\n";
}

void print_tune_json(const std::filesystem::path& output, const TuneFile& file) {
  Json finalists = Json::array();
  for (size_t i = 0; i < file.finalists.size(); ++i) {
    Json finalist = Json::object()
                        .set("policy", file.settings[file.finalists[i]])
                        .set("chosen_on_difference", gain_where_chosen(file, i))
                        .set("held_out_mean", file.mean[i])
                        .set("difference", file.difference[i])
                        .set("lower", file.lower[i])
                        .set("upper", file.upper[i]);
    if (const auto lanes = file.lane_budget(file.finalists[i]))
      finalist.set("lane_budget", lanes_json(*lanes));
    finalists.add(finalist);
  }
  Json json = Json::object()
                  .set("objective", file.objective)
                  .set("budget_bytes", file.budget_bytes)
                  .set("settings", uint64_t{file.settings.size()})
                  .set("pieces", uint64_t{file.pieces.size()})
                  .set("cost", file.cost)
                  .set("finalists", finalists)
                  .set("spec", file.spec);
  if (!output.empty()) json.set("output", output.string());
  std::cout << json.text() << "\n";
}

}  // namespace dendrokv
