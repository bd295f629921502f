// TreeKV (He et al., IJCAI 2025, pp. 8086-8094, arXiv 2501.04987, algorithm 1): a cursor moves
// through the cache; at every step the neighbours under it compare their attention and the weakest
// leaves. Old regions have been thinned many times, new ones seldom, so the rows that remain thin
// out with age like the levels of a binary tree.
//
//   c = capacity, the rows of the tree; the `sinks` rows before them and the `recent` rows after
//   them are out of reach; K = scope, 2 in the paper
//   cursor = 0
//   step(n rows in time order; S, C of each since its insertion):
//     if n <= sinks + c + recent: keep all
//     scope = rows sinks + cursor .. sinks + cursor + K - 1  the tree has c + 1 rows now: the last
//                                                            has just left the recent ones
//     evict the row of the scope with the lowest score; of equals the oldest
//     if cursor = c + 1 - K: cursor = 0, else cursor = min(cursor + stride, c + 1 - K)
//
// With K = 2 this is cursor = (cursor + 1) mod c. `scope=all,score=sum` is H2O. The rival of a
// victim is the row of the scope that would have gone next; its tree level is the number of rows it
// has outlived.
//
// Where the paper contradicts itself or is open, an option decides; docs/policies.md says how. A
// prompt (prompt=TOKENS) is taken in whole and cut in blocks at its end, cache/treekv_prefill.h.

#include <algorithm>
#include <array>
#include <limits>
#include <utility>

#include "cache/policy_options.h"
#include "cache/policy_rows.h"
#include "cache/random_numbers.h"
#include "cache/treekv_options.h"
#include "cache/treekv_prefill.h"
#include "cache/treekv_scores.h"

namespace dendrokv {
namespace {

class TreeKv final : public Policy {
 public:
  TreeKv(const Spec& spec, const LanePlace& place)
      : parameters_(tree_parameters(spec)),
        place_(place),
        scores_(spec, place),
        budget_(parameters_.sinks + parameters_.capacity + parameters_.recent) {}

  std::span<const Decision> step(const LaneView& lane) override {
    decisions_.clear();
    scores_.step(lane, entered(lane));
    const uint64_t arrived = uint64_t{lane.step.value} + 1;
    if (lane.position.size() <= budget_ || arrived < parameters_.prompt) return {};
    if (arrived == parameters_.prompt) {
      cut_prompt(lane);
    } else {
      const Decision decision = duel(lane, parameters_.sinks + place_of_scope(lane));
      decisions_.push_back(decision);
      scores_.evict(decision.victim.index());
    }
    return decisions_;
  }

  bool can_follow_a_record() const override { return !scores_.keeps_row_state(); }

 private:
  /// The row that this step's newcomer has pushed out of the recent ones.
  std::optional<Slot> entered(const LaneView& lane) const {
    const size_t rows = lane.position.size();
    if (rows <= parameters_.sinks + parameters_.recent) return std::nullopt;
    return Slot(rows - 1 - parameters_.recent);
  }

  /// First row of the scope, counted from the first row of the tree.
  size_t place_of_scope(const LaneView& lane) {
    const size_t last = parameters_.capacity + 1 - parameters_.scope;
    if (parameters_.pick == TreePick::Random)
      return random_below(
          last + 1, {parameters_.seed, place_.layer.value, place_.lane.value, lane.step.value});
    if (parameters_.pick == TreePick::Gap) return closest_rows(lane, last);
    const size_t place = cursor_;
    if (parameters_.printed)
      cursor_ = (cursor_ + 2) % parameters_.capacity;
    else
      cursor_ = cursor_ == last ? 0 : std::min(cursor_ + parameters_.stride, last);
    return place;
  }

  /// Of all places of the scope the one whose rows lie closest in the text, the oldest of equals.
  size_t closest_rows(const LaneView& lane, size_t last) const {
    size_t closest = 0;
    uint32_t least = std::numeric_limits<uint32_t>::max();
    for (size_t place = 0; place <= last; ++place) {
      const size_t first = parameters_.sinks + place;
      const uint32_t gap =
          lane.position[first + parameters_.scope - 1].value - lane.position[first].value;
      if (gap < least) closest = place;
      least = std::min(least, gap);
    }
    return closest;
  }

  Decision duel(const LaneView& lane, size_t first) const {
    const auto leaves_before = [&](double score, double other) {
      return score < other || (score == other && parameters_.tie == Tie::RightLeaves);
    };
    size_t victim = first, rival = first;  // the same: no rival yet
    double lowest = scores_.of(lane, first), next = 0;
    for (size_t slot = first + 1; slot < first + parameters_.scope; ++slot) {
      const double score = scores_.of(lane, slot);
      if (leaves_before(score, lowest)) {
        rival = std::exchange(victim, slot);
        next = std::exchange(lowest, score);
      } else if (rival == victim || leaves_before(score, next)) {
        rival = slot;
        next = score;
      }
    }
    if (scores_.use() == ScoreUse::Ignored) return dropped_by_rule(Slot(victim), Slot(rival));
    return {Slot(victim), Slot(rival), static_cast<float>(lowest), static_cast<float>(next),
            lowest == next ? Reason::Tie : Reason::Lost};
  }

