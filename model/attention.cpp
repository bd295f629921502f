#include "model/attention.h"

#include <algorithm>
#include <string>
#include <utility>

#include "data/error.h"
#include "model/attention_scratch.h"
#include "model/memory.h"
#include "model/policy_support.h"

namespace dendrokv {

namespace {

// That share the loads of a row. More gain little and have longer tails of their own.
constexpr size_t kQueriesAtOnce = 12;
constexpr size_t kFewestChannelsOfPiece = 16;

KvShape kv_shape(const Config& config, CachePrecision precision, const PolicyShape& policy,
                 const LaneHeads& heads, double turn) {
  return {.head_dim = config.head_dim,
          .precision = precision,
          .positions = policy.positions,
          .most_rows = policy.most_rows,
          .heads = heads.kv_heads,
          .scores = policy.scores,
          .turn = turn};
}

// Places that keys and queries of a lane of so many rows are rotated to, under rank positions.
size_t positions_of(const PolicyShape& shape, size_t rows) {
  if (shape.positions != PositionMode::Rank) return 0;
  const bool may_evict = shape.budget != 0 && rows > shape.budget;
  return may_evict ? RotaryFrames::positions(shape.most_rows, rows) : rows;
}

}  // namespace

Attention::Attention(const Config& config, CachePrecision precision, const PolicyChoice& policy,
                     EvictionLog log, const Kernels& kernels, ThreadPool& pool)
    : config_(config),
      precision_(precision),
      shape_(policy.shape()),
      log_(log),
      pool_(pool),
      rotary_(config.rotary),
      sliding_rotary_(config.sliding_rotary),
      cut_lanes_(pool.threads()) {
  require_engine_support(policy, config);
  const auto lanes = lanes_of_layer(shape_.lane_kind, config.heads, config.kv_heads);
  lanes_of_layer_ = lanes.size();
  tokens_at_once_ = std::max<size_t>(1, kQueriesAtOnce / lanes[0].group());
  pieces_ = std::min<size_t>(pool.threads(),
                             std::max<size_t>(1, config.head_dim / kFewestChannelsOfPiece));
  const size_t count = config.layers * lanes_of_layer_;
  lanes_.reserve(count);
  std::vector<std::unique_ptr<Policy>> policies;  // of a layer
  for (size_t lane = 0; lane < count; ++lane) {
    const LaneHeads& heads = lanes[lane % lanes_of_layer_];
    const double turn = static_cast<double>(lane) / static_cast<double>(count);
    const bool slides = config.spans[lane / lanes_of_layer_] == LayerSpan::Window;
    const QueryRule rule{config.score_scale, slides ? config.window : 0};
    const RotaryTable& rotary = slides ? sliding_rotary_ : rotary_;
    const Layer layer(lane / lanes_of_layer_);
    if (lane % lanes_of_layer_ == 0)
      policies = policy.make_layer({.layer = layer,
                                    .lane = {},
                                    .layers = config.layers,
                                    .lanes = static_cast<uint32_t>(lanes_of_layer_),
                                    .turns = rotary.frequencies()});
    shapes_.push_back(policy.lane_shape(layer, Lane(lane % lanes_of_layer_)));
    lanes_.emplace_back(heads, kv_shape(config, precision, shapes_.back(), heads, turn), rule,
                        kernels, rotary, shapes_.back(),
                        std::move(policies[lane % lanes_of_layer_]));
  }
  for (unsigned thread = 0; thread < pool.threads(); ++thread)
    scratch_.push_back(std::make_unique<Scratch>());
}

Attention::~Attention() = default;

void Attention::check(size_t tokens) const {
  if (shape_.positions == PositionMode::Original && tokens > config_.context_length)
    fail("text", std::to_string(tokens) + " tokens",
         "the model's context is " + std::to_string(config_.context_length),
         "feed fewer tokens, or use a policy with positions=rank");
  check_memory("text of " + std::to_string(tokens) + " tokens", "its keys and values",
               bytes_for(tokens), "use a policy of a smaller budget");
}

uint64_t Attention::bytes_for(size_t tokens) const {
  uint64_t rows = 0;  // of all lanes
  for (const PolicyShape& shape : shapes_)
    rows += shape.most_rows == 0 ? tokens : std::min<uint64_t>(tokens, shape.most_rows);
  return rows * lanes_[0].rows().bytes_held_by_row();
}

void Attention::prepare(Step first, size_t tokens) {
  size_t most_rows = 0, positions = first.index() + tokens;
  if (shape_.positions == PositionMode::Rank) positions = 0;
  for (size_t i = 0; i < lanes_.size(); ++i) {
    const size_t unbounded = lanes_[i].rows().slots().size() + tokens;
    const uint64_t most = shapes_[i].most_rows;
    const size_t rows = most == 0 ? unbounded : std::min<uint64_t>(unbounded, most);
    lanes_[i].rows().reserve(rows);
    most_rows = std::max(most_rows, rows);
    positions = std::max(positions, positions_of(shapes_[i], rows));
  }
  grow_rotary(positions);
  if (most_rows <= most_rows_) return;
  const size_t bound = shape_.most_rows == 0 ? SIZE_MAX : shape_.most_rows;
  most_rows_ = std::min<size_t>(2 * most_rows, bound);
  const LaneHeads& heads = lanes_[0].heads();
  const auto work = [&](size_t queries) {
    return LaneWork{Grid<float>(queries, most_rows_), Grid<float>(queries, config_.head_dim),
                    std::vector<float>(most_rows_)};
  };
  for (auto& scratch : scratch_) {
    scratch->queries = Grid<float>(heads.group() * tokens_at_once_, config_.head_dim);
    scratch->work = work(heads.heads * tokens_at_once_);
  }
  for (CutLane& cut : cut_lanes_) cut.work = work(heads.heads);
  if (shape_.scores != ScoreUse::Ignored)
    reduced_ = Grid<float>(lanes_of_layer_ * kTokensAbreast, most_rows_);
}

void Attention::grow_rotary(size_t positions) {
  rotary_.grow(positions);
  if (config_.window != 0) sliding_rotary_.grow(positions);
}

void Attention::run(const AttentionBlock& block) {
  const size_t count = block.qkv.rows();
  const bool together = shape_.deciding == Deciding::LayerTogether;
  if (count == 1 && !together) return run_one_token(block);
  for (size_t first = 0; first < count; first += kTokensAbreast) {
    const TokenRange tokens{first, std::min(first + kTokensAbreast, count)};
    if (may_evict(block, tokens))
      together ? run_together(block, tokens) : run_in_sequence(block, tokens);
    else
      run_abreast(block, tokens);
  }
}

// What a policy looks at beside the weights is kept step by step, so a policy that asks for it
// wants the steps in order, too.
bool Attention::may_evict(const AttentionBlock& block, TokenRange tokens) const {
  if (shape_.reads > 0) return true;  // each token chooses its own rows
  if (shape_.budget != 0 && (!shape_.inputs.empty() || shape_.window > 0)) return true;
  for (size_t lane = 0; lane < lanes_of_layer_; ++lane)
    if (shape_.budget != 0 && rows_of(block, lane) + tokens.count() > budget_of(block, lane))
      return true;
  return false;
}

size_t Attention::rows_of(const AttentionBlock& block, size_t lane) const {
  return this->lane(block.layer, lane).rows().slots().size();
}

Retention Attention::retention(uint32_t tokens) const {
  Retention retention(config_.layers, static_cast<uint32_t>(lanes_of_layer_), tokens);
  for (size_t lane = 0; lane < lanes_.size(); ++lane)
    for (const Eviction& eviction : lanes_[lane].evictions())
      retention.record(Layer(lane / lanes_of_layer_), Lane(lane % lanes_of_layer_), eviction);
  return retention;
}

CacheUse Attention::use() const {
  CacheUse use;
  for (const AttentionLane& lane : lanes_) use += lane.use();
  return use;
}

CacheRows Attention::rows() const {
  CacheRows rows{.lanes = lanes_.size()};
  for (const AttentionLane& lane : lanes_) {
    rows.held += lane.rows().slots().size();
    rows.read += lane.rows_read();
  }
  return rows;
}

uint64_t Attention::bytes() const {
  uint64_t bytes = 0;
  for (const AttentionLane& lane : lanes_) bytes += lane.rows().bytes();
  return bytes;
}

}  // namespace dendrokv
