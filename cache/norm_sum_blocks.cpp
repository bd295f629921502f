// The eviction of OpenVINO GenAI (openvino.genai, CacheEvictionConfig, aggregation NORM_SUM): whole
// blocks leave, the one whose rows have been given the least attention per step of their life.
//
//   each step: a[row] = largest weight of rows row .. row + kernel - 1   a pool that looks forward
//              A[row] += a[row]
//   step(n rows):  if n > sinks + capacity + recent:
//     of the blocks of `block` rows between sinks and recent: evict that of the least mean A / C
//
// The scores of a layer's heads are averaged and its heads share one cache (share=layer). OpenVINO
// starts to count with the last 8 queries of the prompt; here rows count from their own step on.

#include <algorithm>
#include <array>

#include "cache/policy_rows.h"
#include "cache/scored.h"
#include "data/error.h"

namespace dendrokv {
namespace {

constexpr std::array kOptions{
    count_option("capacity", "rows that compete in blocks", "864", 1),
    sinks_option("32"),
    recent_option("128"),
    kBudgetOption,
    count_option("block", "rows of a block", "32", 1, 4096),
    count_option("kernel", "rows that the pool looks at", "7", 1, 255),
    kTieOption,
    positions_option("original"),
    share_option("layer"),
    group_option("mean"),
};

class NormSumBlocks final : public Policy {
 public:
  explicit NormSumBlocks(const Spec& spec)
      : rules_(keep_best_rules(spec)), block_(spec.count("block")), kernel_(spec.count("kernel")) {}

  std::span<const Decision> step(const LaneView& lane) override {
    add_pooled(lane.last_weight);
    decisions_.clear();
    if (lane.position.size() <= rules_.budget) return {};
    score_blocks(lane);
    const auto [loser, rival] = lowest_blocks();
    for (size_t row = 0; row < block_; ++row) decisions_.push_back(decision(loser, rival, row));
    const auto first = sums_.begin() + static_cast<std::ptrdiff_t>(slot_of(loser));
    sums_.erase(first, first + static_cast<std::ptrdiff_t>(block_));
    return decisions_;
  }

  bool can_follow_a_record() const override { return false; }

 private:
  void add_pooled(std::span<const float> weights) {
    sums_.resize(weights.size());
    for (size_t slot = 0; slot < weights.size(); ++slot) {
      const auto rows = weights.subspan(slot, std::min(kernel_, weights.size() - slot));
      sums_[slot] += static_cast<double>(*std::max_element(rows.begin(), rows.end()));
    }
  }

  void score_blocks(const LaneView& lane) {
    blocks_.clear();
    const size_t end = lane.position.size() - rules_.recent;
    for (size_t slot = rules_.sinks; slot + block_ <= end; slot += block_) {
      double mean = 0;
      for (size_t row = slot; row < slot + block_; ++row) mean += sums_[row] / lane.steps(row);
      blocks_.push_back(mean / static_cast<double>(block_));
    }
  }

  /// The block that leaves and the one that would have gone next; itself if it is alone.
  std::pair<size_t, size_t> lowest_blocks() {
    const auto decision = cut_.lowest(blocks_, 0, blocks_.size(), 1, rules_.tie)[0];
    return {decision.victim.index(), decision.rival.value_or(decision.victim).index()};
  }

  Decision decision(size_t loser, size_t rival, size_t row) const {
    const auto score = static_cast<float>(blocks_[loser]);
    if (loser == rival) {
      Decision alone = dropped_by_rule(Slot(slot_of(loser) + row));
      alone.score = score;
      return alone;
    }
    const Reason reason = blocks_[loser] == blocks_[rival] ? Reason::Tie : Reason::Lost;
    return {Slot(slot_of(loser) + row), Slot(slot_of(rival) + row), score,
            static_cast<float>(blocks_[rival]), reason};
  }

  size_t slot_of(size_t block) const { return rules_.sinks + block * block_; }

  KeepBest::Rules rules_;
  size_t block_, kernel_;
  std::vector<double> sums_;    // [slot]
  std::vector<double> blocks_;  // [block]
  std::vector<Decision> decisions_;
  Cut cut_;
};

PolicyShape shape(const Spec& spec) {
  PolicyShape shape = shape_of_options(spec);
  shape.scores = ScoreUse::Weights;
  shape.fewest_kept = shape.budget + 1 - std::min(shape.budget, spec.count("block"));
  return shape;
}

void check(const std::string& subject, const Spec& spec) {
  if (spec.count("capacity") < 2 * spec.count("block"))
    fail(subject,
         "capacity=" + std::to_string(spec.count("capacity")) + " with blocks of " +
             std::to_string(spec.count("block")),
         "wanted room for two blocks", "raise the capacity or make blocks smaller");
}

}  // namespace

const PolicyRow kNormSumBlocksRow{
    .spec = {"norm-sum-blocks", "OpenVINO GenAI: drops the block with the least attention per step",
             kOptions},
    .paper = "openvino.genai, NORM_SUM",
    .budget_key = "capacity",
    .shape = shape,
    .make = [](const Spec& spec, const LanePlace&) -> std::unique_ptr<Policy> {
      return std::make_unique<NormSumBlocks>(spec);
    },
    .check = check,
};

}  // namespace dendrokv