  void cut_prompt(const LaneView& lane);
  void start_decoding(const LaneView& lane, std::span<const double> sums);

  TreeParameters parameters_;
  LanePlace place_;
  TreeScores scores_;
  size_t budget_;
  size_t cursor_ = 0;  // first row of the scope, counted from the first row of the tree
  std::vector<Decision> decisions_;
};

/// Block scores; those that read no attention order blocks as they order rows.
std::vector<double> block_scores(const TreeScores& rows, const LaneView& lane,
                                 std::span<const TokenBlock> blocks) {
  std::vector<double> scores;
  for (const TokenBlock& block : blocks)
    scores.push_back(rows.use() != ScoreUse::Ignored ? block.score : rows.of(lane, block.first));
  return scores;
}

void TreeKv::cut_prompt(const LaneView& lane) {
  std::vector<double> sums = window_sums(lane.window);
  sums.resize(lane.position.size());
  start_decoding(lane, sums);
  if (!lane.value_norm.empty())
    for (size_t slot = 0; slot < sums.size(); ++slot)
      sums[slot] *= static_cast<double>(lane.value_norm[slot]);
  const size_t last = lane.position.size() - parameters_.rows_behind_blocks();
  const auto blocks =
      cut_in_blocks(parameters_.sinks, last, parameters_.block, parameters_.ragged, sums);
  const bool compared = scores_.use() != ScoreUse::Ignored;
  for (const BlockDuel& duel :
       block_duels(block_scores(scores_, lane, blocks), parameters_.block_places(),
                   parameters_.printed ? 2 : 1, parameters_.tie)) {
    const TokenBlock &loser = blocks[duel.loser], &winner = blocks[duel.winner];
    const Reason reason = duel.score == duel.rival_score ? Reason::Tie : Reason::Lost;
    for (size_t token = 0; token < loser.size; ++token) {
      const Slot victim(loser.first + token);
      const Slot rival(winner.first + std::min(token, winner.size - 1));
      if (compared)
        decisions_.push_back({victim, rival, static_cast<float>(duel.score),
                              static_cast<float>(duel.rival_score), reason});
      else
        decisions_.push_back(dropped_by_rule(victim, rival));
    }
  }
  std::ranges::sort(decisions_, {}, &Decision::victim);
  for (size_t leaves = decisions_.size(); leaves-- > 0;)
    scores_.evict(decisions_[leaves].victim.index());
  cursor_ = 0;
}

// A token outside the window was seen by all of its queries, one inside by its own and those after.
void TreeKv::start_decoding(const LaneView& lane, std::span<const double> sums) {
  if (!parameters_.start_from_window || scores_.use() == ScoreUse::Ignored) return;
  const size_t rows = lane.position.size();
  for (size_t slot = 0; slot < rows; ++slot)
    scores_.restart(lane, slot, sums[slot],
                    static_cast<double>(std::min(lane.window.rows(), rows - slot)));
}

constexpr std::array kOptions{
    count_option("capacity", "rows of the tree", "512", 1),
    sinks_option("4"),
    recent_option("508"),
    kBudgetOption,
    kBudgetMapOption,
    word_option("cursor", "moves by one row, or by two as the paper's formula", "advance|printed",
                "advance"),
    word_option("score", "what the rows of a scope compare",
                "mean|sum|last|ema|value|keep-left|keep-right|random", "mean"),
    kTieOption,
    OptionRow{"scope", "neighbours that compete: 2 in the paper, all as in H2O",
              OptionType::CountOrWord, "2", 2, kMostRows, "all"},
    word_option("stride", "the cursor moves by one row, or past the scope", "1|pass", "1"),
    word_option("pick", "the scope is where the cursor is, anywhere, or where rows lie closest",
                "cursor|random|gap", "cursor"),
    real_option("life", "a row's sum is divided by its steps to this power", "1", 0, 1),
    real_option("decay", "score=ema: what a step leaves of the weights before it", "0.98", 0, 1),
    word_option("origin", "scores count from the row's own step, or from its entry into the tree",
                "insertion|entry", "insertion"),
    count_option("prompt", "tokens of a prompt that is taken in whole and cut in blocks; 0 = none",
                 "0", 0),
    count_option("block", "tokens of a block of the prompt", "16", 1, 4096),
    word_option("ragged", "which block of the prompt is the short one", "newest|oldest", "newest"),
    word_option("window", "whether the prompt's last block can leave", "exempt|competes", "exempt"),
    word_option("start", "scores after the prompt: of its last block's queries, or of all",
                "window|all", "window"),
    kSeedOption,
    positions_option("rank"),
    share_option("kv-head"),
    group_option("mean"),
};

}  // namespace

const PolicyRow kTreeKvRow{
    .spec = {"treekv", "TreeKV: neighbours compete under a moving cursor, a tree over age",
             kOptions},
    .paper = "He et al., IJCAI 2025, arXiv 2501.04987",
    .budget_key = "capacity",
    .shape = tree_shape,
    .make = [](const Spec& spec, const LanePlace& place) -> std::unique_ptr<Policy> {
      return std::make_unique<TreeKv>(spec, place);
    },
    .check = check_tree,
};

}  // namespace dendrokv
