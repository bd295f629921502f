#include "gui/trace_queries.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>

#include "gui/layer_step.h"

namespace dendrokv {
namespace {

constexpr float kAbsent = std::numeric_limits<float>::quiet_NaN();

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

}  // namespace

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

IndexRange inner_range(IndexRange window) {
  if (window.count <= 2 * kBandMargin) return {window.first + window.count, 0};
  return {window.first + kBandMargin, window.count - 2 * kBandMargin};
}

}  // namespace dendrokv
