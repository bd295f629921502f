#include "model/attention_lane.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "data/error.h"

namespace dendrokv {

namespace {

// Rows number `first`, first + distance, ... of a grid.
template <class T>
GridView<T> every(GridView<T> grid, size_t distance, size_t first) {
  return {grid.data() + first * grid.stride(), grid.rows() / distance, grid.cols(),
          distance * grid.stride()};
}

void most_of_rows(GridView<const float> weights, std::span<float> most) {
  std::ranges::copy(weights.row(0), most.begin());
  for (size_t query = 1; query < weights.rows(); ++query)
    for (size_t slot = 0; slot < weights.cols(); ++slot)
      most[slot] = std::max(most[slot], weights(query, slot));
}

}  // namespace

CacheUse& CacheUse::operator+=(const CacheUse& other) {
  lanes += other.lanes;
  most_rows += other.most_rows;
  most_bytes += other.most_bytes;
  rows_read += other.rows_read;
  bytes_read += other.bytes_read;
  return *this;
}

AttentionLane::AttentionLane(const LaneHeads& heads, const KvShape& shape, const QueryRule& rule,
                             const Kernels& kernels, const RotaryTable& rotary,
                             const PolicyShape& policy_shape, std::unique_ptr<Policy> policy)
    : heads_(heads),
      head_dim_(shape.head_dim),
      rule_(rule),
      kernels_(kernels),
      rows_(shape, kernels, rotary),
      scores_(policy_shape.budget > 0 ? shape.scores : ScoreUse::Ignored),
      wanted_(policy_shape.inputs),
      group_rule_(policy_shape.group),
      inputs_(policy_shape, heads.heads, shape.head_dim, 0),
      reads_some_(policy_shape.reads > 0),
      policy_(std::move(policy)) {
  // The weights of rows that were not read are nobody's but the observer's.
  DENDROKV_ASSERT(!reads_some_ || scores_ == ScoreUse::Ignored);
}

void AttentionLane::append(const AttentionBlock& block, size_t token) {
  const size_t size = head_dim_, count = heads_.kv_heads * size;
  const auto keys = block.qkv.row(token).subspan(heads_.layer_heads * size);
  const auto key = keys.subspan(heads_.first_kv_head * size, count);
  const auto value = keys.subspan((heads_.layer_kv_heads + heads_.first_kv_head) * size, count);
  const Position position(block.first.value + token);
  rows_.append(position, key, value);
  most_rows_ = std::max<uint64_t>(most_rows_, rows_.slots().size());
  // Of several values side by side, the root of the mean square norm.
  const float norm = wanted_.has(Input::ValueNorms)
                         ? euclidean_norm(value) / std::sqrt(static_cast<float>(heads_.kv_heads))
                         : 0.0f;
  inputs_.append(key, value, norm);
  if (reads_some_) choose_rows_to_read(block, token);
  rows_read_ += rows_read();
  if (block.observer == nullptr || !block.observer->wants_rows(block.layer)) return;
  const size_t group = heads_.layer_heads / heads_.layer_kv_heads;
  if (heads_.first_head % group != 0) return;  // a lane of the same KV head tells it
  for (size_t head = 0; head < heads_.kv_heads; ++head)
    block.observer->on_row(block.layer, KvHead(heads_.first_kv_head + head), position,
                           key.subspan(head * size, size), value.subspan(head * size, size));
}

void AttentionLane::score(const AttentionBlock& block, TokenRange tokens, size_t rows,
                          SlotRange range, Grid<float>& queries, LaneWork& work) const {
  if (!read_.empty()) return score_read_rows(block, tokens.first, range, queries, work);
  const size_t count = tokens.count() * heads_.group();
  const SlotRange wanted = common(range, {first_seen(rows), range.end});
  for (size_t kv_head = 0; kv_head < heads_.kv_heads; ++kv_head) {
    rows_.ask_for(RowPart::Keys, kv_head, wanted);
    for (size_t frame = 0; frame < rows_.frames(); ++frame) {
      const SlotRange slots = common(rows_.slots_of(frame), wanted);
      if (slots.first >= slots.end) continue;
      const auto turned = turn_queries(block, tokens, rows, kv_head, frame, queries);
      rows_.scores(kv_head, turned, slots, rule_.scale,
                   work.weights.view().rows_from(kv_head * count, count), wanted.end);
    }
  }
}

void AttentionLane::score_read_rows(const AttentionBlock& block, size_t token, SlotRange columns,
                                    Grid<float>& queries, LaneWork& work) const {
  DENDROKV_ASSERT(rows_.frames() == 1);
  const size_t group = heads_.group(), rows = rows_.slots().size();
  const auto read = read_.rows().subspan(columns.first, columns.end - columns.first);
  for (size_t kv_head = 0; kv_head < heads_.kv_heads; ++kv_head) {
    const auto turned = turn_queries(block, {token, token + 1}, rows, kv_head, 0, queries);
    rows_.scores_of_rows(kv_head, turned, read, rule_.scale,
                         {work.weights.row(kv_head * group).data() + columns.first, group,
                          read.size(), work.weights.cols()});
  }
}

// [query head * tokens + token, head_dim], as the keys of a frame want them.
GridView<float> AttentionLane::turn_queries(const AttentionBlock& block, TokenRange tokens,
                                            size_t rows, size_t kv_head, size_t frame,
                                            Grid<float>& queries) const {
  const size_t count = tokens.count();
  const size_t first_head = heads_.first_head + kv_head * heads_.group();
  const GridView<float> turned(queries.data(), heads_.group() * count, head_dim_);
  for (size_t query = 0; query < turned.rows(); ++query) {
    const size_t token = query % count, head = first_head + query / count;
    const auto from = block.qkv.row(tokens.first + token).subspan(head * head_dim_, head_dim_);
    rows_.rotate_query(from, rows + token, frame, turned.row(query));
  }
  return turned;
}

// Behind a window nothing is read; a choice of such rows alone is none.
void AttentionLane::choose_rows_to_read(const AttentionBlock& block, size_t token) {
  const Step step(block.first.value + token);
  const float* queries = block.qkv.row(token).data() + heads_.first_head * head_dim_;
  inputs_.add_queries(step, {queries, heads_.heads, head_dim_});
  LaneView view = rows_.slots().view(block.layer, Lane(heads_.first_kv_head), step);
  inputs_.complete(view);
  const SlotRange seen{first_seen(view.position.size()), view.position.size()};
  read_.choose(policy_->reads(view), seen, rows_.slots());
}

size_t AttentionLane::rows_read() const {
  const size_t held = rows_.slots().size();
  return columns(held - first_seen(held));
}

void AttentionLane::soften(TokenRange tokens, size_t rows, LaneWork& work) const {
  if (!read_.empty()) {
    DENDROKV_ASSERT(tokens.count() == 1);
    for (size_t query = 0; query < heads_.heads; ++query)
      kernels_.softmax(work.weights.row(query).first(read_.size()));
    return;
  }
  for (size_t kv_head = 0; kv_head < heads_.kv_heads; ++kv_head)
    rows_.ask_for(RowPart::Values, kv_head, {first_seen(rows), rows});
  if (tokens.count() == 1) ask_for_decision();
  const size_t queries = heads_.heads * tokens.count();
  for (size_t query = 0; query < queries; ++query) {
    const size_t end = rows + query % tokens.count(), first = first_seen(end);
    if (scores_ == ScoreUse::Sums)  // which are added to next, and lie in memory
      rows_.slots().ask_for_sums({end * query / queries, end * (query + 1) / queries});
    std::ranges::fill(work.weights.row(query).first(first), 0.0f);
    kernels_.softmax(work.weights.row(query).subspan(first, end - first));
  }
}

// Last used at the token before. Which of its bytes a policy reads is its own affair.
void AttentionLane::ask_for_decision() const {
  constexpr size_t kPolicyBytes = 384, kLine = 64;
  const auto* policy = reinterpret_cast<const std::byte*>(policy_.get());
  for (size_t at = 0; at < kPolicyBytes; at += kLine) __builtin_prefetch(policy + at);
  rows_.ask_for_departure();
}

void AttentionLane::show(const AttentionBlock& block, TokenRange tokens, size_t rows,
                         LaneWork& work) const {
  work.shown.clear();
  if (block.observer == nullptr) return;
  for (size_t lane_head = 0; lane_head < heads_.heads; ++lane_head) {
    const Head head(heads_.first_head + lane_head);
    for (size_t token = 0; token < tokens.count(); ++token) {
      const Step step(block.first.value + tokens.first + token);
      if (!block.observer->wants_attention(block.layer, head, step)) continue;
      const std::span<const float> weights = work.weights.row(lane_head * tokens.count() + token);
      work.shown.push_back(
          {block.layer, head, step, rows_.slots().positions().first(rows + token),
           read_.empty() ? weights.first(rows + token) : weights_of_slots(lane_head, work)});
    }
  }
  if (!work.shown.empty()) block.observer->on_attention(work.shown);
}

void AttentionLane::finish_show(const AttentionBlock& block, const LaneWork& work) const {
  if (!work.shown.empty()) block.observer->on_attention_done(work.shown);
}

// Of the one token that reads some rows only: the others weigh nothing.
std::span<const float> AttentionLane::weights_of_slots(size_t lane_head, LaneWork& work) const {
  if (work.of_slots.rows() == 0) work.of_slots = Grid<float>(heads_.heads, work.weights.cols());
  const std::span<float> of_slots = work.of_slots.row(lane_head).first(rows_.slots().size());
  read_.spread(work.weights.row(lane_head), of_slots);
  return of_slots;
}

// The first slot that is not behind the window of the token whose slot is the last of `rows`.
size_t AttentionLane::first_seen(size_t rows) const {
  if (rule_.window == 0) return 0;
  const auto positions = rows_.slots().positions().first(rows);
  const auto is_behind = [&](Position position) {
    return positions.back().value - position.value >= rule_.window;
  };
  return static_cast<size_t>(std::ranges::partition_point(positions, is_behind) -
                             positions.begin());
}

void AttentionLane::sum(const AttentionBlock& block, TokenRange tokens, size_t rows,
                        size_t first_channel, size_t channels, LaneWork& work) const {
  const size_t count = tokens.count(), group = heads_.group();
  for (size_t kv_head = 0; kv_head < heads_.kv_heads; ++kv_head) {
    const size_t first = kv_head * group * count;
    const GridView<const float> weights = work.weights.view().rows_from(first, group * count);
    const GridView<float> sums(work.sums.row(first).data() + first_channel, group * count, channels,
                               work.sums.cols());
    for (size_t query = 0; query < sums.rows(); ++query) std::ranges::fill(sums.row(query), 0.0f);
    if (read_.empty())
      sum_seen_rows(kv_head, tokens, rows, first_channel, weights, sums);
    else
      rows_.add_weighted_sum_of_rows(kv_head, weights, read_.rows(), first_channel, sums);
    for (size_t query = 0; query < sums.rows(); ++query) {
      const size_t head = heads_.first_head + kv_head * group + query / count;
      const auto out = block.out.floats(block.first_column + tokens.first + query % count);
      std::ranges::copy(sums.row(query), out.subspan(head * head_dim_ + first_channel).begin());
    }
  }
}

// In the order of the slots: what only a token and those before it still see, what all tokens see,
// summed for all of them together, and the token's own tail.
void AttentionLane::sum_seen_rows(size_t kv_head, TokenRange tokens, size_t rows,
                                  size_t first_channel, GridView<const float> weights,
                                  GridView<float> sums) const {
  const size_t count = tokens.count();
  const auto add_for = [&](size_t token, SlotRange range) {
    if (range.first < range.end)
      rows_.add_weighted_sum(kv_head, every(weights, count, token), range, first_channel,
                             every(sums, count, token));
  };
  const size_t shared = std::min(first_seen(rows + count - 1), rows);
  for (size_t token = 0; token < count; ++token) add_for(token, {first_seen(rows + token), shared});
  if (shared < rows) rows_.add_weighted_sum(kv_head, weights, {shared, rows}, first_channel, sums);
  for (size_t token = 1; token < count; ++token)
    add_for(token, {std::max(rows, first_seen(rows + token)), rows + token});
}

bool AttentionLane::wants_weights(Step step, size_t rows) const {
  if (scores_ != ScoreUse::Weights) return scores_ == ScoreUse::Sums;
  return policy_->looks_at_weights(step, rows);
}

void AttentionLane::reduce_weights(TokenRange tokens, size_t token, const LaneWork& work,
                                   std::span<float> reduced) const {
  const GridView<const float> weights(work.weights.data(), heads_.heads * tokens.count(),
                                      reduced.size(), work.weights.cols());
  const GridView<const float> of_token = every(weights, tokens.count(), token);
  if (group_rule_ == GroupRule::Mean)
    kernels_.mean_of_rows(of_token, reduced);
  else
    most_of_rows(of_token, reduced);
}

void AttentionLane::add_weights(std::span<const float> reduced) {
  if (reduced.empty()) return;
  if (scores_ == ScoreUse::Sums) rows_.add_weights(reduced);
  inputs_.add_weights(reduced);
}

LaneView AttentionLane::take_in(const AttentionBlock& block, Lane lane, size_t token, size_t rows,
                                std::span<const float> reduced) {
  const Step step(block.first.value + token);
  const float* queries = block.qkv.row(token).data() + heads_.first_head * head_dim_;
  inputs_.add_queries(step, {queries, heads_.heads, head_dim_});
  LaneView view = rows_.slots().view(block.layer, lane, step, rows, reduced);
  inputs_.complete(view);
  return view;
}

void AttentionLane::evict(const AttentionBlock& block, Lane lane, size_t token,
                          std::span<const Decision> decisions, EvictionLog log) {
  const LaneView view = rows_.slots().view(block.layer, lane, Step(block.first.value + token));
  if (log == EvictionLog::Keep)
    for (const Decision& decision : decisions) evictions_.push_back(eviction_of(view, decision));
  if (decisions.empty()) return;
  victims_.clear();
  for (const Decision& decision : decisions) victims_.push_back(decision.victim);
  inputs_.evict(victims_);
  rows_.evict(victims_);
}

CacheUse AttentionLane::use() const {
  return {.lanes = 1,
          .most_rows = most_rows_,
          .most_bytes = most_rows_ * rows_.bytes_held_by_row(),
          .rows_read = rows_read_,
          .bytes_read = rows_read_ * rows_.bytes_read_of_row()};
}

}  // namespace dendrokv
