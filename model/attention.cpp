#include "model/attention.h"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>

#include "data/error.h"
#include "model/lane_order.h"
#include "model/memory.h"
#include "model/policy_support.h"

namespace dendrokv {

namespace {

// Tokens that run abreast between two looks at whether something may leave; bounds what their means
// take.
constexpr size_t kTokensAbreast = 64;
// Of a lane before it changes hands: work of some 100 us, where the rows of the lane come from
// another core's cache in 10 us.
constexpr size_t kTokensOfRun = 16;
// That share the loads of a row. More gain little and have longer tails of their own.
constexpr size_t kQueriesAtOnce = 12;
// A lane of fewer rows is not cut for several threads: their hand-overs would take as long.
constexpr size_t kFewestRowsToCut = 256;
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

// Part number `piece` of [0, count) cut into `pieces`.
SlotRange part(size_t count, size_t piece, size_t pieces) {
  return {count * piece / pieces, count * (piece + 1) / pieces};
}

}  // namespace

// A lane that several threads work on at one token. Scores first; whoever completes them makes
// weights of them; then sums; whoever completes those lets the policy decide.
struct Attention::CutLane {
  LaneWork work;
  std::atomic<size_t> scored = 0, summed = 0;  // pieces
  std::atomic<uint32_t> weights_ready = 0;
};

// Scratch of the calling thread, for a while.
class Attention::Lease {
 public:
  explicit Lease(Attention& attention) : attention_(attention) {
    const std::lock_guard lock(attention_.scratch_mutex_);
    DENDROKV_ASSERT(!attention_.scratch_.empty());
    scratch_ = std::move(attention_.scratch_.back());
    attention_.scratch_.pop_back();
  }
  ~Lease() {
    const std::lock_guard lock(attention_.scratch_mutex_);
    attention_.scratch_.push_back(std::move(scratch_));
  }
  Lease(const Lease&) = delete;
  Lease& operator=(const Lease&) = delete;
  Scratch& operator*() const { return *scratch_; }

 private:
  Attention& attention_;
  std::unique_ptr<Scratch> scratch_;
};

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
  const size_t rows = rows_of(block, lane) - tokens.count();
  for (size_t token = tokens.first; token < tokens.end; ++token) {
    const size_t seen = rows + token - tokens.first + 1;
    const auto decisions =
        this->lane(block.layer, lane)
            .settle(block, Lane(lane), token, seen, kept_of_step(block, lane, token, seen));
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
  const std::span<const float> reduced = reduced_of_step(block, lane, token, work);
  rows_of_lane.sum(block, one, rows, 0, config_.head_dim, work);
  rows_of_lane.finish_show(block, work);
  finish_step(block, lane, token, reduced);
}

std::span<const float> Attention::reduced_of_step(const AttentionBlock& block, size_t lane,
                                                  size_t token, LaneWork& work) const {
  const AttentionLane& rows_of_lane = this->lane(block.layer, lane);
  const size_t rows = rows_of(block, lane);
  if (!rows_of_lane.wants_weights(Step(block.first.value + token), rows)) return {};
  const std::span<float> reduced = std::span(work.reduced).first(rows);
  rows_of_lane.reduce_weights({token, token + 1}, 0, work, reduced);
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
    const size_t rows = rows_of(block, lane) - later;
    views.push_back(
        this->lane(block.layer, lane)
            .take_in(block, Lane(lane), token, rows, kept_of_step(block, lane, token, rows)));
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

// ---- one token

// The pieces of the cut lanes' scores are dealt out first, then whole lanes, then the pieces of the
// sums: by the time that a thread comes to a sum, the scores have long been done.
void Attention::run_one_token(const AttentionBlock& block) {
  const size_t cut = lanes_to_cut(block), whole = lanes_of_layer_ - cut, pieces = cut * pieces_;
  for (size_t lane = 0; lane < cut; ++lane) {
    this->lane(block.layer, whole + lane).append(block, 0);
    cut_lanes_[lane].scored = cut_lanes_[lane].summed = 0;
    cut_lanes_[lane].weights_ready = 0;
  }
  const auto work_on = [&](size_t item) {
    const auto cut_lane = [&](size_t piece) -> CutLane& { return cut_lanes_[piece / pieces_]; };
    if (item < pieces) {
      score_piece(block, whole + item / pieces_, item % pieces_, cut_lane(item));
    } else if (item < pieces + whole) {
      const Lease scratch(*this);
      step(block, item - pieces, 0, *scratch);
    } else {
      const size_t piece = item - pieces - whole;
      sum_piece(block, whole + piece / pieces_, piece % pieces_, cut_lane(piece));
    }
  };
  pool_.for_each(2 * pieces + whole, 1, [&](size_t first, size_t count) {
    for (size_t item = first; item < first + count; ++item) work_on(item);
  });
}

// What is left when every thread has had as many whole lanes as every other.
size_t Attention::lanes_to_cut(const AttentionBlock& block) const {
  if (pieces_ == 1 || rows_of(block, 0) < kFewestRowsToCut) return 0;
  return lanes_of_layer_ % pool_.threads();
}

void Attention::score_piece(const AttentionBlock& block, size_t lane, size_t piece, CutLane& cut) {
  const AttentionLane& rows_of_lane = this->lane(block.layer, lane);
  const size_t rows = rows_of(block, lane);
  {
    const Lease scratch(*this);
    rows_of_lane.score(block, {0, 1}, rows, part(rows_of_lane.columns(rows), piece, pieces_),
                       (*scratch).queries, cut.work);
  }
  if (++cut.scored < pieces_) return;
  rows_of_lane.soften({0, 1}, rows, cut.work);
  cut.weights_ready = 1;  // before the observer, which may throw
  cut.weights_ready.notify_all();
  rows_of_lane.show(block, {0, 1}, rows, cut.work);
  rows_of_lane.finish_show(block, cut.work);
}

void Attention::sum_piece(const AttentionBlock& block, size_t lane, size_t piece, CutLane& cut) {
  cut.weights_ready.wait(0);
  const SlotRange channels = part(config_.head_dim, piece, pieces_);
  this->lane(block.layer, lane)
      .sum(block, {0, 1}, rows_of(block, lane), channels.first, channels.end - channels.first,
           cut.work);
  if (++cut.summed == pieces_)
    finish_step(block, lane, 0, reduced_of_step(block, lane, 0, cut.work));
}

// ----

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
