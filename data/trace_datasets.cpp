#include "data/trace_datasets.h"

#include <algorithm>

#include "data/budget_map.h"
#include "data/error.h"
#include "data/file_root.h"
#include "data/trace_facts.h"

namespace dendrokv {
namespace {

void store_root(h5::File& file, TraceInfo& info) {
  FileRoot root{info.uuid, info.created, info.creator, info.command_line};
  write_root(file, "dendrokv-trace", root);
  info.uuid = root.uuid;
  info.created = root.created;
  info.creator = root.creator;
}

h5::Dataset create_rows(h5::File& file, const TraceInfo& info, const RowLayout& layout) {
  h5::Shape shape = {info.layers.size(), info.heads.size(), info.steps.size()};
  h5::Shape chunk = {1, layout.chunk_heads, layout.chunk_steps};
  if (layout.has_columns) {
    shape.push_back(layout.columns);
    chunk.push_back(layout.chunk_columns);
  }
  h5::Dataset rows = file.create_dataset(layout.path, stored_type(layout.cell, info.encoding),
                                         shape, chunk, h5::Fill::Absent);
  if (layout.set == RowSet::Weight) file.write_attribute(layout.path, "policy", info.policy);
  if (layout.set == RowSet::Entropy) file.write_attribute(layout.path, "units", "nat");
  if (layout.cell != CellType::Encoded) return rows;
  file.write_attribute(layout.path, "encoding", encoding_name(info.encoding));
  if (info.encoding == Encoding::U8)
    file.write_attribute(layout.path, "code_table", u8_code_table());
  return rows;
}

std::vector<TraceDatasets::Rows> create_attention(h5::File& file, const TracePlan& plan) {
  const TraceInfo& info = plan.info;
  file.create_group("/attention");
  if (!info.source.empty()) {
    file.write_attribute("/tokens", "source", info.source);
    file.write_attribute("/tokens", "source_first", info.source_first);
  }
  file.write_attribute("/attention", "policy", info.policy);
  if (info.lane_budget) write_lane_budget(file, "/attention/lane_budget", *info.lane_budget);
  file.write_attribute("/attention", "encoding", encoding_name(info.encoding));
  file.write_attribute("/attention", "top_k", uint64_t{info.capture.top_k});
  file.write_attribute("/attention", "pool", uint64_t{info.capture.pool});
  std::vector<TraceDatasets::Rows> rows;
  for (const RowLayout& layout : plan.layouts())
    rows.push_back({layout, create_rows(file, info, layout)});
  store_ids(file, "/attention/layer", info.layers);
  store_ids(file, "/attention/head", info.heads);
  store_ids(file, "/attention/step", info.steps);
  return rows;
}

h5::Dataset create_steps_valid(h5::File& file) {
  h5::Dataset dataset =
      file.create_dataset("/attention/steps_valid", h5::Type::U64, {1}, {}, h5::Fill::Zero);
  const uint64_t none = 0;
  dataset.write(&none);
  return dataset;
}

/// `group` is "/value" or "/key", and the dataset in it has its name.
h5::Dataset create_kv_rows(h5::File& file, const TraceInfo& info, const std::string& group) {
  const h5::Shape shape = {info.layers.size(), info.model.kv_heads, info.tokens,
                           info.model.head_dim};
  const h5::Shape chunk = {1, 1, kv_chunk_rows(info), info.model.head_dim};
  file.create_group(group);
  return file.create_dataset(group + group, kv_type(info), shape, chunk, h5::Fill::Absent);
}

h5::Dataset create_loss(h5::File& file, const TraceInfo& info) {
  file.create_group("/loss");
  h5::Dataset dataset =
      file.create_dataset("/loss/nll", h5::Type::F32, {info.tokens}, {}, h5::Fill::Absent);
  file.write_attribute("/loss/nll", "units", "nat");
  return dataset;
}

void create_default_plot(h5::File& file, const TraceDatasets& datasets) {
  if (!datasets.pyramid) return write_default_plot(file, datasets.rows.back().layout.path);
  const std::string coarsest = datasets.pyramid->coarsest();
  const DefaultAxis axes[] = {{"layer", "/attention/layer"},
                              {"head", "/attention/head"},
                              {"step", coarsest + "/step"},
                              {"position", coarsest + "/position"}};
  write_default_plot(file, coarsest + "/max", axes);
}

// The root, what the trace is of, and its rows.
std::vector<TraceDatasets::Rows> create_facts_and_rows(h5::File& file, TracePlan& plan) {
  store_root(file, plan.info);
  store_model(file, plan.info.model);
  store_tokens(file, plan.tokens);
  return create_attention(file, plan);
}

}  // namespace

TraceDatasets::TraceDatasets(h5::File& file, TracePlan& plan)
    : rows(create_facts_and_rows(file, plan)),
      value(create_kv_rows(file, plan.info, "/value")),
      loss(create_loss(file, plan.info)),
      steps_valid(create_steps_valid(file)) {
  if (plan.info.keys == KeyRows::Record) key.emplace(create_kv_rows(file, plan.info, "/key"));
  if (plan.info.capture.rows == FullRows::Record)
    pyramid.emplace(file, plan.info, plan.chunk_shape(), plan.counts);
  create_default_plot(file, *this);
}

TraceDatasets::Rows& TraceDatasets::rows_of(RowSet set) {
  const auto found =
      std::ranges::find_if(rows, [&](const Rows& of_set) { return of_set.layout.set == set; });
  DENDROKV_ASSERT(found != rows.end());
  return *found;
}

}  // namespace dendrokv
