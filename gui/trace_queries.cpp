#include "gui/trace_queries.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "analysis/haar.h"

namespace dendrokv {
namespace {

constexpr size_t kBlockSteps = 64;
constexpr float kAbsent = std::numeric_limits<float>::quiet_NaN();

size_t factor_for(size_t count, size_t most) {
  return std::max<size_t>(1, (count + most - 1) / std::max<size_t>(1, most));
}

size_t divided_up(size_t count, size_t by) {
  return (count + by - 1) / by;
}

/// Euclidean lengths of the value rows of one KV head, [position of the range].
std::vector<float> value_lengths(const TraceReader& trace, size_t layer_index, KvHead kv_head,
                                 IndexRange positions) {
  Grid<float> rows(positions.count, trace.info().model.head_dim);
  trace.read_values(layer_index, kv_head, positions, rows.view());
  std::vector<float> lengths(positions.count);
  for (size_t p = 0; p < positions.count; ++p) {
    double sum = 0;
    for (const float value : rows.row(p)) sum += double{value} * double{value};
    lengths[p] = static_cast<float>(std::sqrt(sum));
  }
  return lengths;
}

/// Factors of the weights, [head of the request][position of the range]; empty rows mean 1.
std::vector<std::vector<float>> factors_of(const TraceReader& trace, const HeatRequest& request) {
  std::vector<std::vector<float>> factors(request.heads.size());
  if (request.quantity == Quantity::Weight) return factors;
  for (size_t h = 0; h < request.heads.size(); ++h) {
    const KvHead kv_head = trace.info().kv_head_of(trace.info().heads[request.heads[h]]);
    factors[h] = value_lengths(trace, request.layer_index, kv_head, request.positions);
  }
  return factors;
}

/// Adds one head's block to `sum`; NaN stays NaN, so a cell is absent when any head lacks it. All heads
/// of a lane hold the same rows; a mean over lanes counts the lanes that do.
struct MeanBlock {
  Grid<float> sum;
  Grid<uint16_t> count;
  MeanBlock(size_t steps, size_t positions) : sum(steps, positions), count(steps, positions) {}

