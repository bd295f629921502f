#include "data/analysis_file.h"

#include <limits>

#include "data/analysis_statistics.h"
#include "data/error.h"
#include "data/file_root.h"

namespace dendrokv {
namespace {

constexpr uint64_t kAny = std::numeric_limits<uint64_t>::max();
constexpr uint32_t kMostBands = 65536;

template <class IdType>
void write_ids(h5::File& file, std::string_view path, const std::vector<IdType>& ids) {
  std::vector<int32_t> numbers;
  for (const IdType id : ids) numbers.push_back(static_cast<int32_t>(id.value));
  file.create_dataset(path, h5::Type::I32, {numbers.size()}, {}, h5::Fill::Zero)
      .write(numbers.data());
}

template <class IdType>
std::vector<IdType> read_ids(const h5::File& file, std::string_view path) {
  const h5::Dataset dataset = file.open_dataset(path, h5::Type::I32, {kAny});
  std::vector<IdType> ids;
  for (const int32_t number : dataset.read_all<int32_t>()) {
    if (number < 0) fail(dataset.subject(), std::to_string(number), "wanted 0 or more");
    ids.emplace_back(number);
  }
  return ids;
}

template <class T>
std::vector<T> read_values(const h5::File& file, std::string_view path, h5::Type type,
                           const h5::Shape& shape) {
  return file.open_dataset(path, type, shape).read_all<T>();
}

void write_rows(h5::File& file, std::string_view path, const std::vector<double>& values,
                const h5::Shape& shape) {
  file.create_dataset(path, h5::Type::F64, shape, {}, h5::Fill::Absent).write(values.data());
}

void write_counts(h5::File& file, std::string_view path, const std::vector<uint32_t>& values) {
  file.create_dataset(path, h5::Type::U32, {values.size()}, {}, h5::Fill::Zero)
      .write(values.data());
}

uint32_t small_count(const h5::File& file, std::string_view name) {
  const uint64_t count = file.count_attribute("/profile", name);
  if (count > std::numeric_limits<int32_t>::max())
    fail(file.name() + ": /profile@" + std::string(name), std::to_string(count),
         "wanted a position or a count");
  return static_cast<uint32_t>(count);
}

void write_numbers(h5::File& file, const Analysis& analysis) {
  const std::pair<std::string_view, uint64_t> numbers[] = {
      {"levels", analysis.levels},
      {"depth", analysis.depth},
      {"pool", analysis.pool},
      {"positions", analysis.positions},
      {"step", analysis.step},
      {"valid_first", analysis.valid_first},
      {"valid_count", analysis.valid_count},
      {"exclude_first", analysis.exclude_first},
      {"exclude_last", analysis.exclude_last},
      {"samples", analysis.samples},
  };
  for (const auto& [name, number] : numbers) file.write_attribute("/profile", name, number);
}

void check_extents(const h5::File& file, const Analysis& analysis) {
  const bool range = uint64_t{analysis.valid_first} + analysis.valid_count <= analysis.positions;
  if (!range || analysis.levels == 0 || analysis.levels > kMostBands || analysis.pool == 0)
    fail(file.name() + ": /profile", "levels or valid range do not fit the positions",
         "wanted a consistent file");
}

void check_sizes(const Analysis& analysis) {
  const size_t bands = size_t{analysis.levels} * analysis.positions;
  DENDROKV_ASSERT(analysis.band.size() == bands);
  DENDROKV_ASSERT(analysis.low.size() == bands && analysis.high.size() == bands);
  DENDROKV_ASSERT(analysis.band_by_head.size() == size_t{analysis.levels} * analysis.cells() *
                                                      analysis.layers.size() *
                                                      analysis.heads.size());
  DENDROKV_ASSERT(analysis.mean_weight.size() == analysis.positions);
}

}  // namespace

void write_analysis(const std::filesystem::path& path, Analysis analysis) {
  check_sizes(analysis);
  std::filesystem::path part = path;
  part += ".part";
  h5::File file = h5::File::create(part);
  FileRoot root{analysis.uuid, analysis.created, analysis.creator, analysis.command_line};
  write_root(file, "dendrokv-analysis", root);
  file.create_group("/profile");
  const std::vector<std::string_view> uuids(analysis.trace_uuids.begin(),
                                            analysis.trace_uuids.end());
  file.write_attribute("/profile", "trace_uuids", uuids);
  file.write_attribute("/profile", "transform", analysis.transform);
  file.write_attribute("/profile", "wavelet", analysis.wavelet);
  file.write_attribute("/profile", "boundary", analysis.boundary);
  file.write_attribute("/profile", "signal", analysis.signal);
  file.write_attribute("/profile", "unit", analysis.unit);
  file.write_attribute("/profile", "normalisation", analysis.normalisation);
  file.write_attribute("/profile", "band_kind", analysis.band_kind);
  std::string nulls;
  for (const std::string& name : analysis.statistics.nulls)
    nulls += (nulls.empty() ? "" : ", ") + name;
  file.write_attribute("/profile", "null_model", nulls.empty() ? "none" : nulls);
  const std::vector<std::string_view> names(analysis.band_names.begin(), analysis.band_names.end());
  file.write_attribute("/profile", "band_names", names);
  write_numbers(file, analysis);
  const uint64_t levels = analysis.levels, positions = analysis.positions;
  file.create_dataset("/profile/band", h5::Type::F64, {levels, positions}, {}, h5::Fill::Absent)
      .write(analysis.band.data());
  write_rows(file, "/profile/low", analysis.low, {levels, positions});
  write_rows(file, "/profile/high", analysis.high, {levels, positions});
  write_rows(file, "/profile/period_low", analysis.period_low, {levels});
  write_rows(file, "/profile/period_high", analysis.period_high, {levels});
  write_counts(file, "/profile/band_first", analysis.band_first);
  write_counts(file, "/profile/band_count", analysis.band_count);
  file.create_dataset("/profile/band_by_head", h5::Type::F32,
                      {levels, analysis.layers.size(), analysis.heads.size(), analysis.cells()}, {},
                      h5::Fill::Absent)
      .write(analysis.band_by_head.data());
  file.create_dataset("/profile/mean_weight", h5::Type::F64, {positions}, {}, h5::Fill::Absent)
      .write(analysis.mean_weight.data());
  write_ids(file, "/profile/layer", analysis.layers);
  write_ids(file, "/profile/head", analysis.heads);
  write_statistics(file, analysis);
  write_default_plot(file, "/profile/band");
  mark_complete(file);
  file.close();
  h5::publish(part, path);
}

Analysis read_analysis(const std::filesystem::path& path) {
  const h5::File file = h5::File::open(path);
  const FileRoot root = read_root(file, "dendrokv-analysis");
  if (!is_complete(file))
    fail(file.name(), "is not complete", "wanted a finished file", "analyze again");
  if (!file.has("/statistics"))
    fail(file.name() + ": /statistics", "is missing", "wanted an analysis of this version",
         "analyze again");
  Analysis analysis;
  analysis.uuid = root.uuid;
  analysis.created = root.created;
  analysis.creator = root.creator;
  analysis.command_line = root.command_line;
  analysis.trace_uuids = file.texts_attribute("/profile", "trace_uuids");
  analysis.transform = file.text_attribute("/profile", "transform");
  analysis.wavelet = file.text_attribute("/profile", "wavelet");
  analysis.boundary = file.text_attribute("/profile", "boundary");
  analysis.signal = file.text_attribute("/profile", "signal");
  analysis.unit = file.text_attribute("/profile", "unit");
  analysis.normalisation = file.text_attribute("/profile", "normalisation");
  analysis.band_kind = file.text_attribute("/profile", "band_kind");
  analysis.band_names = file.texts_attribute("/profile", "band_names");
  analysis.levels = small_count(file, "levels");
  analysis.depth = small_count(file, "depth");
  analysis.pool = small_count(file, "pool");
  analysis.positions = small_count(file, "positions");
  analysis.step = small_count(file, "step");
  analysis.valid_first = small_count(file, "valid_first");
  analysis.valid_count = small_count(file, "valid_count");
  analysis.exclude_first = small_count(file, "exclude_first");
  analysis.exclude_last = small_count(file, "exclude_last");
  analysis.samples = small_count(file, "samples");
  check_extents(file, analysis);
  analysis.layers = read_ids<Layer>(file, "/profile/layer");
  analysis.heads = read_ids<Head>(file, "/profile/head");
  const uint64_t levels = analysis.levels, positions = analysis.positions;
  if (analysis.band_names.size() != levels)
    fail(file.name() + ": /profile@band_names", std::to_string(analysis.band_names.size()),
         "wanted one for each band");
  analysis.band = read_values<double>(file, "/profile/band", h5::Type::F64, {levels, positions});
  analysis.low = read_values<double>(file, "/profile/low", h5::Type::F64, {levels, positions});
  analysis.high = read_values<double>(file, "/profile/high", h5::Type::F64, {levels, positions});
  analysis.period_low = read_values<double>(file, "/profile/period_low", h5::Type::F64, {levels});
  analysis.period_high = read_values<double>(file, "/profile/period_high", h5::Type::F64, {levels});
  analysis.band_first = read_values<uint32_t>(file, "/profile/band_first", h5::Type::U32, {levels});
  analysis.band_count = read_values<uint32_t>(file, "/profile/band_count", h5::Type::U32, {levels});
  analysis.band_by_head =
      read_values<float>(file, "/profile/band_by_head", h5::Type::F32,
                         {levels, analysis.layers.size(), analysis.heads.size(), analysis.cells()});
  analysis.mean_weight =
      read_values<double>(file, "/profile/mean_weight", h5::Type::F64, {positions});
  analysis.statistics = read_statistics(file, analysis);
  return analysis;
}

}  // namespace dendrokv
