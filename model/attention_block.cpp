// The ways that a block of tokens takes through a layer, model/attention.h: abreast, in sequence
// and together.

#include <algorithm>
#include <optional>
#include <vector>

#include "data/error.h"
#include "model/attention_scratch.h"
#include "model/lane_order.h"

namespace dendrokv {

namespace {

// Of a lane before it changes hands: work of some 100 us, where the rows of the lane come from
// another core's cache in 10 us.
constexpr size_t kTokensOfRun = 16;

}  // namespace

// ---- abreast

void Attention::run_abreast(const AttentionBlock& block, TokenRange tokens) {
  pool_.for_each(lanes_of_layer_, 1, [&](size_t first, size_t count) {
    for (size_t lane = first; lane < first + count; ++lane)
      for (size_t token = tokens.first; token < tokens.end; ++token)
        this->lane(block.layer, lane).append(block, token);
  });
  const size_t tiles = (tokens.count() + tokens_at_once_ - 1) / tokens_at_once_;
  pool_.for_each(lanes_of_layer_ * tiles, 1, [&](size_t first, size_t count) {
    const Lease scratch(*this);
    for (size_t item = first; item < first + count; ++item) {
      const size_t lane = item / tiles, token = tokens.first + item % tiles * tokens_at_once_;
      const TokenRange some{token, std::min(token + tokens_at_once_, tokens.end)};
      attend_abreast(block, lane, some, rows_of(block, lane) - (tokens.end - token) + 1, *scratch);
    }
  });
  if (shape_.budget == 0) return;
  if (shape_.deciding == Deciding::LayerTogether) {
    for (size_t token = tokens.first; token < tokens.end; ++token)
      settle_together(block, token, tokens.end - 1 - token);
    return;
  }
  pool_.for_each(lanes_of_layer_, 1, [&](size_t first, size_t count) {
    for (size_t lane = first; lane < first + count; ++lane) settle_abreast(block, lane, tokens);
  });
}

size_t Attention::reduced_place(size_t lane, size_t token) {
  return lane * kTokensAbreast + token % kTokensAbreast;
}

void Attention::attend_abreast(const AttentionBlock& block, size_t lane, TokenRange tokens,
                               size_t rows, Scratch& scratch) {
  attend(block, lane, tokens, rows, scratch);
  for (size_t token = 0; token < tokens.count(); ++token) {
    const auto reduced = kept_of_step(block, lane, tokens.first + token, rows + token);
    if (!reduced.empty())
      this->lane(block.layer, lane).reduce_weights(tokens, token, scratch.work, reduced);
  }
}

// Where the reduced weights of a step wait for the policy; empty if it does not look at them.
std::span<float> Attention::kept_of_step(const AttentionBlock& block, size_t lane, size_t token,
                                         size_t rows) {
  const Step step(block.first.value + token);
  if (!this->lane(block.layer, lane).wants_weights(step, rows)) return {};
  return reduced_.row(reduced_place(lane, token)).first(rows);
}

// Policies see every step, whether or not they can name a row.
void Attention::settle_abreast(const AttentionBlock& block, size_t lane, TokenRange tokens) {
  AttentionLane& rows_of_lane = this->lane(block.layer, lane);
  const size_t rows = rows_of(block, lane) - tokens.count();
  for (size_t token = tokens.first; token < tokens.end; ++token) {
    const size_t seen = rows + token - tokens.first + 1;
    const auto reduced = kept_of_step(block, lane, token, seen);
    rows_of_lane.add_weights(reduced);
    const auto decisions = rows_of_lane.settle(block, Lane(lane), token, seen, reduced);
    DENDROKV_ASSERT(decisions.empty());
  }
}

void Attention::attend(const AttentionBlock& block, size_t lane, TokenRange tokens, size_t rows,
                       Scratch& scratch) const {
  const AttentionLane& rows_of_lane = this->lane(block.layer, lane);
  LaneWork& work = scratch.work;
  rows_of_lane.score(block, tokens, rows, {0, rows_of_lane.columns(rows + tokens.count() - 1)},
                     scratch.queries, work);
  rows_of_lane.soften(tokens, rows, work);
  rows_of_lane.show(block, tokens, rows, work);
  rows_of_lane.sum(block, tokens, rows, 0, config_.head_dim, work);
  rows_of_lane.finish_show(block, work);
}

// ---- in sequence

void Attention::run_in_sequence(const AttentionBlock& block, TokenRange tokens) {
  LaneOrder order(lanes_of_layer_, tokens.count(), kTokensOfRun);
  pool_.for_each(pool_.threads(), 1, [&](size_t, size_t) {
    const Lease scratch(*this);
    for (std::optional<LaneOrder::Run> run; (run = order.next(run));)
      for (size_t token = run->first; token < run->end; ++token)
        step(block, run->lane, tokens.first + token, *scratch);
  });
}

void Attention::step(const AttentionBlock& block, size_t lane, size_t token, Scratch& scratch) {
  AttentionLane& rows_of_lane = this->lane(block.layer, lane);
  rows_of_lane.append(block, token);
  const TokenRange one{token, token + 1};
  const size_t rows = rows_of(block, lane);
  LaneWork& work = scratch.work;
  rows_of_lane.score(block, one, rows, {0, rows_of_lane.columns(rows)}, scratch.queries, work);
  rows_of_lane.soften(one, rows, work);
  rows_of_lane.show(block, one, rows, work);
  // While they are near.
  const std::span<const float> reduced = reduce_step(block, lane, token, work);
  rows_of_lane.sum(block, one, rows, 0, config_.head_dim, work);
  rows_of_lane.finish_show(block, work);
  finish_step(block, lane, token, reduced);
}

// The weights of a step as the policy sees them, added to its scores; empty if it does not look.
std::span<const float> Attention::reduce_step(const AttentionBlock& block, size_t lane,
                                              size_t token, LaneWork& work) {
  AttentionLane& rows_of_lane = this->lane(block.layer, lane);
  const size_t rows = rows_of(block, lane);
  if (!rows_of_lane.wants_weights(Step(block.first.value + token), rows)) return {};
  const std::span<float> reduced = std::span(work.reduced).first(rows);
  rows_of_lane.reduce_weights({token, token + 1}, 0, work, reduced);
  rows_of_lane.add_weights(reduced);
  return reduced;
}

void Attention::finish_step(const AttentionBlock& block, size_t lane, size_t token,
                            std::span<const float> reduced) {
  if (shape_.budget == 0) return;
  AttentionLane& rows_of_lane = this->lane(block.layer, lane);
  const auto decisions =
      rows_of_lane.settle(block, Lane(lane), token, rows_of(block, lane), reduced);
  rows_of_lane.evict(block, Lane(lane), token, decisions, log_);
}

// ---- together

void Attention::run_together(const AttentionBlock& block, TokenRange tokens) {
  for (size_t token = tokens.first; token < tokens.end; ++token) {
    pool_.for_each(lanes_of_layer_, 1, [&](size_t first, size_t count) {
      const Lease scratch(*this);
      for (size_t lane = first; lane < first + count; ++lane) {
        this->lane(block.layer, lane).append(block, token);
        attend_abreast(block, lane, {token, token + 1}, rows_of(block, lane), *scratch);
      }
    });
    settle_together(block, token, 0);
  }
}

// `later`: rows behind that of the token. Decisions of a lane stay valid while the others decide.
void Attention::settle_together(const AttentionBlock& block, size_t token, size_t later) {
  std::vector<LaneView> views;
  for (size_t lane = 0; lane < lanes_of_layer_; ++lane) {
    AttentionLane& rows_of_lane = this->lane(block.layer, lane);
    const size_t rows = rows_of(block, lane) - later;
    const auto reduced = kept_of_step(block, lane, token, rows);
    rows_of_lane.add_weights(reduced);
    views.push_back(rows_of_lane.take_in(block, Lane(lane), token, rows, reduced));
  }
  for (size_t lane = 0; lane < lanes_of_layer_; ++lane)
    this->lane(block.layer, lane).look(views[lane]);
  for (size_t lane = 0; lane < lanes_of_layer_; ++lane) {
    AttentionLane& rows_of_lane = this->lane(block.layer, lane);
    const auto decisions = rows_of_lane.decide(views[lane]);
    DENDROKV_ASSERT(later == 0 || decisions.empty());
    rows_of_lane.evict(block, Lane(lane), token, decisions, log_);
  }
}

}  // namespace dendrokv
