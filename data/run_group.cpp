#include "data/run_group.h"

#include <algorithm>
#include <limits>

#include "data/error.h"

namespace dendrokv {
namespace {

constexpr uint64_t kLongestChunk = 65536;
constexpr uint64_t kLargestExtent = std::numeric_limits<int32_t>::max();

void write_array(h5::File& file, const std::string& path, h5::Type type, const h5::Shape& shape,
                 const void* data) {
  const h5::Shape chunk = {1, 1,
                           std::min<uint64_t>(std::max<uint64_t>(shape[2], 1), kLongestChunk)};
  h5::Dataset dataset = file.create_dataset(
      path, type, shape, chunk, type == h5::Type::U8 ? h5::Fill::Zero : h5::Fill::Absent);
  if (dataset.elements() > 0) dataset.write(data);
}

template <class T>
std::vector<T> read_array(const h5::File& file, const std::string& path, h5::Type type,
                          const h5::Shape& shape) {
  return file.open_dataset(path, type, shape).read_all<T>();
}

h5::Shape read_shape(const h5::File& file, const std::string& path) {
  const h5::Dataset dataset = file.open_dataset(path);
  const h5::Shape shape = dataset.shape();
  const bool small = std::all_of(shape.begin(), shape.end(),
                                 [](uint64_t extent) { return extent <= kLargestExtent; });
  if (shape.size() != 3 || !small)
    fail(dataset.subject(), "has shape " + h5::shape_text(shape), "wanted [layers, lanes, tokens]");
  return shape;
}

template <class Kind, size_t Count>
Kind parse_kind(const std::string& subject, const std::string& text, const Kind (&kinds)[Count],
                std::string_view (*name)(Kind)) {
  for (const Kind kind : kinds)
    if (name(kind) == text) return kind;
  fail(subject, "'" + text + "'", "wanted a known word");
}

// Names of the file's own enumeration must be ours, in our order.
void check_reasons(const h5::File& file, const std::string& path) {
  const std::vector<std::string> names = file.texts_attribute(path, "reasons");
  const auto known = reason_names();
  if (names.size() > known.size() || !std::equal(names.begin(), names.end(), known.begin()))
    fail(file.name() + ": " + path + "@reasons", "lists reasons that are not known",
         "wanted those of format version 1", "read it with a newer dendrokv");
}

uint32_t small_count(const h5::File& file, const std::string& path, std::string_view name) {
  const uint64_t count = file.count_attribute(path, name);
  if (count > std::numeric_limits<uint32_t>::max())
    fail(file.name() + ": " + path + "@" + std::string(name), std::to_string(count),
         "wanted a number of rows");
  return static_cast<uint32_t>(count);
}

}  // namespace

void write_run_group(h5::File& file, std::string_view path, const Run& run) {
  const std::string group(path);
  file.create_group(group);
  file.write_attribute(group, "policy", run.policy);
  file.write_attribute(group, "mode", run_mode_name(run.mode));
  file.write_attribute(group, "trace_uuid", run.trace_uuid);
  file.write_attribute(group, "lane", lane_kind_name(run.lane_kind));
  file.write_attribute(group, "sinks", uint64_t{run.sinks});
  file.write_attribute(group, "recent", uint64_t{run.recent});
  file.write_attribute(group, "budget", run.budget);
  file.write_attribute(group, "positions", run.positions);
  file.write_attribute(group, "reasons", reason_names());
  const Retention& kept = run.retention;
  const h5::Shape shape = {kept.layers(), kept.lanes(), kept.tokens()};
  const Retention::Arrays& arrays = kept.arrays();
  write_array(file, group + "/evict_step", h5::Type::I32, shape, arrays.evict_step.data());
  write_array(file, group + "/rival", h5::Type::I32, shape, arrays.rival.data());
  write_array(file, group + "/score", h5::Type::F32, shape, arrays.score.data());
  write_array(file, group + "/rival_score", h5::Type::F32, shape, arrays.rival_score.data());
  write_array(file, group + "/reason", h5::Type::U8, shape, arrays.reason.data());
}

Run read_run_group(const h5::File& file, std::string_view path) {
  const std::string group(path), subject = file.name() + ": " + group;
  Run run;
  run.policy = file.text_attribute(group, "policy");
  run.mode = parse_kind(subject + "@mode", file.text_attribute(group, "mode"),
                        {RunMode::ClosedLoop, RunMode::OpenLoop}, run_mode_name);
  run.trace_uuid = file.text_attribute(group, "trace_uuid");
  run.lane_kind =
      parse_kind(subject + "@lane", file.text_attribute(group, "lane"),
                 {LaneKind::PerKvHead, LaneKind::PerQueryHead, LaneKind::PerLayer}, lane_kind_name);
  run.sinks = small_count(file, group, "sinks");
  run.recent = small_count(file, group, "recent");
  run.budget = file.count_attribute(group, "budget");
  run.positions = file.text_attribute(group, "positions");
  check_reasons(file, group);
  const h5::Shape shape = read_shape(file, group + "/evict_step");
  Retention::Arrays arrays;
  arrays.evict_step = read_array<int32_t>(file, group + "/evict_step", h5::Type::I32, shape);
  arrays.rival = read_array<int32_t>(file, group + "/rival", h5::Type::I32, shape);
  arrays.score = read_array<float>(file, group + "/score", h5::Type::F32, shape);
  arrays.rival_score = read_array<float>(file, group + "/rival_score", h5::Type::F32, shape);
  arrays.reason = read_array<uint8_t>(file, group + "/reason", h5::Type::U8, shape);
  run.retention = Retention::from_arrays(subject, static_cast<uint32_t>(shape[0]),
                                         static_cast<uint32_t>(shape[1]),
                                         static_cast<uint32_t>(shape[2]), std::move(arrays));
  return run;
}

}  // namespace dendrokv
