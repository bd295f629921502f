#pragma once
// One policy over one lane of recorded attention, step by step.

#include <memory>
#include <span>
#include <vector>

#include "cache/lane_inputs.h"
#include "cache/policies.h"
#include "cache/slot_table.h"
#include "data/grid.h"

namespace dendrokv {

/// What a recording holds of a lane beside its attention; empty where the policy does not ask for
/// it. Must outlive the replay.
struct RecordedRows {
  GridView<const float> keys = {}, values = {};  // [position, head_dim]
  std::span<const float> value_norms = {};       // [position], as in LaneView
  // [position]: sum over all steps of the weight, mean over heads
  std::span<const double> mass = {};
};

/// Open loop. A step's weights, recorded over all positions, are restricted to the rows that the
/// policy still holds and rescaled to sum to one in each query head, then reduced over the group.
/// For a layer given its inputs that is exactly the attention over those rows: a softmax over a
/// subset is the softmax over all, rescaled. (Not so under positions=rank once a row has left: the
/// angle between a key and the query then changes, which no recording can tell.)
class LaneReplay {
 public:
  LaneReplay(const PolicyChoice& choice, Layer layer, Lane lane, uint32_t tokens,
             const RecordedRows& rows = {});
  /// The same with a policy that was made beforehand, as those of a layer that decide together are.
  LaneReplay(std::unique_ptr<Policy> policy, const PolicyShape& shape, Layer layer, Lane lane,
             uint32_t tokens, const RecordedRows& rows = {});

  /// False when no decision of this lane depends on attention: attend() then ignores the weights,
  /// which may be empty.
  bool needs_weights() const { return needs_weights_ || needs_future_; }

  Layer layer() const { return layer_; }
  Lane lane() const { return lane_; }

  /// The next step, from 0: `weights` is [query head of the lane, position 0..step]. What leaves
  /// after it, in time order; valid until the next step. Throws Error when a row that the policy
  /// holds has a weight that is not a number.
  std::span<const Eviction> step(GridView<const float> weights);

  /// The parts of step(), for lanes that decide together: all attend, all look, all decide.
  void attend(GridView<const float> weights);
  void look();
  std::span<const Eviction> decide();

  /// The parts of decide(), for one that follows a record: who would leave, and who does leave, in
  /// time order.
  std::span<const Eviction> propose();
  void evict(std::span<const Position> victims);
  /// Whether the policy can go on after others left than those that it proposed.
  bool can_follow_a_record() const { return policy_->can_follow_a_record(); }
  /// Of the rows held, in time order.
  std::span<const Position> positions() const { return table_.positions(); }

 private:
  void add_weights(GridView<const float> weights);
  /// Overwrites the weights.
  void reduce(std::span<float> weights, double scale);
  void pass_time(GridView<const float> weights);
  LaneView view();

  Layer layer_;
  Lane lane_;
  std::unique_ptr<Policy> policy_;
  GroupRule group_;
  bool reads_weights_, has_sums_, needs_weights_, needs_future_;
  RecordedRows rows_;
  Step next_;
  SlotTable table_;
  LaneInputs inputs_;
  std::vector<float> head_, reduced_;    // [slot]
  std::vector<double> future_;           // [position]: mass of the later steps
  std::vector<double> future_of_slots_;  // [slot]
  std::vector<Eviction> evictions_;      // of the last step
  std::vector<Position> victims_;
  std::vector<Slot> slots_;  // of those
};

}  // namespace dendrokv
