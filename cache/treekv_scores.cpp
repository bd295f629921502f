#include "cache/treekv_scores.h"

#include <cmath>

#include "cache/random_numbers.h"
#include "data/error.h"

namespace dendrokv {

TreeScores::TreeScores(const Spec& spec, const LanePlace& place)
    : kind_(kind_of(spec.choice("score"))),
      life_(spec.choice("score") == "sum" ? 0 : spec.real("life")),
      decay_(spec.real("decay")),
      restarts_at_entry_(spec.choice("origin") == "entry"),
      seed_(spec.count("seed")),
      place_(place) {}

TreeScores::Kind TreeScores::kind_of(std::string_view score) {
  if (score == "last") return Kind::Last;
  if (score == "ema") return Kind::Ema;
  if (score == "value") return Kind::Value;
  if (score == "keep-left") return Kind::KeepLeft;
  if (score == "keep-right") return Kind::KeepRight;
  if (score == "random") return Kind::Random;
  DENDROKV_ASSERT(score == "mean" || score == "sum");
  return Kind::Mean;
}

ScoreUse tree_score_use(const Spec& spec) {
  return TreeScores(spec, {}).use();
}

ScoreUse TreeScores::use() const {
  const bool blind = kind_ == Kind::KeepLeft || kind_ == Kind::KeepRight || kind_ == Kind::Random;
  return blind ? ScoreUse::Ignored : ScoreUse::Sums;
}

void TreeScores::step(const LaneView& lane, std::optional<Slot> entered) {
  const size_t rows = lane.position.size();
  if (!sum_base_.empty()) {
    sum_base_.resize(rows);
    steps_base_.resize(rows);
  }
  // The entry comes before this step's attention, which counts.
  if (restarts_at_entry_ && entered && use() != ScoreUse::Ignored)
    restart(lane, entered->index(), static_cast<double>(lane.last_weight[entered->index()]), 1);
  if (kind_ != Kind::Ema) return;
  decayed_.resize(rows);
  decayed_steps_.resize(rows);
  if (restarts_at_entry_ && entered)
    decayed_[entered->index()] = decayed_steps_[entered->index()] = 0;
  for (size_t slot = 0; slot < rows; ++slot) {
    decayed_[slot] = decay_ * decayed_[slot] + static_cast<double>(lane.last_weight[slot]);
    decayed_steps_[slot] = decay_ * decayed_steps_[slot] + 1;
  }
}

void TreeScores::restart(const LaneView& lane, size_t slot, double sum, double steps) {
  if (sum_base_.empty()) {
    sum_base_.resize(lane.position.size());
    steps_base_.resize(lane.position.size());
  }
  sum_base_[slot] = lane.weight_sum[slot] - sum;
  steps_base_[slot] = lane.steps(slot) - steps;
}

double TreeScores::mean(const LaneView& lane, size_t slot) const {
  double sum = lane.weight_sum[slot], steps = lane.steps(slot);
  if (!sum_base_.empty()) {
    sum -= sum_base_[slot];
    steps -= steps_base_[slot];
  }
  if (life_ == 1) return sum / steps;
  if (life_ == 0) return sum;
  return sum / std::pow(steps, life_);
}

double TreeScores::of(const LaneView& lane, size_t slot) const {
  switch (kind_) {
    case Kind::Mean:
      return mean(lane, slot);
    case Kind::Last:
      return static_cast<double>(lane.last_weight[slot]);
    case Kind::Ema:
      return decayed_[slot] / decayed_steps_[slot];
    case Kind::Value:
      return mean(lane, slot) * static_cast<double>(lane.value_norm[slot]);
    case Kind::KeepLeft:
      return -static_cast<double>(slot);
    case Kind::KeepRight:
      return static_cast<double>(slot);
    case Kind::Random:
      return static_cast<double>(random_bits({seed_, place_.layer.value, place_.lane.value,
                                              lane.step.value, lane.position[slot].value}) >>
                                 11);
  }
  return 0;
}

void TreeScores::evict(size_t slot) {
  const auto at = static_cast<std::ptrdiff_t>(slot);
  if (kind_ == Kind::Ema) {
    decayed_.erase(decayed_.begin() + at);
    decayed_steps_.erase(decayed_steps_.begin() + at);
  }
  if (sum_base_.empty()) return;
  sum_base_.erase(sum_base_.begin() + at);
  steps_base_.erase(steps_base_.begin() + at);
}

}  // namespace dendrokv
