#include "model/attention.h"

#include <algorithm>
#include <atomic>
#include <string>

#include "data/error.h"
#include "model/memory.h"

namespace dendrokv {

namespace {

KvShape kv_shape(const Config& config, CachePrecision precision, const PolicyShape& policy) {
  return {.head_dim = config.head_dim,
          .precision = precision,
          .positions = policy.positions,
          .most_rows = policy.budget == 0 ? 0 : policy.budget + 1};
}

// mean[slot] = mean over the queries; in double, so that the group's size leaves no trace in the last bit.
void mean_over_queries(GridView<const float> weights, std::span<float> mean) {
  const auto queries = static_cast<double>(weights.rows());
  for (size_t slot = 0; slot < weights.cols(); ++slot) {
    double sum = 0;
    for (size_t query = 0; query < weights.rows(); ++query)
      sum += static_cast<double>(weights(query, slot));
    mean[slot] = static_cast<float>(sum / queries);
  }
}

}  // namespace

Attention::Attention(const Config& config, CachePrecision precision, const PolicyChoice& policy,
                     EvictionLog log, const Kernels& kernels, ThreadPool& pool)
    : config_(config),
      precision_(precision),
      shape_(policy.shape()),
      log_(log),
      kernels_(kernels),
      pool_(pool),
      rotary_(config.rotary),
      sliding_rotary_(config.sliding_rotary),
      scratch_(pool.threads()) {
  if (shape_.lane_kind != LaneKind::PerKvHead)
    fail("policy '" + policy.text() + "'",
         "one cache per " + std::string(lane_kind_name(shape_.lane_kind)),
         "wanted one per KV head while a model runs", "use share=kv-head");
  const KvShape rows = kv_shape(config, precision, shape_);
  for (size_t lane = 0; lane < size_t{config.layers} * config.kv_heads; ++lane)
    lanes_.push_back(
        {KvLane(rows, kernels_, rotary_of(lane / config.kv_heads)), policy.make(), {}});
}

void Attention::check(size_t tokens) const {
  if (shape_.positions == PositionMode::Original && tokens > config_.context_length)
    fail("text", std::to_string(tokens) + " tokens",
         "the model's context is " + std::to_string(config_.context_length),
         "feed fewer tokens, or use a policy with positions=rank");
  const uint64_t rows = shape_.budget == 0 ? tokens : std::min<uint64_t>(tokens, shape_.budget + 1);
  const uint64_t row_bytes = 2 * config_.head_dim * (precision_ == CachePrecision::F16 ? 2 : 4);
  check_memory("text of " + std::to_string(tokens) + " tokens", "its keys and values",
               lanes_.size() * rows * row_bytes, "use a policy of a smaller budget");
}

void Attention::prepare(Step first, size_t tokens) {
  const size_t end = first.index() + tokens;
  size_t most_rows = 0;
  for (CachedLane& lane : lanes_) {
    const size_t unbounded = lane.rows.slots().size() + tokens;
    const size_t rows =
        shape_.budget == 0 ? unbounded : std::min<uint64_t>(unbounded, shape_.budget + 1);
    lane.rows.reserve(rows);
    most_rows = std::max(most_rows, rows);
  }
  const size_t positions = shape_.positions == PositionMode::Original ? end : most_rows;
  rotary_.grow(positions);
  if (config_.window != 0) sliding_rotary_.grow(positions);
  for (Scratch& scratch : scratch_) {
    if (scratch.mean.size() >= most_rows) continue;
    scratch.queries = Grid<float>(group(), config_.head_dim);
    scratch.weights = Grid<float>(group(), 2 * most_rows);
    scratch.mean.resize(2 * most_rows);
  }
}

void Attention::run(const AttentionBlock& block) {
  if (may_evict(block))
    run_in_sequence(block);
  else
    run_in_parallel(block);
}

// Scores add up over the steps of a lane, so a policy that needs them wants the steps in order before it evicts, too.
bool Attention::may_evict(const AttentionBlock& block) const {
  if (shape_.budget == 0) return false;
  if (shape_.scores == ScoreUse::Needed) return true;
  const size_t first_lane = block.layer.index() * config_.kv_heads;
  const auto is_full = [&](const CachedLane& lane) {
    return lane.rows.slots().size() + block.qkv.rows() > shape_.budget;
  };
  return std::any_of(lanes_.begin() + static_cast<std::ptrdiff_t>(first_lane),
                     lanes_.begin() + static_cast<std::ptrdiff_t>(first_lane + config_.kv_heads),
                     is_full);
}

void Attention::run_in_sequence(const AttentionBlock& block) {
  std::atomic<uint32_t> next = 0;
  pool_.run([&](unsigned thread) {
    for (KvHead kv_head; (kv_head = KvHead(next++)).value < config_.kv_heads;)
      for (size_t token = 0; token < block.qkv.rows(); ++token) {
        append(block, kv_head, token);
        const size_t rows = lane(block.layer, kv_head).rows.slots().size();
        const Item item{kv_head, 0, group(), token, rows};
        score_and_evict(block, item, attend(block, item, scratch_[thread]), scratch_[thread]);
      }
  });
}

void Attention::run_in_parallel(const AttentionBlock& block) {
  const std::vector<Item> items = items_of(block);
  const size_t tokens = block.qkv.rows();
  const auto append_lanes = [&](size_t first, size_t count) {
    for (size_t kv_head = first; kv_head < first + count; ++kv_head)
      for (size_t token = 0; token < tokens; ++token) append(block, KvHead(kv_head), token);
  };
  if (tokens == 1)
    append_lanes(0, config_.kv_heads);  // less work than a barrier
  else
    pool_.for_each(config_.kv_heads, 1, append_lanes);
  std::atomic<size_t> next = 0;
  pool_.run([&](unsigned thread) {
    for (size_t item; (item = next++) < items.size();) attend(block, items[item], scratch_[thread]);
  });
}

// One token has only kv_heads lanes to deal out: as many of them as the threads can share evenly go as a whole (their queries
// share each load of a key), the rest query by query.
std::vector<Attention::Item> Attention::items_of(const AttentionBlock& block) const {
  const size_t tokens = block.qkv.rows(), threads = pool_.threads();
  const size_t whole = tokens > 1 ? config_.kv_heads : config_.kv_heads / threads * threads;
  std::vector<Item> items;
  for (size_t kv_head = 0; kv_head < config_.kv_heads; ++kv_head) {
    const CachedLane& lane = lanes_[block.layer.index() * config_.kv_heads + kv_head];
    const size_t queries = kv_head < whole ? group() : 1;
    for (size_t token = 0; token < tokens; ++token)
      for (size_t first = 0; first < group(); first += queries)
        items.push_back(
            {KvHead(kv_head), first, queries, token, lane.rows.slots().size() + token + 1});
  }
  return items;
}

void Attention::append(const AttentionBlock& block, KvHead kv_head, size_t token) {
  const size_t size = config_.head_dim;
  const auto keys = block.qkv.row(token).subspan(config_.heads * size);
  const auto key = keys.subspan(kv_head.index() * size, size);
  const auto value = keys.subspan((config_.kv_heads + kv_head.index()) * size, size);
  const Position position(block.first.value + token);
  lane(block.layer, kv_head).rows.append(position, key, value);
  if (block.observer != nullptr && block.observer->wants_rows(block.layer))
    block.observer->on_row(block.layer, kv_head, position, key, value);
}

GridView<float> Attention::attend(const AttentionBlock& block, const Item& item, Scratch& scratch) {
  const KvLane& rows = lane(block.layer, item.kv_head).rows;
  const size_t size = config_.head_dim;
  const size_t first_head = item.kv_head.index() * group() + item.first_query;
  const GridView<float> queries(scratch.queries.data(), item.queries, size);
  for (size_t query = 0; query < item.queries; ++query)
    rows.rotate_query(block.qkv.row(item.token).subspan((first_head + query) * size, size),
                      item.rows, queries.row(query));

  const GridView<float> weights(scratch.weights.data(), item.queries, item.rows,
                                scratch.weights.cols());
  const auto positions = rows.slots().positions().first(item.rows);
  const size_t unseen = first_seen(block.layer, positions);
  const GridView<float> seen(weights.data() + unseen, item.queries, item.rows - unseen,
                             weights.stride());
  rows.scores(queries, config_.score_scale, seen, Slot(unseen));
  const Step step(block.first.value + item.token);
  for (size_t query = 0; query < item.queries; ++query) {
    std::ranges::fill(weights.row(query).first(unseen), 0.0f);
    kernels_.softmax(seen.row(query));
    const Head head(first_head + query);
    if (block.observer != nullptr && block.observer->wants_attention(block.layer, head, step))
      block.observer->on_attention({block.layer, head, step, positions, weights.row(query)});
  }
  float* out = block.out.floats(item.token).data() + first_head * size;
  rows.weighted_sum(seen, GridView<float>(out, item.queries, size), Slot(unseen));
  return weights;
}

void Attention::score_and_evict(const AttentionBlock& block, const Item& item,
                                GridView<const float> weights, Scratch& scratch) {
  CachedLane& lane = this->lane(block.layer, item.kv_head);
  if (shape_.scores == ScoreUse::Needed) {
    const auto mean = std::span(scratch.mean).first(item.rows);
    mean_over_queries(weights, mean);
    lane.rows.add_weights(mean);
  }
  const Step step(block.first.value + item.token);
  const LaneView view = lane.rows.slots().view(block.layer, Lane(item.kv_head.value), step);
  const auto decision = lane.policy->step(view);
  if (!decision) return;
  if (log_ == EvictionLog::Keep) lane.evictions.push_back(eviction_of(view, *decision));
  lane.rows.evict(decision->victim);
}

// The first slot that the query of the last position sees.
size_t Attention::first_seen(Layer layer, std::span<const Position> positions) const {
  if (config_.spans[layer.index()] == LayerSpan::All) return 0;
  const auto is_behind = [&](Position position) {
    return positions.back().value - position.value >= config_.window;
  };
  return static_cast<size_t>(std::ranges::partition_point(positions, is_behind) -
                             positions.begin());
}

const RotaryTable& Attention::rotary_of(size_t layer) const {
  return config_.spans[layer] == LayerSpan::All ? rotary_ : sliding_rotary_;
}

Attention::CachedLane& Attention::lane(Layer layer, KvHead kv_head) {
  return lanes_[layer.index() * config_.kv_heads + kv_head.index()];
}

Retention Attention::retention(uint32_t tokens) const {
  Retention retention(config_.layers, config_.kv_heads, tokens);
  for (size_t lane = 0; lane < lanes_.size(); ++lane)
    for (const Eviction& eviction : lanes_[lane].evictions)
      retention.record(Layer(lane / config_.kv_heads), Lane(lane % config_.kv_heads), eviction);
  return retention;
}

uint64_t Attention::bytes() const {
  uint64_t bytes = 0;
  for (const CachedLane& lane : lanes_) bytes += lane.rows.bytes();
  return bytes;
}

}  // namespace dendrokv