  void add(GridView<const float> block, std::span<const float> factors) {
    for (size_t r = 0; r < block.rows(); ++r)
      for (size_t c = 0; c < block.cols(); ++c) {
        const float value = block(r, c);
        if (std::isnan(value)) continue;
        sum(r, c) += factors.empty() ? value : value * factors[c];
        ++count(r, c);
      }
  }
  float mean(size_t r, size_t c) const {
    return count(r, c) == 0 ? kAbsent : sum(r, c) / static_cast<float>(count(r, c));
  }
};

void reduce_block(const MeanBlock& block, size_t steps, size_t first_step, HeatSnapshot& heat) {
  for (size_t s = 0; s < steps; ++s) {
    const std::span<float> out = heat.values.row((first_step + s) / heat.row_factor);
    for (size_t c = 0; c < heat.request.positions.count; ++c) {
      const float value = block.mean(s, c);
      float& cell = out[c / heat.column_factor];
      // Written so that a number beats NaN.
      if (!(cell >= value) && !std::isnan(value)) cell = value;
    }
  }
}

/// Cells that count for the colour scale.
std::vector<float> scaled_cells(const HeatSnapshot& heat) {
  const size_t first = heat.request.positions.first;
  const size_t skip = heat.request.unscaled > first
                          ? divided_up(heat.request.unscaled - first, heat.column_factor)
                          : 0;
  std::vector<float> cells;
  for (size_t r = 0; r < heat.values.rows(); ++r)
    for (size_t c = skip; c < heat.values.cols(); ++c)
      if (!std::isnan(heat.values(r, c))) cells.push_back(heat.values(r, c));
  return cells;
}

uint8_t code_of(const HeatSnapshot& heat, const TraceInfo& info, size_t row, size_t column) {
  const float value = heat.values(row, column);
  if (!std::isnan(value))
    return static_cast<uint8_t>(kFirstValueCode +
                                std::lround(heat.scale.fraction(value) * (255 - kFirstValueCode)));
  const HeatRequest& request = heat.request;
  const size_t last_step = std::min((row + 1) * heat.row_factor, request.steps.count) - 1;
  const size_t first_position = request.positions.first + column * heat.column_factor;
  const bool reached = first_position <= info.steps[request.steps.first + last_step].index();
  return reached ? kAbsentCode : kFutureCode;
}

void colour(HeatSnapshot& heat, const TraceInfo& info) {
  heat.scale = asinh_scale(scaled_cells(heat));
  auto codes = std::make_shared<CodeGrid>(heat.values.rows(), heat.values.cols());
  for (size_t r = 0; r < codes->rows(); ++r)
    for (size_t c = 0; c < codes->cols(); ++c) (*codes)(r, c) = code_of(heat, info, r, c);
  heat.codes = std::move(codes);
}

/// Weights of some heads at one step over a range, NaN replaced by 0.
Grid<float> present_weights(const TraceReader& trace, const RowRequest& request,
                            IndexRange positions) {
  Grid<float> weights(request.heads.size(), positions.count);
  for (size_t h = 0; h < request.heads.size(); ++h)
    trace.read_weights(request.layer_index, request.heads[h], {request.step_index, 1}, positions,
                       weights.view().rows_from(h, 1));
  for (float& weight : weights.all())
    if (std::isnan(weight)) weight = 0;
  return weights;
}

std::optional<IndexRange> band_window(Step step) {
  if (step.value + 1 < (1u << kBandLevels)) return std::nullopt;
  return aligned_window(step.value + 1, kBandLevels);
}

/// Calls body(first, count, kv_head) for each run of heads that share a KV head.
template <class Body>
void for_each_kv_head(const TraceInfo& info, std::span<const size_t> heads, const Body& body) {
  for (size_t first = 0; first < heads.size();) {
    size_t end = first + 1;
    const KvHead kv_head = info.kv_head_of(info.heads[heads[first]]);
    while (end < heads.size() && info.kv_head_of(info.heads[heads[end]]) == kv_head) ++end;
    body(first, end - first, kv_head);
    first = end;
  }
}

/// Bands [level, window position] of each head of the request.
std::vector<Grid<double>> window_bands(const TraceReader& trace, const RowRequest& request,
                                       IndexRange window) {
  const TraceInfo& info = trace.info();
  const Grid<float> weights = present_weights(trace, request, window);
  std::vector<Grid<double>> bands(request.heads.size(), Grid<double>(kBandLevels, window.count));
  for_each_kv_head(info, request.heads, [&](size_t first, size_t count, KvHead kv_head) {
    Grid<float> values(window.count, info.model.head_dim);
    trace.read_values(request.layer_index, kv_head, window, values.view());
    std::vector<GridView<double>> views;
    for (size_t h = first; h < first + count; ++h) views.push_back(bands[h].view());
    add_haar_profiles(weights.view().rows_from(first, count), values.view(), views);
  });
  return bands;
}

/// A grid of NaN over positions 0..step, for bands to be added into.
Grid<double> empty_bands(Step step, IndexRange window) {
  Grid<double> bands(kBandLevels, step.index() + 1, std::numeric_limits<double>::quiet_NaN());
  for (size_t level = 0; level < kBandLevels; ++level)
    std::fill_n(bands.row(level).begin() + static_cast<ptrdiff_t>(window.first), window.count, 0.0);
  return bands;
}

void add_scaled(const Grid<double>& bands, size_t first, double factor, Grid<double>& total) {
  for (size_t level = 0; level < bands.rows(); ++level)
    for (size_t p = 0; p < bands.cols(); ++p) total(level, first + p) += factor * bands(level, p);
}

double mean_of(std::span<const double> values) {
  double sum = 0;
  for (const double value : values) sum += value;
  return sum / static_cast<double>(values.size());
}

/// Band 1 at the end over band 1 at the start; NaN when the range is too short to tell.
float growth_of(const Grid<double>& bands) {
  if (bands.cols() < kShortestGrowth) return kAbsent;
  const IndexRange inner = inner_range({0, bands.cols()});
  const size_t quarter = inner.count / 4;
  const std::span<const double> band = bands.row(0);
  const double start = mean_of(band.subspan(inner.first, quarter));
  const double end = mean_of(band.subspan(inner.first + inner.count - quarter, quarter));
  return start > 0 ? static_cast<float>(end / start) : kAbsent;
}

}  // namespace

bool HeatRequest::operator==(const HeatRequest& other) const {
  const auto key = [](const HeatRequest& request) {
    return std::array<size_t, 9>{request.layer_index,     static_cast<size_t>(request.quantity),
                                 request.steps.first,     request.steps.count,
                                 request.positions.first, request.positions.count,
                                 request.most_rows,       request.most_columns,
                                 request.unscaled};
  };
  return key(*this) == key(other) && heads == other.heads;
}

std::shared_ptr<const HeatSnapshot> read_heat(const TraceReader& trace, const HeatRequest& request,
                                              const Cancelled& cancelled) {
  auto heat = std::make_shared<HeatSnapshot>();
  heat->request = request;
  heat->row_factor = factor_for(request.steps.count, request.most_rows);
  heat->column_factor = factor_for(request.positions.count, request.most_columns);
  heat->values = Grid<float>(divided_up(request.steps.count, heat->row_factor),
                             divided_up(request.positions.count, heat->column_factor), kAbsent);
  const std::vector<std::vector<float>> factors = factors_of(trace, request);
  Grid<float> block(kBlockSteps, request.positions.count);
  for (size_t first = 0; first < request.steps.count; first += kBlockSteps) {
    const size_t steps = std::min(kBlockSteps, request.steps.count - first);
    const GridView<float> rows = block.view().rows_from(0, steps);
    MeanBlock mean(steps, request.positions.count);
    for (size_t h = 0; h < request.heads.size(); ++h) {
      if (cancelled()) return nullptr;
      trace.read_weights(request.layer_index, request.heads[h],
                         {request.steps.first + first, steps}, request.positions, rows);
      mean.add(rows, factors[h]);
    }
    reduce_block(mean, steps, first, *heat);
  }
  colour(*heat, trace.info());
  return heat;
}

std::shared_ptr<const RowSnapshot> read_row(const TraceReader& trace, const RowRequest& request,
                                            const Cancelled& cancelled) {
  auto row = std::make_shared<RowSnapshot>();
  row->request = request;
  const Step step = trace.info().steps[request.step_index];
  const size_t seen = step.index() + 1;
  MeanBlock mean(1, seen);
  Grid<float> weights(1, seen);
  for (const size_t head : request.heads) {
    trace.read_weights(request.layer_index, head, {request.step_index, 1}, {0, seen},
                       weights.view());
    mean.add(weights.view(), {});
  }
  for (size_t p = 0; p < seen; ++p) row->weight.push_back(mean.mean(0, p));
  if (cancelled()) return nullptr;
  const std::optional<IndexRange> window = band_window(step);
  if (!window) return row;
  row->window = *window;
  row->bands = empty_bands(step, *window);
  for (const Grid<double>& bands : window_bands(trace, request, *window))
    add_scaled(bands, window->first, 1.0 / static_cast<double>(request.heads.size()), row->bands);
  return row;
}

std::shared_ptr<const MapSnapshot> read_map(const TraceReader& trace, size_t step_index,
                                            const Cancelled& cancelled) {
  const TraceInfo& info = trace.info();
  auto map = std::make_shared<MapSnapshot>();
  map->step_index = step_index;
  map->growth = Grid<float>(info.layers.size(), info.heads.size(), kAbsent);
  const Step step = info.steps[step_index];
  const std::optional<IndexRange> window = band_window(step);
  if (!window) return map;
  map->window = *window;
  map->bands = empty_bands(step, *window);
  RowRequest request{0, {}, step_index};
  for (size_t head = 0; head < info.heads.size(); ++head) request.heads.push_back(head);
  const double share = 1.0 / static_cast<double>(info.layers.size() * info.heads.size());
  for (size_t layer = 0; layer < info.layers.size(); ++layer) {
    if (cancelled()) return nullptr;
    request.layer_index = layer;
    const std::vector<Grid<double>> bands = window_bands(trace, request, *window);
    for (size_t head = 0; head < bands.size(); ++head) {
      map->growth(layer, head) = growth_of(bands[head]);
      add_scaled(bands[head], window->first, share, map->bands);
    }
  }
  return map;
}

IndexRange inner_range(IndexRange window) {
  if (window.count <= 2 * kBandMargin) return {window.first + window.count, 0};
  return {window.first + kBandMargin, window.count - 2 * kBandMargin};
}

}  // namespace dendrokv
