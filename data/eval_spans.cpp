#include "data/error.h"
#include "data/eval_tables.h"
#include "data/hdf5_tables.h"

namespace dendrokv {
namespace {

LaneKind parse_lane_kind(const std::string& subject, const std::string& name) {
  for (const LaneKind kind : {LaneKind::PerKvHead, LaneKind::PerQueryHead, LaneKind::PerLayer})
    if (lane_kind_name(kind) == name) return kind;
  fail(subject, "'" + name + "'", "wanted kv-head, query-head or layer");
}

SpanSurvival read_survival(const h5::File& file, const std::string& group, uint64_t spans,
                           uint64_t steps) {
  SpanSurvival found;
  found.lane_kind =
      parse_lane_kind(file.name() + ": " + group + "@lane", file.text_attribute(group, "lane"));
  found.kept = h5::read_grid<float>(file, group + "/kept", spans, steps);
  const std::vector<float> quantiles =
      file.open_dataset(group + "/quantile", h5::Type::F32, {spans, kSpanQuantiles.size(), steps})
          .read_all<float>();
  found.quantiles = Grid<float>(spans * kSpanQuantiles.size(), steps);
  std::ranges::copy(quantiles, found.quantiles.all().begin());
  const h5::Dataset held =
      file.open_dataset(group + "/held_until", h5::Type::I32, {spans, h5::kAnySize, h5::kAnySize});
  found.layers = static_cast<uint32_t>(held.shape()[1]);
  found.lanes = static_cast<uint32_t>(held.shape()[2]);
  found.held_until = held.read_all<int32_t>();
  return found;
}

}  // namespace

uint32_t place_in(const std::string& subject, int32_t number, size_t tokens) {
  if (number < 0 || static_cast<size_t>(number) > tokens)
    fail(subject, "token " + std::to_string(number), "wanted one of the text");
  return static_cast<uint32_t>(number);
}

void write_spans(h5::File& file, const std::string& group, const SpanTable& table) {
  file.create_group(group);
  std::vector<std::string> names;
  for (const TextSpan& span : table.spans) names.push_back(span.name);
  file.write_texts(group + "/name", names);
  h5::write_column<int32_t>(file, group + "/first", table.spans,
                            [](const auto& s) { return s.first; });
  h5::write_column<int32_t>(file, group + "/end", table.spans, [](const auto& s) { return s.end; });
  h5::write_column<int32_t>(file, group + "/step", table.steps,
                            [](Step step) { return step.value; });
  for (size_t policy = 0; policy < table.policies.size(); ++policy) {
    const SpanSurvival& found = table.policies[policy];
    const std::string of_policy = group + "/" + std::to_string(policy);
    file.create_group(of_policy);
    file.write_attribute(of_policy, "lane", lane_kind_name(found.lane_kind));
    h5::write_grid(file, of_policy + "/kept", found.kept);
    h5::write_values(file, of_policy + "/quantile",
                     {table.spans.size(), kSpanQuantiles.size(), table.steps.size()},
                     found.quantiles.data());
    h5::write_values(file, of_policy + "/held_until",
                     {table.spans.size(), found.layers, found.lanes}, found.held_until.data());
  }
}

SpanTable read_spans(const h5::File& file, const std::string& group, size_t policies,
                     size_t tokens) {
  const std::string subject = file.name() + ": " + group;
  SpanTable table;
  const std::vector<std::string> names = file.read_texts(group + "/name");
  const auto first = h5::read_list<int32_t>(file, group + "/first", names.size());
  const auto end = h5::read_list<int32_t>(file, group + "/end", names.size());
  for (size_t span = 0; span < names.size(); ++span)
    table.spans.push_back({names[span], place_in(subject, first[span], tokens),
                           place_in(subject, end[span], tokens)});
  for (const int32_t step : h5::read_list<int32_t>(file, group + "/step"))
    table.steps.emplace_back(place_in(subject, step, tokens));
  for (size_t policy = 0; policy < policies; ++policy)
    table.policies.push_back(read_survival(file, group + "/" + std::to_string(policy),
                                           table.spans.size(), table.steps.size()));
  return table;
}

}  // namespace dendrokv
