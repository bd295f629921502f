#include "cache/lane_replay.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <string>

#include "data/error.h"

namespace dendrokv {
namespace {

/// Weights of the rows present, [slot]; returns their sum.
double gather(std::span<const float> weights, std::span<const Position> rows,
              std::span<float> present) {
  std::array<double, 4> sums{};  // four chains: one would wait for each addition in turn
  size_t slot = 0;
  for (; slot + 4 <= rows.size(); slot += 4)
    for (size_t chain = 0; chain < 4; ++chain) {
      present[slot + chain] = weights[rows[slot + chain].index()];
      sums[chain] += static_cast<double>(present[slot + chain]);
    }
  for (; slot < rows.size(); ++slot) {
    present[slot] = weights[rows[slot].index()];
    sums[0] += static_cast<double>(present[slot]);
  }
  return (sums[0] + sums[1]) + (sums[2] + sums[3]);
}

}  // namespace

LaneReplay::LaneReplay(const PolicyChoice& choice, Layer layer, Lane lane, uint32_t tokens)
    : layer_(layer),
      lane_(lane),
      policy_(choice.make()),
      needs_weights_(choice.shape().scores == ScoreUse::Needed && choice.shape().budget < tokens) {
  const uint64_t budget = choice.shape().budget;
  const uint64_t most = budget == 0 ? tokens : std::min<uint64_t>(budget + 1, tokens);
  table_.reserve(most);
  head_.reserve(most);
  mean_.reserve(most);
}

std::optional<Eviction> LaneReplay::step(GridView<const float> weights) {
  table_.append(Position(next_.value));
  if (needs_weights_) add_weights(weights);
  const LaneView view = table_.view(layer_, lane_, next_);
  next_ = next_.next();
  const std::optional<Decision> decision = policy_->step(view);
  if (!decision) return std::nullopt;
  const Eviction eviction = eviction_of(view, *decision);
  table_.evict(decision->victim);
  return eviction;
}

void LaneReplay::add_weights(GridView<const float> weights) {
  DENDROKV_ASSERT(weights.rows() > 0 && weights.cols() == next_.index() + 1);
  head_.resize(table_.size());
  mean_.assign(table_.size(), 0.0f);
  for (size_t head = 0; head < weights.rows(); ++head) {
    const double sum = gather(weights.row(head), table_.positions(), head_);
    if (!std::isfinite(sum))
      fail("attention of layer " + std::to_string(layer_.value) + ", lane " +
               std::to_string(lane_.value) + ", step " + std::to_string(next_.value),
           "a weight that is not a number", "wanted weights of all earlier positions");
    // All weights held may be too small for the recording's number format; then the head has no
    // say.
    if (sum <= 0) continue;
    const auto scale = static_cast<float>(1 / (sum * static_cast<double>(weights.rows())));
    for (size_t slot = 0; slot < mean_.size(); ++slot) mean_[slot] += head_[slot] * scale;
  }
  table_.add_weights(mean_);
}

}  // namespace dendrokv
