#include "gui/trace_queries.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <numeric>

#include "analysis/haar.h"
#include "analysis/modwt.h"

namespace dendrokv {
namespace {

constexpr float kAbsent = std::numeric_limits<float>::quiet_NaN();
/// Positions whose value rows are in memory at a time; a multiple of the bands' largest block.
constexpr size_t kValueBlock = 16384;
static_assert(kValueBlock % (1u << kBandLevels) == 0);

/// One step of some heads of a layer.
struct LayerStep {
  const LayerHeads& layer;
  size_t step_index;
};

/// Weights at one step over a range, NaN replaced by 0: [head, position].
Grid<float> present_weights(const TraceReader& trace, LayerStep of, IndexRange positions) {
  const std::vector<size_t>& heads = of.layer.heads;
  Grid<float> weights(heads.size(), positions.count);
  for (size_t h = 0; h < heads.size(); ++h)
    trace.read_weights(of.layer.layer_index, heads[h], {of.step_index, 1}, positions,
                       weights.view().rows_from(h, 1));
  for (float& weight : weights.all())
    if (std::isnan(weight)) weight = 0;
  return weights;
}

/// Value rows, NaN replaced by 0: a recording that is under way has not written all of them.
void read_present_values(const TraceReader& trace, size_t layer_index, KvHead kv_head,
                         IndexRange positions, Grid<float>& values) {
  trace.read_values(layer_index, kv_head, positions, values.view());
  for (float& value : values.all())
    if (std::isnan(value)) value = 0;
}

std::vector<size_t> all_heads(const TraceInfo& info) {
  std::vector<size_t> heads(info.heads.size());
  std::iota(heads.begin(), heads.end(), size_t{0});
  return heads;
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

/// What the value rows of a range add to a snapshot, head by head: bands of the haar blocks [level,
/// range position], and the lengths of the contributions. `body(head place, bands, range)` is
/// called for each head and block.
template <class Body>
void for_each_band_block(const TraceReader& trace, LayerStep of, IndexRange window,
                         const Cancelled& cancelled, const Body& body) {
  const TraceInfo& info = trace.info();
  for (size_t at = 0; at < window.count && !cancelled(); at += kValueBlock) {
    const IndexRange block{window.first + at, std::min(kValueBlock, window.count - at)};
    const Grid<float> weights = present_weights(trace, of, block);
    for_each_kv_head(info, of.layer.heads, [&](size_t first, size_t count, KvHead kv_head) {
      Grid<float> values(block.count, info.model.head_dim);
      read_present_values(trace, of.layer.layer_index, kv_head, block, values);
      std::vector<Grid<double>> bands(count, Grid<double>(kBandLevels, block.count));
      std::vector<GridView<double>> views;
      for (Grid<double>& grid : bands) views.push_back(grid.view());
      add_haar_profiles(weights.view().rows_from(first, count), values.view(), views);
      for (size_t h = 0; h < count; ++h) body(first + h, bands[h], block);
    });
  }
}

/// Adds weight times |value row| of every position that was seen, of each head of a layer.
void add_contribution_lengths(const TraceReader& trace, LayerStep of, std::span<double> sum,
                              const Cancelled& cancelled) {
  for (size_t first = 0; first < sum.size() && !cancelled(); first += kValueBlock) {
    const IndexRange block{first, std::min(kValueBlock, sum.size() - first)};
    const Grid<float> weights = present_weights(trace, of, block);
    for_each_kv_head(trace.info(), of.layer.heads, [&](size_t head, size_t count, KvHead kv_head) {
      Grid<float> values(block.count, trace.info().model.head_dim);
      read_present_values(trace, of.layer.layer_index, kv_head, block, values);
      for (size_t p = 0; p < block.count; ++p) {
        double square = 0;
        for (const float value : values.row(p)) square += double{value} * double{value};
        for (size_t h = head; h < head + count; ++h)
          sum[first + p] += double{weights(h, p)} * std::sqrt(square);
      }
    });
  }
}

/// The mean over the heads.
std::vector<float> contribution_lengths(const TraceReader& trace, const RowRequest& request,
                                        size_t seen, const Cancelled& cancelled) {
  std::vector<double> sum(seen);
  for (const LayerHeads& layer : request.heads)
    add_contribution_lengths(trace, {layer, request.step_index}, sum, cancelled);
  std::vector<float> mean(seen);
  for (size_t p = 0; p < seen; ++p)
    mean[p] = static_cast<float>(sum[p] / static_cast<double>(head_count(request.heads)));
  return mean;
}

/// Bands of a window, from those of heads and blocks.
class BandSum {
 public:
  explicit BandSum(IndexRange window)
      : window_(window), sum_(kBandLevels, std::vector<float>(window.count)) {}

  void add_scaled(const Grid<double>& bands, IndexRange block, double factor) {
    const size_t first = block.first - window_.first;
    for (size_t level = 0; level < bands.rows(); ++level)
      for (size_t p = 0; p < bands.cols(); ++p)
        sum_[level][first + p] += static_cast<float>(factor * bands(level, p));
  }

  /// [level]; ends the sum, whose memory the curves take over.
  std::vector<Envelope> curves() && {
    std::vector<Envelope> curves;
    for (std::vector<float>& level : sum_) curves.emplace_back(std::move(level), window_.first);
    return curves;
  }

 private:
  IndexRange window_;
  std::vector<std::vector<float>> sum_;  // [level][position of the window]
};

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

/// Weights of one step, the mean over the heads that have a row there.
std::vector<float> mean_weights(const TraceReader& trace, const RowRequest& request, size_t seen) {
  std::vector<double> sum(seen);
  std::vector<uint32_t> count(seen);
  Grid<float> weights(1, seen);
  for (const LayerHeads& layer : request.heads)
    for (const size_t head : layer.heads) {
      trace.read_weights(layer.layer_index, head, {request.step_index, 1}, {0, seen},
                         weights.view());
      for (size_t p = 0; p < seen; ++p) {
        if (std::isnan(weights(0, p))) continue;
        sum[p] += double{weights(0, p)};
        ++count[p];
      }
    }
  std::vector<float> mean(seen, kAbsent);
  for (size_t p = 0; p < seen; ++p)
    if (count[p] > 0) mean[p] = static_cast<float>(sum[p] / count[p]);
  return mean;
}

/// Position 0 takes what no other position wants; next to it nothing else would be seen.
std::vector<float> without_first(std::vector<float> contribution) {
  if (contribution.size() > 1) contribution[0] = contribution[1];
  return contribution;
}

/// The largest of each `unit` values.
std::vector<float> thinned(std::span<const float> values, size_t unit) {
  std::vector<float> largest((values.size() + unit - 1) / unit);
  for (size_t i = 0; i < values.size(); ++i)
    largest[i / unit] = std::max(largest[i / unit], std::abs(values[i]));
  return largest;
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

}  // namespace

Scalogram scalogram_of(std::span<const float> signal) {
  Scalogram scalogram;
  const Wavelet wavelet = find_wavelet("la8");
  if (signal.size() < wavelet.dec_lo.size()) return scalogram;
  const uint32_t levels =
      std::min(kMostScales, deepest_level(signal.size(), wavelet.dec_lo.size()));
  std::vector<float> smooth(signal.begin(), signal.end()), next(signal.size()),
      detail(signal.size());
  for (uint32_t level = 1; level <= levels; ++level) {
    // One level at a time: the memory of three curves, whatever the depth.
    const Modwt transform(wavelet, signal.size(), 1, Undecimated::StationaryNormalised, level - 1);
    const SignalView<float> details[] = {line_view(detail.data(), detail.size())};
    const SignalView<float> smooths[] = {line_view(next.data(), next.size())};
    transform.forward<float>(line_view<const float>(smooth.data(), smooth.size()), details,
                             smooths);
    const size_t unit = level > 3 ? size_t{1} << (level - 3) : 1;
    const Modwt whole(wavelet, signal.size(), level, Undecimated::StationaryNormalised);
    scalogram.levels.push_back({Envelope(thinned(detail, unit)), unit, whole.valid(level)});
    smooth.swap(next);
  }
  return scalogram;
}

void RowSnapshot::sum_up() {
  ranked.clear();
  total = 0;
  for (const float one : weight) {
    if (std::isnan(one)) continue;
    ranked.push_back(one);
    total += double{one};
  }
  std::sort(ranked.begin(), ranked.end(), std::greater<>());
}

size_t RowSnapshot::rank_of(float one) const {
  const auto larger = std::lower_bound(ranked.begin(), ranked.end(), one, std::greater<>());
  return static_cast<size_t>(larger - ranked.begin()) + 1;
}

std::shared_ptr<const RowSnapshot> read_row(const TraceReader& trace, const RowRequest& request,
                                            const Cancelled& cancelled) {
  auto row = std::make_shared<RowSnapshot>();
  row->request = request;
  const Step step = trace.info().steps[request.step_index];
  const size_t seen = step.index() + 1;
  row->weight = mean_weights(trace, request, seen);
  row->sum_up();
  row->contribution = contribution_lengths(trace, request, seen, cancelled);
  if (cancelled()) return nullptr;
  row->scalogram = scalogram_of(without_first(row->contribution));
  const std::optional<IndexRange> window = band_window(step);
  if (!window || cancelled()) return window ? nullptr : row;
  row->window = *window;
  BandSum sum(*window);
  const double share = 1.0 / static_cast<double>(head_count(request.heads));
  for (const LayerHeads& layer : request.heads)
    for_each_band_block(trace, {layer, request.step_index}, *window, cancelled,
                        [&](size_t, const Grid<double>& bands, IndexRange block) {
                          sum.add_scaled(bands, block, share);
                        });
  if (cancelled()) return nullptr;
  row->bands = std::move(sum).curves();
  return row;
}

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
  const size_t seen = step.index() + 1;
  std::optional<IndexRange> window = band_window(step);
  if (window && window->count > kMostMapPositions)
    window = IndexRange{window->first + window->count - kMostMapPositions, kMostMapPositions};
  if (window) map->window = *window;
  BandSum sum(map->window);
  LayerHeads heads{0, all_heads(info)};
  const double share = 1.0 / static_cast<double>(info.layers.size() * info.heads.size());
  for (size_t layer = 0; layer < info.layers.size(); ++layer) {
    if (cancelled()) return nullptr;
    heads.layer_index = layer;
    const Grid<float> weights = present_weights(trace, {heads, step_index}, {0, seen});
    for (size_t head = 0; head < weights.rows(); ++head) {
      map->entropy(layer, head) = entropy_of(weights.row(head));
      map->sink(layer, head) = weights(head, 0);
    }
    if (!window) continue;
    Grid<double> finest(info.heads.size(), window->count);
    for_each_band_block(
        trace, {heads, step_index}, *window, cancelled,
        [&](size_t head, const Grid<double>& bands, IndexRange block) {
          sum.add_scaled(bands, block, share);
          std::copy(bands.row(0).begin(), bands.row(0).end(),
                    finest.row(head).begin() + static_cast<ptrdiff_t>(block.first - window->first));
        });
    for (size_t head = 0; head < finest.rows(); ++head)
      map->growth(layer, head) = growth_of(finest.row(head));
  }
  if (cancelled()) return nullptr;
  if (window) map->bands = std::move(sum).curves();
  return map;
}

IndexRange inner_range(IndexRange window) {
  if (window.count <= 2 * kBandMargin) return {window.first + window.count, 0};
  return {window.first + kBandMargin, window.count - 2 * kBandMargin};
}

}  // namespace dendrokv
