#pragma once
// One policy over one lane of recorded attention, step by step.

#include <memory>
#include <optional>
#include <vector>

#include "cache/policies.h"
#include "cache/slot_table.h"
#include "data/grid.h"

namespace dendrokv {

/// Open loop. A step's weights, recorded over all positions, are restricted to the rows that the
/// policy still holds and rescaled to sum to one in each query head, then averaged over the group.
/// For a layer given its inputs that is exactly the attention over those rows: a softmax over a
/// subset is the softmax over all, rescaled. (Not so under positions=rank once a row has left: the
/// angle between a key and the query then changes, which no recording can tell.)
class LaneReplay {
 public:
  LaneReplay(const PolicyChoice& choice, Layer layer, Lane lane, uint32_t tokens);

  /// False when no decision of this lane depends on attention: step() then ignores the weights,
  /// which may be empty.
  bool needs_weights() const { return needs_weights_; }

  Layer layer() const { return layer_; }
  Lane lane() const { return lane_; }

  /// The next step, from 0: `weights` is [query head of the group, position 0..step]. Throws Error
  /// when a row that the policy holds has a weight that is not a number.
  std::optional<Eviction> step(GridView<const float> weights);

 private:
  void add_weights(GridView<const float> weights);

  Layer layer_;
  Lane lane_;
  std::unique_ptr<Policy> policy_;
  bool needs_weights_;
  Step next_;
  SlotTable table_;
  std::vector<float> head_, mean_;  // [slot]
};

}  // namespace dendrokv
