// `dendrokv info` on what many tasks gave: a set, or the result of a tuning.

#include "cli/description.h"
#include "cli/lane_budget.h"
#include "data/hdf5.h"
#include "data/set_file.h"
#include "data/tune_file.h"

namespace dendrokv {
namespace {

Description describe_set(const std::filesystem::path& path) {
  const FileSet set = read_set(path);
  Json items = Json::array();
  TextTable table;
  for (const SetItem& item : set.items) {
    const std::string place = "item/" + std::to_string(item.order);
    const std::string what = item.format.empty() ? "failed: " + item.error : item.format;
    items.add(Json::object()
                  .set("place", place)
                  .set("task", item.task)
                  .set("key", item.key)
                  .set("format", item.format)
                  .set("error", item.error));
    table.row({place, what, item.task});
  }
  Description description;
  description.fields = {
      field("kind", "set"),
      field("uuid", set.uuid),
      field("tasks", set.tasks),
      field("items", uint64_t{set.items.size()}),
      field("shard", set.shard),
      bytes_field("bytes", std::filesystem::file_size(path)),
      field("created", set.created),
      field("creator", set.creator),
      field("command_line", set.command_line),
  };
  description.json.set("item", items);
  description.text = table.text(2);
  return description;
}

/// Of a setting with a budget map, the rows of its lanes.
std::string lanes_of(const TuneFile& file, size_t setting) {
  const auto lanes = file.lane_budget(setting);
  return lanes ? lanes_text(*lanes) : std::string();
}

Description describe_tune(const std::filesystem::path& path) {
  const TuneFile file = read_tune(path, Incomplete::TakeWhatIsThere);
  Description description;
  description.fields = {
      field("kind", "tune"),
      field("uuid", file.uuid),
      field("model", file.model),
      field("objective", file.objective),
      field("method", file.method),
      field("budget_bytes", file.budget_bytes),
      field("settings", uint64_t{file.settings.size()}),
      field("pieces", uint64_t{file.pieces.size()}),
      field("held_out_pieces", uint64_t{file.held_out_pieces.size()}),
      field("cost", file.cost),
      field("spec", file.spec),
      {"complete", Json(file.complete), file.complete ? "yes" : "no: the run was stopped early"},
      bytes_field("bytes", std::filesystem::file_size(h5::place_of(path).file)),
      field("created", file.created),
      field("creator", file.creator),
      field("command_line", file.command_line),
  };
  TextTable table;
  for (size_t i = 0; i < file.finalists.size(); ++i)
    table.row({significant(file.mean[i]),
               i == 0 ? "baseline"
                      : significant(file.difference[i]) + " (" + significant(file.lower[i]) +
                            " to " + significant(file.upper[i]) + ")",
               file.settings[file.finalists[i]], lanes_of(file, file.finalists[i])});
  if (!file.lane_budgets.empty())
    description.json = Json::object()
                           .set("setting", file.settings)
                           .set("lane_budget", lanes_json(file.lane_budgets));
  description.text = "held-out means, and differences to the first\n" + table.text(2);
  return description;
}

}  // namespace

std::optional<Description> describe_tasks(const std::filesystem::path& path) {
  const h5::Place place = h5::place_of(path);
  std::error_code ignored;
  if (!std::filesystem::is_regular_file(place.file, ignored)) return std::nullopt;
  std::string format;
  try {
    format = format_of(path);
  } catch (const Error&) {
    return std::nullopt;  // another kind; whoever reads it says what is wrong with it
  }
  if (format == "dendrokv-set") return describe_set(path);
  if (format == "dendrokv-tune") return describe_tune(path);
  return std::nullopt;
}

}  // namespace dendrokv
