#pragma once
// One step of a layer as a trace holds it, and the bands of its contributions; what the queries of
// gui/trace_queries are made of.

#include <memory>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "analysis/haar.h"
#include "data/grid.h"
#include "data/trace_reader.h"
#include "gui/trace_queries.h"

namespace dendrokv {

/// Positions whose value rows are in memory at a time; a multiple of the bands' largest block.
inline constexpr size_t kValueBlock = 16384;
static_assert(kValueBlock % (1u << kBandLevels) == 0);

/// One step of some heads of a layer.
struct LayerStep {
  const LayerHeads& layer;
  size_t step_index;
};

/// Weights at one step over a range, NaN replaced by 0: [head, position].
Grid<float> present_weights(const TraceReader& trace, LayerStep of, IndexRange positions);
/// Value rows, NaN replaced by 0: a recording that is under way has not written all of them.
void read_present_values(const TraceReader& trace, size_t layer_index, KvHead kv_head,
                         IndexRange positions, Grid<float>& values);
/// The positions that bands cover of a step's row; none where it is too short.
std::optional<IndexRange> band_window(Step step);

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

}  // namespace dendrokv
