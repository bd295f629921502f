#pragma once
// What runs over a trace cost against the full cache, in one layer (cache/replay_numbers.h).

#include <mutex>
#include <span>
#include <vector>

#include "cache/head_numbers.h"
#include "data/retention.h"
#include "data/run_numbers.h"
#include "data/trace_reader.h"

namespace dendrokv {

/// One layer of a trace, step by step; writes that layer's part of the numbers.
class LayerMeasure {
 public:
  /// numbers[i] are those of runs[i], with room for all layers. `reading` guards the trace.
  LayerMeasure(const TraceReader& trace, std::mutex& reading, std::span<const Run> runs,
               std::span<RunNumbers> numbers, Layer layer);

  void run();

 private:
  void read_values();
  void read_block(IndexRange steps, Grid<float>& block);
  void follow_positions(size_t run, Step step, GridView<const float> weights);
  void follow_lane(size_t run, Lane lane, Step step);
  void measure_heads(size_t run, Step step, size_t step_index, GridView<const float> weights);

  const TraceReader& trace_;
  const TraceInfo& info_;
  std::mutex& reading_;
  std::span<const Run> runs_;
  std::span<RunNumbers> numbers_;
  const Layer layer_;
  std::vector<Grid<float>> values_;  // [kv head] of [position, head_dim]
  // [run][lane, position]: last step above its share
  std::vector<std::vector<uint32_t>> last_share_;
  std::vector<double> mean_;   // [position]
  std::vector<uint8_t> seen_;  // [position]
  HeadMeasure measure_;
};

}  // namespace dendrokv
