#include "data/tune_file.h"

#include <algorithm>

#include "data/error.h"
#include "data/file_root.h"
#include "data/hdf5.h"
#include "data/hdf5_tables.h"

namespace dendrokv {
namespace {

constexpr std::string_view kFormat = "dendrokv-tune";

// Numbers of each finalist, by name.
struct Column {
  const char* path;
  std::vector<double> TuneFile::*values;
};
constexpr Column kColumns[] = {{"/held_out/mean", &TuneFile::mean},
                               {"/held_out/difference", &TuneFile::difference},
                               {"/held_out/lower", &TuneFile::lower},
                               {"/held_out/upper", &TuneFile::upper}};

// Attributes of the root, by name.
struct Text {
  const char* name;
  std::string TuneFile::*value;
};
constexpr Text kTexts[] = {
    {"model", &TuneFile::model},         {"model_sha256", &TuneFile::model_sha256},
    {"objective", &TuneFile::objective}, {"method", &TuneFile::method},
    {"unit", &TuneFile::unit},           {"spec", &TuneFile::spec}};
// Those that the first files did not have.
constexpr Text kLaterTexts[] = {{"arithmetic", &TuneFile::arithmetic},
                                {"pieces_sha256", &TuneFile::pieces_sha256}};

void write_contents(h5::File& file, TuneFile& contents) {
  FileRoot root{contents.uuid, contents.created, contents.creator, contents.command_line};
  write_root(file, kFormat, root);
  contents.uuid = root.uuid;
  contents.created = root.created;
  contents.creator = root.creator;
  for (const Text& text : kTexts) file.write_attribute("/", text.name, contents.*text.value);
  for (const Text& text : kLaterTexts) file.write_attribute("/", text.name, contents.*text.value);
  file.write_attribute("/", "budget_bytes", contents.budget_bytes);
  file.write_attribute("/", "seed", contents.seed);
  file.write_attribute("/", "cost", contents.cost);
  file.write_attribute("/", "confidence", contents.confidence);
  file.write_texts("/setting", contents.settings);
  write_lane_budgets(file, contents.lane_budgets);
  file.write_texts("/piece", contents.pieces);
  h5::write_grid(file, "/loss", contents.loss);
  file.create_group("/held_out");
  file.write_texts("/held_out/piece", contents.held_out_pieces);
  h5::write_list(file, "/held_out/setting", contents.finalists);
  h5::write_grid(file, "/held_out/loss", contents.held_out_loss);
  for (const Column& column : kColumns) h5::write_list(file, column.path, contents.*column.values);
  write_default_plot(file, "/loss");
  if (contents.complete) mark_complete(file);
}

}  // namespace

void write_tune(const std::filesystem::path& path, TuneFile& contents) {
  write_in_place(path, contents.complete ? Stage::Whole : Stage::Part,
                 [&](h5::File& file) { write_contents(file, contents); });
}

TuneFile read_tune(const std::filesystem::path& path, Incomplete incomplete) {
  const h5::File file = h5::File::open(path);
  const FileRoot root = read_root(file, kFormat);
  TuneFile contents;
  contents.uuid = root.uuid;
  contents.created = root.created;
  contents.creator = root.creator;
  contents.command_line = root.command_line;
  contents.complete = is_complete(file);
  if (!contents.complete && incomplete == Incomplete::Refuse)
    fail(file.name(), "is not complete", "wanted a finished file", "run the same tune again");
  for (const Text& text : kTexts) contents.*text.value = file.text_attribute("/", text.name);
  for (const Text& text : kLaterTexts)
    if (file.has_attribute("/", text.name))
      contents.*text.value = file.text_attribute("/", text.name);
  contents.budget_bytes = file.count_attribute("/", "budget_bytes");
  contents.seed = file.count_attribute("/", "seed");
  contents.cost = file.count_attribute("/", "cost");
  contents.confidence = file.real_attribute("/", "confidence");
  contents.settings = file.read_texts("/setting");
  contents.lane_budgets = read_lane_budgets(file, contents.settings.size());
  contents.pieces = file.read_texts("/piece");
  contents.loss =
      h5::read_grid<double>(file, "/loss", contents.settings.size(), contents.pieces.size());
  contents.held_out_pieces = file.read_texts("/held_out/piece");
  contents.finalists = h5::read_list<uint32_t>(file, "/held_out/setting");
  for (const uint32_t setting : contents.finalists)
    if (setting >= contents.settings.size())
      fail(file.name() + ": /held_out/setting", std::to_string(setting),
           "wanted one of the settings");
  contents.held_out_loss = h5::read_grid<double>(file, "/held_out/loss", contents.finalists.size(),
                                                 contents.held_out_pieces.size());
  for (const Column& column : kColumns) {
    std::vector<double>& values = contents.*column.values;
    values = h5::read_list<double>(file, column.path);
    // A search that was stopped has judged none of them yet.
    if (!values.empty() && values.size() != contents.finalists.size())
      fail(file.name() + ": " + column.path, std::to_string(values.size()) + " numbers",
           "wanted " + std::to_string(contents.finalists.size()) + ", one for each finalist");
  }
  return contents;
}

}  // namespace dendrokv
