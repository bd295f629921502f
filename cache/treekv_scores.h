#pragma once
// What the rows of a tree compare. State is kept only for the scores that need it.

#include <vector>

#include "cache/policy.h"
#include "data/catalog.h"

namespace dendrokv {

class TreeScores {
 public:
  /// Reads `score`, `life`, `decay`, `origin` and `seed`.
  TreeScores(const Spec& spec, const LanePlace& place);

  /// Whether a comparison reads attention; else the record holds no scores.
  ScoreUse use() const;
  /// Once per step, before of(): the step's weights come in, and the row in `entered` (if any) has
  /// just come into the tree.
  void step(const LaneView& lane, std::optional<Slot> entered);
  /// Higher stays.
  double of(const LaneView& lane, size_t slot) const;
  /// From now on S and C of a row are what has come in since, plus these.
  void restart(const LaneView& lane, size_t slot, double sum, double steps);
  void evict(size_t slot);
  /// Whether there are numbers here that evict() must be told of.
  bool keeps_row_state() const { return kind_ == Kind::Ema || !sum_base_.empty(); }

 private:
  enum class Kind { Mean, Last, Ema, Value, KeepLeft, KeepRight, Random };
  static Kind kind_of(std::string_view score);
  double mean(const LaneView& lane, size_t slot) const;

  Kind kind_;
  double life_, decay_;
  bool restarts_at_entry_;
  uint64_t seed_;
  LanePlace place_;
  std::vector<double> decayed_, decayed_steps_;  // [slot], of Ema
  std::vector<double> sum_base_, steps_base_;    // [slot]; empty until the first restart()
};

/// What a spec's score looks at; no lane needed.
ScoreUse tree_score_use(const Spec& spec);

}  // namespace dendrokv
