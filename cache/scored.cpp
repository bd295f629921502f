#include "cache/scored.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "data/error.h"

namespace dendrokv {
namespace {

class LastingScores {
 public:
  explicit LastingScores(ScoreRow score) : score_of_(std::move(score)) {}

  std::span<const double> operator()(const LaneView& lane, std::span<double>) {
    forget_departed(lane.position);
    for (size_t slot = position_.size(); slot < lane.position.size(); ++slot) {
      position_.push_back(lane.position[slot]);
      score_.push_back(score_of_(lane, slot));
    }
    return score_;
  }

 private:
  // Rows only leave, and come at the end: up to the first departed row slots agree, behind it none
  // does.
  void forget_departed(std::span<const Position> there) {
    const auto departed = [&] {
      size_t first = 0, last = std::min(position_.size(), there.size());
      while (first < last) {
        const size_t middle = first + (last - first) / 2;
        if (position_[middle] == there[middle])
          first = middle + 1;
        else
          last = middle;
      }
      return first;
    };
    for (size_t slot = departed(); slot < position_.size(); slot = departed()) {
      position_.erase(position_.begin() + static_cast<std::ptrdiff_t>(slot));
      score_.erase(score_.begin() + static_cast<std::ptrdiff_t>(slot));
    }
  }

  ScoreRow score_of_;
  std::vector<Position> position_;  // [slot]
  std::vector<double> score_;       // [slot]
};

constexpr size_t kScoresAtOnce = 16;

// As a tree, so that no comparison waits for more than three others.
template <size_t kCount>
[[gnu::always_inline]] inline double least_of(const double* scores) {
  if constexpr (kCount == 1) {
    return scores[0];
  } else {
    const double a = least_of<kCount / 2>(scores), b = least_of<kCount / 2>(scores + kCount / 2);
    return a < b ? a : b;
  }
}

/// Who leaves first: the lower score, of equals the one that the tie rule names.
struct LeavesBefore {
  std::span<const double> scores;
  Tie tie;

  bool operator()(size_t a, size_t b) const {
    if (scores[a] != scores[b]) return scores[a] < scores[b];
    return tie == Tie::LeftLeaves ? a < b : b < a;
  }
};

}  // namespace

ScoreRows lasting_scores(ScoreRow score) {
  return LastingScores(std::move(score));
}

bool Cuts::due(Step step, size_t rows, uint64_t budget) const {
  const uint64_t arrived = uint64_t{step.value} + 1;
  if (rows <= budget || arrived < prompt || arrived <= spare) return false;
  if (prompt > 0 && arrived == prompt) return true;
  return every > 0 && rows >= budget + every;
}

bool Cuts::due_within(size_t steps, Step step, size_t rows, uint64_t budget) const {
  for (size_t later = 0; later < steps; ++later)
    if (due(Step(step.value + later), rows + later, budget)) return true;
  return false;
}

std::span<const Decision> Cut::lowest(std::span<const double> scores, size_t first, size_t last,
                                      size_t count, Tie tie) {
  DENDROKV_ASSERT(first + count <= last && last <= scores.size());
  const LeavesBefore before{scores, tie};
  decisions_.clear();
  if (count == 0) return decisions_;
  if (count == 1 && last - first > 1) return lowest_one(scores, first, last, before);
  order_.resize(last - first);
  std::iota(order_.begin(), order_.end(), first);
  const auto end = order_.begin() + static_cast<std::ptrdiff_t>(count);
  std::optional<size_t> rival;
  if (end != order_.end()) {
    std::nth_element(order_.begin(), end, order_.end(), before);
    rival = *end;
  }
  std::sort(order_.begin(), end);
  for (auto slot = order_.begin(); slot != end; ++slot) {
    if (!rival) {
      decisions_.push_back(dropped_by_rule(Slot(*slot)));
      decisions_.back().score = static_cast<float>(scores[*slot]);
      continue;
    }
    const Reason reason = scores[*slot] == scores[*rival] ? Reason::Tie : Reason::Lost;
    decisions_.push_back({Slot(*slot), Slot(*rival), static_cast<float>(scores[*slot]),
                          static_cast<float>(scores[*rival]), reason});
  }
  return decisions_;
}

// The most frequent case, in one pass.
template <class Before>
std::span<const Decision> Cut::lowest_one(std::span<const double> scores, size_t first, size_t last,
                                          const Before& before) {
  size_t victim = first, rival = first + 1;
  if (before(rival, victim)) std::swap(victim, rival);
  for (size_t slot = first + 2; slot < last;) {
    const size_t end = std::min(slot + kScoresAtOnce, last);
    if (end - slot == kScoresAtOnce && least_of<kScoresAtOnce>(&scores[slot]) > scores[rival]) {
      slot = end;
      continue;
    }
    for (; slot < end; ++slot) {
      if (!before(slot, rival)) continue;
      rival = slot;
      if (before(rival, victim)) std::swap(victim, rival);
    }
  }
  const Reason reason = scores[victim] == scores[rival] ? Reason::Tie : Reason::Lost;
  decisions_.push_back({Slot(victim), Slot(rival), static_cast<float>(scores[victim]),
                        static_cast<float>(scores[rival]), reason});
  return decisions_;
}

std::span<const Decision> KeepBest::step(const LaneView& lane) {
  const size_t rows = lane.position.size();
  if (!rules_.cuts.due(lane.step, rows, rules_.budget)) return {};
  // Of the thread: room of each lane's own would have to be fetched anew at every step.
  thread_local std::vector<double> room;
  room.resize(std::max(room.size(), rows));
  const std::span<const double> scores = score_(lane, std::span(room).first(rows));
  return cut_.lowest(scores, rules_.sinks, rows - rules_.recent, rows - rules_.budget, rules_.tie);
}

KeepBest::Rules keep_best_rules(const Spec& spec) {
  const PolicyShape shape = shape_of_options(spec);
  return {shape.sinks,
          shape.recent,
          shape.budget,
          {.prompt = shape.prompt, .every = shape.every},
          tie_of(spec)};
}

std::unique_ptr<Policy> make_scored(const Scoring& scoring, const Spec& spec) {
  return std::make_unique<KeepBest>(scoring.score, keep_best_rules(spec));
}

PolicyShape scored_shape(const Scoring& scoring, const Spec& spec) {
  PolicyShape shape = shape_of_options(spec);
  shape.scores = scoring.attention;
  shape.inputs = scoring.inputs;
  shape.growth = scoring.growth;
  return shape;
}

}  // namespace dendrokv
