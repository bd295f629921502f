#include "data/run_group.h"

#include <algorithm>
#include <limits>
#include <type_traits>

#include "data/error.h"
#include "data/stored_duels.h"

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

/// The arrays of RunNumbers, by name; `numbers` is const for writing.
template <class Numbers, class Visit>
void for_each_head_array(Numbers& numbers, Visit visit) {
  visit("retained_mass", numbers.retained_mass);
  visit("best_mass", numbers.best_mass);
  visit("output_error", numbers.output_error);
  visit("relative_error", numbers.relative_error);
  visit("cosine", numbers.cosine);
  visit("guiltiest", numbers.guiltiest);
  visit("guilt", numbers.guilt);
}
template <class Numbers, class Visit>
void for_each_lane_array(Numbers& numbers, Visit visit) {
  visit("regret", numbers.regret);
  visit("first_regret", numbers.first_regret);
  visit("recurrence", numbers.recurrence);
}

h5::Type type_of(const std::vector<float>&) {
  return h5::Type::F32;
}
h5::Type type_of(const std::vector<int32_t>&) {
  return h5::Type::I32;
}

void write_numbers(h5::File& file, const std::string& group, const RunNumbers& numbers) {
  file.create_group(group);
  std::vector<int32_t> steps;
  for (const Step step : numbers.steps) steps.push_back(static_cast<int32_t>(step.value));
  h5::Dataset step =
      file.create_dataset(group + "/step", h5::Type::I32, {steps.size()}, {}, h5::Fill::Zero);
  if (!steps.empty()) step.write(steps.data());
  const auto writer = [&](uint64_t second, uint64_t third) {
    return [&file, &group, shape = h5::Shape{numbers.layers, second, third}](const char* name,
                                                                             const auto& array) {
      write_array(file, group + "/" + name, type_of(array), shape, array.data());
    };
  };
  for_each_head_array(numbers, writer(numbers.heads, steps.size()));
  for_each_lane_array(numbers, writer(numbers.lanes, numbers.tokens));
}

RunNumbers read_numbers(const h5::File& file, const std::string& group, const h5::Shape& lanes) {
  RunNumbers numbers;
  const h5::Dataset steps =
      file.open_dataset(group + "/step", h5::Type::I32, {std::numeric_limits<uint64_t>::max()});
  for (const int32_t step : steps.read_all<int32_t>()) {
    if (step < 0 || static_cast<uint64_t>(step) >= lanes[2])
      fail(steps.subject(), "step " + std::to_string(step),
           "wanted steps below " + std::to_string(lanes[2]));
    numbers.steps.emplace_back(step);
  }
  const h5::Shape heads = read_shape(file, group + "/retained_mass");
  if (heads[0] != lanes[0] || heads[2] != numbers.steps.size())
    fail(file.name() + ": " + group, "has arrays of shape " + h5::shape_text(heads),
         "wanted [" + std::to_string(lanes[0]) + ", heads, " +
             std::to_string(numbers.steps.size()) + "]");
  numbers.layers = static_cast<uint32_t>(heads[0]);
  numbers.heads = static_cast<uint32_t>(heads[1]);
  numbers.lanes = static_cast<uint32_t>(lanes[1]);
  numbers.tokens = static_cast<uint32_t>(lanes[2]);
  const auto reader = [&file, &group](const h5::Shape& shape) {
    return [&file, &group, &shape](const char* name, auto& array) {
      using Array = std::remove_reference_t<decltype(array)>;
      array =
          read_array<typename Array::value_type>(file, group + "/" + name, type_of(array), shape);
    };
  };
  for_each_head_array(numbers, reader(heads));
  for_each_lane_array(numbers, reader(lanes));
  return numbers;
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
  if (run.kv_bytes > 0) file.write_attribute(group, "kv_bytes", run.kv_bytes);
  if (run.lane_budget) write_lane_budget(file, group + "/lane_budget", *run.lane_budget);
  const Retention& kept = run.retention;
  const h5::Shape shape = {kept.layers(), kept.lanes(), kept.tokens()};
  const Retention::Arrays& arrays = kept.arrays();
  write_array(file, group + "/evict_step", h5::Type::I32, shape, arrays.evict_step.data());
  write_array(file, group + "/rival", h5::Type::I32, shape, arrays.rival.data());
  write_array(file, group + "/score", h5::Type::F32, shape, arrays.score.data());
  write_array(file, group + "/rival_score", h5::Type::F32, shape, arrays.rival_score.data());
  write_array(file, group + "/reason", h5::Type::U8, shape, arrays.reason.data());
  if (run.numbers) write_numbers(file, group + "/numbers", *run.numbers);
}

Run read_run_group(const h5::File& file, std::string_view path, Records records) {
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
  if (file.has_attribute(group, "kv_bytes")) run.kv_bytes = file.count_attribute(group, "kv_bytes");
  check_reasons(file, group);
  const h5::Shape shape = read_shape(file, group + "/evict_step");
  if (file.has(group + "/lane_budget")) {
    run.lane_budget = read_lane_budget(file, group + "/lane_budget");
    if (run.lane_budget->layers != shape[0] || run.lane_budget->lanes != shape[1])
      fail(subject + "/lane_budget", "of other layers or lanes than evict_step",
           "wanted [" + std::to_string(shape[0]) + ", " + std::to_string(shape[1]) + "]");
  }
  if (records == Records::OnDemand)
    if (std::shared_ptr<const DuelSource> stored = stored_duels(file, group, shape)) {
      run.retention = Retention::on_demand(
          subject, static_cast<uint32_t>(shape[0]), static_cast<uint32_t>(shape[1]),
          static_cast<uint32_t>(shape[2]),
          read_array<int32_t>(file, group + "/evict_step", h5::Type::I32, shape),
          std::move(stored));
      return run;
    }
  Retention::Arrays arrays;
  arrays.evict_step = read_array<int32_t>(file, group + "/evict_step", h5::Type::I32, shape);
  arrays.rival = read_array<int32_t>(file, group + "/rival", h5::Type::I32, shape);
  arrays.score = read_array<float>(file, group + "/score", h5::Type::F32, shape);
  arrays.rival_score = read_array<float>(file, group + "/rival_score", h5::Type::F32, shape);
  arrays.reason = read_array<uint8_t>(file, group + "/reason", h5::Type::U8, shape);
  run.retention = Retention::from_arrays(subject, static_cast<uint32_t>(shape[0]),
                                         static_cast<uint32_t>(shape[1]),
                                         static_cast<uint32_t>(shape[2]), std::move(arrays));
  if (file.has(group + "/numbers")) run.numbers = read_numbers(file, group + "/numbers", shape);
  return run;
}

}  // namespace dendrokv
