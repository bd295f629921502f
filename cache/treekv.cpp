// TreeKV (He et al., IJCAI 2025, pp. 8086-8094, arXiv 2501.04987, algorithm 1): a cursor moves through the cache; at every
// step the two neighbours under it compare their attention and the weaker one leaves. Old regions have been thinned many
// times, new ones seldom, so the rows that remain thin out with age like the levels of a binary tree.
//
//   c = capacity, the rows of the tree; the `sinks` rows before them and the `recent` rows after them are out of reach
//   cursor = 0
//   step(n rows in time order; S, C of each since its insertion):
//     if n <= sinks + c + recent: keep all
//     a = sinks + cursor;  b = a + 1       the tree has c + 1 rows now, the last has just left the recent ones
//     if score(a) > score(b): evict b
//     else:                   evict a      a tie evicts the older one
//     cursor = (cursor + 1) mod c
//
// Where the paper contradicts itself or is open, an option decides:
//   cursor=advance    cursor + 1, as its text says: every row is compared once in c evictions, a binary tree
//   cursor=printed    cursor + 2, as its formula idx = (idx + 1) mod c + 1 says (1-based)
//   score=mean        S / C, the mean weight over a row's life (the paper); sum: S; last: this step's weight alone
//   score=keep-left   the older row stays (the paper's ablation, section 4.4); keep-right: the newer; neither reads attention
//   tie=right         a tie evicts the newer one

#include <limits>

#include "cache/make_policy.h"
#include "data/error.h"

namespace dendrokv {
namespace {

enum class Score { Mean, Sum, Last, KeepLeft, KeepRight };
enum class Tie { LeftLeaves, RightLeaves };

struct Parameters {
  size_t sinks, recent, capacity;
  size_t stride;  // of the cursor, per eviction
  Score score;
  Tie tie;
};

double score_of(Score score, const LaneView& lane, size_t slot) {
  if (score == Score::Last) return static_cast<double>(lane.last_weight[slot]);
  if (score == Score::Sum) return lane.weight_sum[slot];
  return lane.weight_sum[slot] / lane.steps[slot];
}

class TreeKv final : public Policy {
 public:
  explicit TreeKv(const Parameters& parameters)
      : parameters_(parameters),
        budget_(parameters.sinks + parameters.capacity + parameters.recent) {}

  std::optional<Decision> step(const LaneView& lane) override {
    if (lane.position.size() <= budget_) return std::nullopt;
    DENDROKV_ASSERT(lane.position.size() == budget_ + 1);
    const size_t left = parameters_.sinks + cursor_;
    cursor_ = (cursor_ + parameters_.stride) % parameters_.capacity;
    return duel(lane, left, left + 1);
  }

 private:
  Decision duel(const LaneView& lane, size_t left, size_t right) const {
    constexpr float kNone = std::numeric_limits<float>::quiet_NaN();
    if (parameters_.score == Score::KeepLeft)
      return {Slot(right), Slot(left), kNone, kNone, Reason::Rule};
    if (parameters_.score == Score::KeepRight)
      return {Slot(left), Slot(right), kNone, kNone, Reason::Rule};
    const double left_score = score_of(parameters_.score, lane, left);
    const double right_score = score_of(parameters_.score, lane, right);
    const bool tie = left_score == right_score;
    const bool left_leaves = tie ? parameters_.tie == Tie::LeftLeaves : left_score < right_score;
    const Reason reason = tie ? Reason::Tie : Reason::Lost;
    const auto left_float = static_cast<float>(left_score);
    const auto right_float = static_cast<float>(right_score);
    if (left_leaves) return {Slot(left), Slot(right), left_float, right_float, reason};
    return {Slot(right), Slot(left), right_float, left_float, reason};
  }

  Parameters parameters_;
  size_t budget_;
  size_t cursor_ = 0;  // left row of the pair, counted from the first row of the tree
};

Score parse_score(std::string_view name) {
  if (name == "mean") return Score::Mean;
  if (name == "sum") return Score::Sum;
  if (name == "last") return Score::Last;
  if (name == "keep-left") return Score::KeepLeft;
  DENDROKV_ASSERT(name == "keep-right");
  return Score::KeepRight;
}

}  // namespace

std::unique_ptr<Policy> make_treekv(const Spec& spec) {
  return std::make_unique<TreeKv>(Parameters{
      .sinks = spec.count("sinks"),
      .recent = spec.count("recent"),
      .capacity = spec.count("capacity"),
      .stride = spec.choice("cursor") == "printed" ? size_t{2} : size_t{1},
      .score = parse_score(spec.choice("score")),
      .tie = spec.choice("tie") == "left" ? Tie::LeftLeaves : Tie::RightLeaves,
  });
}

}  // namespace dendrokv
