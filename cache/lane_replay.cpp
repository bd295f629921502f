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

uint64_t most_rows(const PolicyShape& shape, uint32_t tokens) {
  return shape.most_rows == 0 ? tokens : std::min<uint64_t>(shape.most_rows, tokens);
}

}  // namespace

LaneReplay::LaneReplay(const PolicyChoice& choice, Layer layer, Lane lane, uint32_t tokens,
                       const RecordedRows& rows)
    : LaneReplay(choice.make({.layer = layer, .lane = lane}), choice.lane_shape(layer, lane), layer,
                 lane, tokens, rows) {}

LaneReplay::LaneReplay(std::unique_ptr<Policy> policy, const PolicyShape& shape, Layer layer,
                       Lane lane, uint32_t tokens, const RecordedRows& rows)
    : layer_(layer),
      lane_(lane),
      policy_(std::move(policy)),
      group_(shape.group),
      reads_weights_(shape.scores != ScoreUse::Ignored),
      has_sums_(shape.scores == ScoreUse::Sums),
      needs_weights_(reads_weights_ && shape.budget < tokens),
      needs_future_(shape.inputs.has(Input::Future)),
      rows_(rows),
      table_(shape.scores),
      inputs_(shape, 0, std::max(rows.keys.cols(), rows.values.cols()), most_rows(shape, tokens)) {
  const uint64_t most = most_rows(shape, tokens);
  table_.reserve(most);
  head_.reserve(most);
  reduced_.reserve(most);
  if (!needs_future_) return;
  future_.assign(rows.mass.begin(), rows.mass.end());
  future_of_slots_.reserve(most);
}

std::span<const Eviction> LaneReplay::step(GridView<const float> weights) {
  attend(weights);
  return decide();
}

void LaneReplay::attend(GridView<const float> weights) {
  const size_t position = next_.index();
  const auto row_of = [&](GridView<const float> rows) {
    return rows.rows() > position ? rows.row(position) : std::span<const float>();
  };
  table_.append(Position(position));
  inputs_.append(row_of(rows_.keys), row_of(rows_.values),
                 rows_.value_norms.empty() ? 0 : rows_.value_norms[position]);
  if (needs_weights_) add_weights(weights);
  if (needs_future_) pass_time(weights);
  next_ = next_.next();
}

void LaneReplay::look() {
  policy_->look(view());
}

std::span<const Eviction> LaneReplay::decide() {
  const std::span<const Eviction> evictions = propose();
  victims_.clear();
  for (const Eviction& eviction : evictions) victims_.push_back(eviction.victim);
  evict(victims_);
  return evictions;
}

std::span<const Eviction> LaneReplay::propose() {
  const LaneView view = this->view();
  evictions_.clear();
  for (const Decision& decision : policy_->step(view))
    evictions_.push_back(eviction_of(view, decision));
  return evictions_;
}

void LaneReplay::evict(std::span<const Position> victims) {
  slots_.clear();
  const auto rows = table_.positions();
  for (const Position victim : victims) {
    const auto at = std::ranges::lower_bound(rows, victim);
    DENDROKV_ASSERT(at != rows.end() && *at == victim);
    slots_.emplace_back(at - rows.begin());
  }
  inputs_.evict(slots_);
  table_.evict(slots_);
}

/// Of the step that attend() has taken in last.
LaneView LaneReplay::view() {
  // Where nothing will leave, all weights are as good as 0.
  if (!needs_weights_ && reads_weights_) reduced_.resize(table_.size());
  LaneView view = table_.view(layer_, lane_, Step(next_.value - 1), table_.size(), reduced_);
  inputs_.complete(view);
  if (!needs_future_) return view;
  future_of_slots_.clear();
  for (const Position position : view.position)
    future_of_slots_.push_back(future_[position.index()]);
  view.future = future_of_slots_;
  return view;
}

void LaneReplay::add_weights(GridView<const float> weights) {
  DENDROKV_ASSERT(weights.rows() > 0 && weights.cols() == next_.index() + 1);
  head_.resize(table_.size());
  reduced_.assign(table_.size(), 0.0f);
  for (size_t head = 0; head < weights.rows(); ++head) {
    const double sum = gather(weights.row(head), table_.positions(), head_);
    if (!std::isfinite(sum))
      fail("attention of layer " + std::to_string(layer_.value) + ", lane " +
               std::to_string(lane_.value) + ", step " + std::to_string(next_.value),
           "a weight that is not a number", "wanted weights of all earlier positions");
    // All weights held may be too small for the recording's number format; then the head has no
    // say.
    if (sum <= 0) continue;
    const double heads = group_ == GroupRule::Mean ? static_cast<double>(weights.rows()) : 1;
    reduce(head_, 1 / (sum * heads));
  }
  if (has_sums_) table_.add_weights(reduced_);
  inputs_.add_weights(reduced_);
}

void LaneReplay::reduce(std::span<float> weights, double scale) {
  auto factor = static_cast<float>(scale);
  if (!std::isfinite(factor)) {  // of weights below the least normal float
    for (float& weight : weights) weight = static_cast<float>(static_cast<double>(weight) * scale);
    factor = 1;
  }
  if (group_ == GroupRule::Mean)
    for (size_t slot = 0; slot < reduced_.size(); ++slot) reduced_[slot] += weights[slot] * factor;
  else
    for (size_t slot = 0; slot < reduced_.size(); ++slot)
      reduced_[slot] = std::max(reduced_[slot], weights[slot] * factor);
}

/// What this step gives is no longer to come.
void LaneReplay::pass_time(GridView<const float> weights) {
  const double share = 1 / static_cast<double>(weights.rows());
  for (size_t head = 0; head < weights.rows(); ++head) {
    const std::span<const float> row = weights.row(head);
    for (size_t position = 0; position < row.size(); ++position)
      future_[position] -= share * static_cast<double>(row[position]);
  }
}

}  // namespace dendrokv
