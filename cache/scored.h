#pragma once
// Policies that give every row a score and keep the best. Such a policy is one function: what a row
// is worth, over a LaneView. This file decides when a cut happens and who leaves.

#include <algorithm>
#include <functional>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "cache/policy.h"
#include "cache/policy_options.h"

namespace dendrokv {

/// Scores of all rows of the lane, [slot]; the highest stay. Nobody reads those of rows out of
/// reach, which may be anything. They are put into `room`, as long, unless they lie somewhere
/// already; valid until the lane changes.
using ScoreRows =
    std::function<std::span<const double>(const LaneView& lane, std::span<double> room)>;

/// A score and what it looks at.
struct Scoring {
  ScoreRows score;
  ScoreUse attention;
  InputSet inputs = {};
  ScoreGrowth growth = ScoreGrowth::None;
};

/// What a row is worth, if that never changes. Called once for each row of a lane.
using ScoreRow = std::function<double(const LaneView& lane, size_t slot)>;
/// Remembers the scores of the rows of one lane.
ScoreRows lasting_scores(ScoreRow score);

/// When rows leave.
struct Cuts {
  uint64_t prompt = 0;  // tokens that are taken in whole before the first cut; 0 = none
  uint64_t every = 1;   // rows over the budget that make a cut; 0 = only the prompt's end does
  uint64_t spare = 0;   // tokens of a text that is never cut

  /// After a step that leaves `rows` rows.
  bool due(Step step, size_t rows, uint64_t budget) const;
  /// In that step or, if nothing leaves before, in one of the next: of `steps` steps in all.
  bool due_within(size_t steps, Step step, size_t rows, uint64_t budget) const;
};

/// The `count` lowest of the slots [first, last), scores by slot; count <= last - first. In time
/// order; the rival of each is the lowest survivor among the slots, which would have gone next.
class Cut {
 public:
  std::span<const Decision> lowest(std::span<const double> scores, size_t first, size_t last,
                                   size_t count, Tie tie);

 private:
  template <class Before>
  std::span<const Decision> lowest_one(std::span<const double> scores, size_t first, size_t last,
                                       const Before& before);

  std::vector<size_t> order_;
  std::vector<Decision> decisions_;
};

/// What a scored policy of our table does with the rows between `sinks` and `recent`.
class KeepBest final : public Policy {
 public:
  struct Rules {
    uint32_t sinks = 0, recent = 0;
    uint64_t budget = 0;
    Cuts cuts = {};
    Tie tie = Tie::LeftLeaves;

    /// Policy::looks_at_weights() of a policy that reads them at cuts, and then those of the recent
    /// rows' steps at most.
    bool look_at_weights(Step step, size_t rows) const {
      return cuts.due_within(std::max<size_t>(1, recent), step, rows, budget);
    }
  };
  KeepBest(ScoreRows score, const Rules& rules) : score_(std::move(score)), rules_(rules) {}

  std::span<const Decision> step(const LaneView& lane) override;
  bool looks_at_weights(Step step, size_t rows) const override {
    return rules_.look_at_weights(step, rows);
  }

 private:
  ScoreRows score_;
  Rules rules_;
  Cut cut_;
};

KeepBest::Rules keep_best_rules(const Spec& spec);
std::unique_ptr<Policy> make_scored(const Scoring& scoring, const Spec& spec);
PolicyShape scored_shape(const Scoring& scoring, const Spec& spec);

}  // namespace dendrokv
