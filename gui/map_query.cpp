#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "gui/layer_step.h"
#include "gui/trace_queries.h"

namespace dendrokv {
namespace {

constexpr float kAbsent = std::numeric_limits<float>::quiet_NaN();

std::vector<size_t> all_heads(const TraceInfo& info) {
  std::vector<size_t> heads(info.heads.size());
  std::iota(heads.begin(), heads.end(), size_t{0});
  return heads;
}

double mean_of(std::span<const double> values) {
  double sum = 0;
  for (const double value : values) sum += value;
  return sum / static_cast<double>(values.size());
}

/// Band 1 at the end over band 1 at the start; NaN when the range is too short to tell.
float growth_of(std::span<const double> band) {
  if (band.size() < kShortestGrowth) return kAbsent;
  const IndexRange inner = inner_range({0, band.size()});
  const size_t quarter = inner.count / 4;
  const double start = mean_of(band.subspan(inner.first, quarter));
  const double end = mean_of(band.subspan(inner.first + inner.count - quarter, quarter));
  return start > 0 ? static_cast<float>(end / start) : kAbsent;
}

/// - sum w ln w of a row, nat.
float entropy_of(std::span<const float> weights) {
  double sum = 0;
  for (const float weight : weights)
    if (weight > 0) sum -= double{weight} * std::log(double{weight});
  return static_cast<float>(sum);
}

/// What a trace without full rows stores of each: their entropy, and the weight of position 0 where
/// that is among the largest.
void read_reduced_map(const TraceReader& trace, size_t step_index, MapSnapshot& map) {
  const TraceInfo& info = trace.info();
  for (size_t layer = 0; layer < info.layers.size(); ++layer)
    for (size_t head = 0; head < info.heads.size(); ++head) {
      if (info.capture.entropy == EntropyRows::Record)
        trace.read_entropy(layer, head, {step_index, 1}, {&map.entropy(layer, head), 1});
      if (info.capture.top_k == 0) continue;
      Grid<int32_t> position(1, info.capture.top_k);
      Grid<float> weight(1, info.capture.top_k);
      float rest = 0;
      trace.read_top(layer, head, {step_index, 1}, position.view(), weight.view(), {&rest, 1});
      const auto first = std::ranges::find(position.all(), 0);
      if (first != position.all().end())
        map.sink(layer, head) = weight(0, static_cast<size_t>(first - position.all().begin()));
    }
}

/// Entropy, and weight of position 0, of each head of a layer.
void read_weights(const TraceReader& trace, LayerStep of, size_t seen, MapSnapshot& map) {
  const Grid<float> weights = present_weights(trace, of, {0, seen});
  for (size_t head = 0; head < weights.rows(); ++head) {
    map.entropy(of.layer.layer_index, head) = entropy_of(weights.row(head));
    map.sink(of.layer.layer_index, head) = weights(head, 0);
  }
}

/// Growth of each head of a layer; its bands, times `share`, are added to the sum.
void read_bands(const TraceReader& trace, LayerStep of, double share, const Cancelled& cancelled,
                BandSum& sum, MapSnapshot& map) {
  Grid<double> finest(of.layer.heads.size(), map.window.count);
  for_each_band_block(
      trace, of, map.window, cancelled,
      [&](size_t head, const Grid<double>& bands, IndexRange block) {
        sum.add_scaled(bands, block, share);
        std::ranges::copy(bands.row(0), finest.row(head).begin() +
                                            static_cast<ptrdiff_t>(block.first - map.window.first));
      });
  for (size_t head = 0; head < finest.rows(); ++head)
    map.growth(of.layer.layer_index, head) = growth_of(finest.row(head));
}

/// The end of a step's row that a map looks at; empty where the row is too short for bands.
IndexRange map_window(Step step) {
  const IndexRange window = band_window(step).value_or(IndexRange{});
  if (window.count <= kMostMapPositions) return window;
  return {window.first + window.count - kMostMapPositions, kMostMapPositions};
}

}  // namespace

std::shared_ptr<const MapSnapshot> read_map(const TraceReader& trace, size_t step_index,
                                            const Cancelled& cancelled) {
  const TraceInfo& info = trace.info();
  auto map = std::make_shared<MapSnapshot>();
  map->step_index = step_index;
  map->growth = Grid<float>(info.layers.size(), info.heads.size(), kAbsent);
  map->entropy = map->sink = map->growth;
  if (info.capture.rows == FullRows::Omit) {
    read_reduced_map(trace, step_index, *map);
    return map;
  }
  const Step step = info.steps[step_index];
  map->window = map_window(step);
  BandSum sum(map->window);
  LayerHeads heads{0, all_heads(info)};
  const double share = 1.0 / static_cast<double>(info.layers.size() * info.heads.size());
  for (; heads.layer_index < info.layers.size(); ++heads.layer_index) {
    if (cancelled()) return nullptr;
    const LayerStep of{heads, step_index};
    read_weights(trace, of, step.index() + 1, *map);
    if (map->window.count > 0) read_bands(trace, of, share, cancelled, sum, *map);
  }
  if (cancelled()) return nullptr;
  if (map->window.count > 0) map->bands = std::move(sum).curves();
  return map;
}

}  // namespace dendrokv
