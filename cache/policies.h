#pragma once
// The table of cache policies: name, summary, options, paper, constructor.

#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "cache/policy.h"
#include "data/budget_map.h"

namespace dendrokv {

std::span<const PolicyRow> policy_table();

/// A checked policy spec with its row. Copyable; makes one Policy per lane.
class PolicyChoice {
 public:
  /// "treekv:capacity=512,sinks=4". Throws Error: unknown name or key, value out of range, budget
  /// too small, keys that contradict each other.
  explicit PolicyChoice(std::string_view spec) : PolicyChoice(spec, std::nullopt) {}
  /// The same of a spec on record, beside which the rows of each lane were kept: they count, and
  /// the map that the spec names need not be there any more.
  PolicyChoice(std::string_view spec, const std::optional<BudgetMap>& lane_budget);

  const Spec& spec() const { return spec_; }
  std::string text() const { return spec_.text(); }  // the full spec, every default written out
  /// Of the lane with the most rows, where lanes differ (budget-map, layers that keep more).
  const PolicyShape& shape() const { return shape_; }
  /// Of one lane. With a budget map only where fits() holds.
  PolicyShape lane_shape(Layer layer, Lane lane) const;
  /// The budget of the lane that may hold the fewest rows; 0 = unbounded.
  uint64_t fewest_rows() const;
  /// Whether a budget map, where there is one, is of a model with so many lanes.
  bool fits(uint32_t layers, uint32_t lanes_of_layer) const;
  /// Rows of each lane; nothing = the same for all.
  std::optional<BudgetMap> lane_budget() const {
    return map_ ? std::optional(*map_) : std::nullopt;
  }
  /// For one lane. Of a policy whose lanes decide together, the only lane of its layer. Throws
  /// Error where the spec does not fit the model.
  std::unique_ptr<Policy> make(const LanePlace& place = {}) const;
  /// For all lanes of a layer, in their order.
  std::vector<std::unique_ptr<Policy>> make_layer(LanePlace place) const;

 private:
  Spec lane_spec(Layer layer, Lane lane) const;
  void check_place(const LanePlace& place) const;

  Spec spec_;
  std::shared_ptr<const BudgetMap> map_;
  const PolicyRow* row_;
  PolicyShape shape_;
  std::vector<PolicyShape> lane_shapes_;  // [layer, lane] by a budget map; empty = all have shape_
};

/// The policy of a run on record. Throws Error as PolicyChoice() does.
PolicyChoice policy_of(const Run& run);
/// A run of a policy before its first step: what the policy says of it.
Run run_under(const PolicyChoice& choice, RunMode mode);

}  // namespace dendrokv
