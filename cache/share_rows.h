#pragma once
// What a trace holds of the rows of some KV heads of a layer, as far as policies ask for it.

#include <list>
#include <span>
#include <vector>

#include "cache/lane_replay.h"
#include "data/grid.h"
#include "data/trace_reader.h"

namespace dendrokv {

/// The KV heads of a layer that are worked on at a time: one, or all where a policy decides over
/// the layer.
struct Share {
  Layer layer;
  uint32_t first, count;  // KV heads
};

class ShareRows {
 public:
  /// `info` must outlive the object.
  ShareRows(const TraceInfo& info, const Share& share) : info_(info), share_(share) {}

  /// Keys, values and their norms, those that are wanted. `layer_index` counts recorded layers.
  void read(const TraceReader& trace, size_t layer_index, InputSet wanted);
  /// Adds the weights of some steps to the mass of each position: [query head of the share].
  void add_mass(size_t head, std::span<const float> weights);
  /// The rows of the lane that `heads` query heads read, the first of them `first_head`, counted
  /// within the share. Valid as long as the object.
  RecordedRows of_lane(uint32_t first_head, uint32_t heads);

 private:
  void add_norms(const Grid<float>& rows);
  std::span<const float> mean_norms();
  std::span<const double> mean_mass(uint32_t first_head, uint32_t heads);

  const TraceInfo& info_;
  const Share share_;
  std::vector<Grid<float>> keys_, values_;    // [kv head of the share] of [position, head_dim]
  std::vector<std::vector<float>> norms_;     // [kv head of the share][position]
  std::vector<std::vector<double>> mass_;     // [query head of the share][position]
  std::list<std::vector<float>> lane_norms_;  // handed out
  std::list<std::vector<double>> lane_mass_;
};

}  // namespace dendrokv
