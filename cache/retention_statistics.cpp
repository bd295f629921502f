#include "cache/retention_statistics.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>

#include "data/error.h"

namespace dendrokv {
namespace {

constexpr double kNone = std::numeric_limits<double>::quiet_NaN();

template <class Visit>
void for_each_lane(const Run& run, Visit visit) {
  for (Layer layer; layer.value < run.retention.layers(); layer = layer.next())
    for (Lane lane; lane.value < run.retention.lanes(); lane = lane.next()) visit(layer, lane);
}

bool is_kept(int32_t evict_step, Step step) {
  return evict_step < 0 || static_cast<uint32_t>(evict_step) > step.value;
}

/// evict_step of the positions 0..step.
std::span<const int32_t> arrived(const Run& run, Layer layer, Lane lane, Step step) {
  DENDROKV_ASSERT(step.value < run.retention.tokens());
  return run.retention.evict_step(layer, lane).first(step.index() + 1);
}

/// Number of lanes that hold each position after the step, [position 0..step].
std::vector<uint32_t> holders(const Run& run, Step step) {
  std::vector<uint32_t> lanes(step.index() + 1);
  for_each_lane(run, [&](Layer layer, Lane lane) {
    const auto evict_step = arrived(run, layer, lane, step);
    for (size_t position = 0; position < lanes.size(); ++position)
      lanes[position] += is_kept(evict_step[position], step);
  });
  return lanes;
}

/// First distances of the bins up to `farthest`, and one past it.
std::vector<uint32_t> bin_edges(uint32_t farthest, unsigned bins_per_octave) {
  DENDROKV_ASSERT(bins_per_octave > 0);
  std::vector<uint32_t> edges;
  for (unsigned bin = 0;; ++bin) {
    const auto edge =
        static_cast<uint32_t>(std::ceil(std::exp2(static_cast<double>(bin) / bins_per_octave)));
    if (edge > farthest) break;
    if (edges.empty() || edge > edges.back()) edges.push_back(edge);
  }
  edges.push_back(farthest + 1);
  return edges;
}

size_t recorded_step(const TraceInfo& info, Step step) {
  const auto at = std::lower_bound(info.steps.begin(), info.steps.end(), step);
  if (at == info.steps.end() || *at != step)
    fail("trace", "did not record step " + std::to_string(step.value), "wanted its attention");
  return static_cast<size_t>(at - info.steps.begin());
}

void check_same_text(const TraceInfo& info, const Run& run) {
  if (!run.trace_uuid.empty() && run.trace_uuid != info.uuid)
    fail("run of policy '" + run.policy + "'", "belongs to trace " + run.trace_uuid,
         "wanted one of trace " + info.uuid);
  const Retention& retention = run.retention;
  const uint32_t lanes = lane_count(run.lane_kind, info.model.heads, info.model.kv_heads);
  if (retention.layers() != info.model.layers || retention.lanes() != lanes ||
      retention.tokens() != info.tokens)
    fail("run of policy '" + run.policy + "'", "has other layers, lanes or tokens than the trace",
         "wanted [" + std::to_string(info.model.layers) + ", " + std::to_string(lanes) + ", " +
             std::to_string(info.tokens) + "]");
}

/// Indices of the recorded heads that read a lane.
std::vector<size_t> heads_of(const TraceInfo& info, const Run& run, Lane lane) {
  const uint32_t heads_per_lane = info.model.heads / run.retention.lanes();
  std::vector<size_t> indices;
  for (size_t index = 0; index < info.heads.size(); ++index)
    if (info.heads[index].value / heads_per_lane == lane.value) indices.push_back(index);
  return indices;
}

/// By a budget map a lane may have fewer rows than the run's recent ones.
double law_of_lane(const Run& run, uint64_t budget, Step step, uint32_t distance) {
  const uint64_t free = budget - std::min<uint64_t>(budget, run.sinks);
  const uint64_t recent = std::min<uint64_t>(run.recent, free), capacity = free - recent;
  if (step.value < budget || distance <= recent) return 1;
  if (capacity == 0) return 0;
  const uint64_t generation = (distance - recent - 1) / capacity + 1;
  return std::exp2(-static_cast<double>(generation));
}

}  // namespace

RowsHeld rows_held(const Run& run, Step step) {
  RowsHeld held{0, std::numeric_limits<uint32_t>::max(), 0};
  uint64_t sum = 0, lanes = 0;
  for_each_lane(run, [&](Layer layer, Lane lane) {
    const auto evict_step = arrived(run, layer, lane, step);
    const auto rows = static_cast<uint32_t>(std::count_if(
        evict_step.begin(), evict_step.end(), [&](int32_t when) { return is_kept(when, step); }));
    held.fewest = std::min(held.fewest, rows);
    held.most = std::max(held.most, rows);
    sum += rows;
    ++lanes;
  });
  DENDROKV_ASSERT(lanes > 0);
  held.mean = static_cast<double>(sum) / static_cast<double>(lanes);
  return held;
}

Reach reach(const Run& run, Step step) {
  const std::vector<uint32_t> lanes = holders(run, step);
  Reach found{kNone, std::nullopt};
  uint64_t rows = 0, age_sum = 0;
  for (size_t position = run.sinks; position < lanes.size(); ++position) {
    if (lanes[position] && !found.oldest_kept) found.oldest_kept = Position(position);
    rows += lanes[position];
    age_sum += lanes[position] * (step.index() - position);
  }
  if (rows) found.mean_age = static_cast<double>(age_sum) / static_cast<double>(rows);
  return found;
}

std::optional<Position> oldest_kept(const Run& run, Layer layer, Lane lane, Step step) {
  const auto evict_step = arrived(run, layer, lane, step);
  for (size_t position = run.sinks; position < evict_step.size(); ++position)
    if (is_kept(evict_step[position], step)) return Position(position);
  return std::nullopt;
}

std::vector<DistanceBin> density_by_distance(const Run& run, Step step, unsigned bins_per_octave) {
  std::vector<DistanceBin> bins;
  if (step.value + 1 <= run.sinks) return bins;
  const uint32_t farthest = step.value + 1 - run.sinks;
  const std::vector<uint32_t> lanes = holders(run, step);
  const double all_lanes = static_cast<double>(run.retention.layers()) * run.retention.lanes();
  const std::vector<uint32_t> edges = bin_edges(farthest, bins_per_octave);
  for (size_t bin = 0; bin + 1 < edges.size(); ++bin) {
    double kept = 0, law = 0;
    for (uint32_t distance = edges[bin]; distance < edges[bin + 1]; ++distance) {
      kept += lanes[step.value + 1 - distance] / all_lanes;
      law += tree_law(run, step, distance);
    }
    const double width = edges[bin + 1] - edges[bin];
    bins.push_back({edges[bin], edges[bin + 1] - 1, kept / width, law / width});
  }
  return bins;
}

double tree_law(const Run& run, Step step, uint32_t distance) {
  DENDROKV_ASSERT(distance > 0);
  if (run.budget == 0) return 1;
  if (!run.lane_budget) return law_of_lane(run, run.budget, step, distance);
  double sum = 0;
  for (const uint32_t rows : run.lane_budget->rows) sum += law_of_lane(run, rows, step, distance);
  return sum / static_cast<double>(run.lane_budget->rows.size());
}

double retained_mass(const Run& run, Layer layer, Lane lane, Step step,
                     GridView<const float> weights) {
  DENDROKV_ASSERT(weights.rows() > 0 && weights.cols() == step.index() + 1);
  const auto evict_step = arrived(run, layer, lane, step);
  double mean = 0;
  for (size_t head = 0; head < weights.rows(); ++head) {
    double all = 0, seen = 0;
    for (size_t position = 0; position < weights.cols(); ++position) {
      const auto weight = static_cast<double>(weights(head, position));
      const int32_t when = evict_step[position];
      all += weight;
      seen += when < 0 || static_cast<uint32_t>(when) >= step.value ? weight : 0;
    }
    mean += seen / all;
  }
  return mean / static_cast<double>(weights.rows());
}

Grid<float> retained_mass(const TraceReader& trace, const Run& run, Step step) {
  const TraceInfo& info = trace.info();
  check_same_text(info, run);
  const IndexRange rows{recorded_step(info, step), 1};
  const uint32_t lanes = run.retention.lanes();
  Grid<float> mass(info.model.layers, lanes, std::numeric_limits<float>::quiet_NaN());
  Grid<float> weights(info.model.heads / lanes, step.index() + 1);  // [head of the lane, position]
  for (size_t layer_index = 0; layer_index < info.layers.size(); ++layer_index)
    for (Lane lane; lane.value < lanes; lane = lane.next()) {
      const std::vector<size_t> heads = heads_of(info, run, lane);
      if (heads.empty()) continue;
      const GridView<float> recorded = weights.view().rows_from(0, heads.size());
      for (size_t head = 0; head < heads.size(); ++head)
        trace.read_weights(layer_index, heads[head], rows, {0, weights.cols()},
                           recorded.rows_from(head, 1));
      const Layer layer = info.layers[layer_index];
      mass(layer.index(), lane.index()) =
          static_cast<float>(retained_mass(run, layer, lane, step, recorded));
    }
  return mass;
}

}  // namespace dendrokv
