#include "model/decoder.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <string>
#include <vector>

#include "data/error.h"
#include "model/memory.h"
#include "model/network.h"
#include "model/thread_pool.h"

namespace dendrokv {

namespace {

constexpr uint32_t kMostBlockTokens = 4096;
constexpr unsigned kMostThreads = 1024;
constexpr size_t kMostSteps = std::numeric_limits<int32_t>::max();  // as files store them

unsigned checked_threads(unsigned threads) {
  if (threads > kMostThreads)
    fail("threads", std::to_string(threads), "at most " + std::to_string(kMostThreads));
  return threads == 0 ? usable_cores() : threads;
}

size_t checked_block(uint32_t tokens) {
  if (tokens == 0 || tokens > kMostBlockTokens)
    fail("tokens of a block", std::to_string(tokens), "1 to " + std::to_string(kMostBlockTokens));
  return tokens;
}

CachePrecision precision_of(Arithmetic arithmetic) {
  return arithmetic == Arithmetic::Exact ? CachePrecision::F32 : CachePrecision::F16;
}

}  // namespace

class Decoder::Impl {
 public:
  Impl(const Model& model, const PolicyChoice& policy, const DecoderOptions& options)
      : config_(model.config()),
        policy_(policy),
        log_(options.evictions),
        block_tokens_(checked_block(options.block_tokens)),
        pool_(checked_threads(options.threads)),
        attention_(config_, precision_of(model.arithmetic()), policy, options.evictions,
                   kernels_for(options.isa), pool_),
        network_(config_, model.weights(), model.arithmetic(), block_tokens_,
                 kernels_for(options.isa), pool_, attention_) {}

  GridView<const float> feed(std::span<const int32_t> tokens, LogitsOf logits, Observer* observer);
  void feed_and_score(std::span<const int32_t> tokens, std::span<float> nll, Observer* observer);
  Step next_step() const { return next_; }
  Run run() const;
  uint64_t kv_bytes() const { return attention_.bytes(); }
  const Attention& attention() const { return attention_; }
  unsigned threads() const { return pool_.threads(); }

 private:
  // A block that went through all layers.
  struct Block {
    size_t offset;                 // of its first token among those fed in this call
    GridView<const float> states;  // [token, width]
  };

  void feed_blocks(std::span<const int32_t> tokens, Observer* observer,
                   const std::function<void(const Block&)>& done);
  void check(std::span<const int32_t> tokens) const;
  void score(const Block& block, std::span<const int32_t> tokens, std::span<float> nll);
  GridView<float> logits_room(size_t rows);

  const Config& config_;
  const PolicyChoice policy_;
  const EvictionLog log_;
  const size_t block_tokens_;
  ThreadPool pool_;
  Attention attention_;
  Network network_;
  Step next_;
  std::vector<float> last_state_;  // [width] of the token fed last
  std::vector<float> logits_;      // [row, vocabulary]
};

GridView<const float> Decoder::Impl::feed(std::span<const int32_t> tokens, LogitsOf logits,
                                          Observer* observer) {
  const size_t wanted = logits == LogitsOf::All    ? tokens.size()
                        : logits == LogitsOf::Last ? std::min<size_t>(tokens.size(), 1)
                                                   : 0;
  const size_t unwanted = tokens.size() - wanted;
  const GridView<float> out = logits_room(wanted);
  feed_blocks(tokens, observer, [&](const Block& block) {
    const size_t end = block.offset + block.states.rows();
    const size_t first = std::max(block.offset, unwanted);
    if (first >= end) return;
    network_.logits(block.states.rows_from(first - block.offset, end - first),
                    out.rows_from(first - unwanted, end - first));
  });
  return out;
}

void Decoder::Impl::feed_and_score(std::span<const int32_t> tokens, std::span<float> nll,
                                   Observer* observer) {
  DENDROKV_ASSERT(nll.size() == tokens.size());
  feed_blocks(tokens, observer, [&](const Block& block) {
    const size_t count = block.states.rows();
    score(block, tokens.subspan(block.offset, count), nll.subspan(block.offset, count));
  });
}

// Token i is foretold by the state before it: the last one of the previous block, then those of this one.
void Decoder::Impl::score(const Block& block, std::span<const int32_t> tokens,
                          std::span<float> nll) {
  const size_t unforetold = last_state_.empty() ? 1 : 0;
  if (unforetold == 1) nll[0] = std::numeric_limits<float>::quiet_NaN();
  Grid<float> states(tokens.size() - unforetold, config_.width);
  if (unforetold == 0) std::ranges::copy(last_state_, states.row(0).begin());
  for (size_t token = 1; token < tokens.size(); ++token)
    std::ranges::copy(block.states.row(token - 1), states.row(token - unforetold).begin());
  if (states.rows() == 0) return;

  const GridView<float> logits = logits_room(states.rows());
  network_.logits(states.view(), logits);
  pool_.for_each(states.rows(), 1, [&](size_t first, size_t count) {
    for (size_t row = first; row < first + count; ++row)
      nll[row + unforetold] =
          static_cast<float>(negative_log_likelihood(logits.row(row), tokens[row + unforetold]));
  });
}

void Decoder::Impl::feed_blocks(std::span<const int32_t> tokens, Observer* observer,
                                const std::function<void(const Block&)>& done) {
  check(tokens);
  for (size_t offset = 0; offset < tokens.size(); offset += block_tokens_) {
    const auto block = tokens.subspan(offset, std::min(block_tokens_, tokens.size() - offset));
    attention_.prepare(next_, block.size());
    const GridView<const float> states = network_.run(block, next_, observer);
    done({offset, states});
    last_state_.assign(states.row(block.size() - 1).begin(), states.row(block.size() - 1).end());
    const Step first = next_;
    next_ = Step(next_.value + block.size());
    if (observer != nullptr) observer->on_steps_done(first, static_cast<uint32_t>(block.size()));
  }
}

void Decoder::Impl::check(std::span<const int32_t> tokens) const {
  for (size_t place = 0; place < tokens.size(); ++place)
    if (tokens[place] < 0 || static_cast<uint32_t>(tokens[place]) >= config_.vocabulary)
      fail("token " + std::to_string(next_.index() + place), "id " + std::to_string(tokens[place]),
           "0 to " + std::to_string(config_.vocabulary - 1) + ", the model's vocabulary");
  const size_t end = next_.index() + tokens.size();
  if (end > kMostSteps)
    fail("text", std::to_string(end) + " tokens", "at most " + std::to_string(kMostSteps));
  attention_.check(end);
}

GridView<float> Decoder::Impl::logits_room(size_t rows) {
  const size_t size = rows * config_.vocabulary;
  check_memory(std::to_string(rows) + " tokens", "their logits", size * sizeof(float),
               "feed fewer tokens at once");
  if (logits_.size() < size) logits_.resize(size);
  return {logits_.data(), rows, config_.vocabulary};
}

Run Decoder::Impl::run() const {
  DENDROKV_ASSERT(log_ == EvictionLog::Keep);
  const PolicyShape& shape = policy_.shape();
  Run run;
  run.policy = policy_.text();
  run.mode = RunMode::ClosedLoop;
  run.lane_kind = shape.lane_kind;
  run.sinks = shape.sinks;
  run.recent = shape.recent;
  run.budget = shape.budget;
  run.positions = shape.positions == PositionMode::Rank ? "rank" : "original";
  run.kv_bytes = attention_.bytes();
  run.retention = attention_.retention(next_.value);
  return run;
}

Decoder::Decoder(const Model& model, const PolicyChoice& policy, const DecoderOptions& options)
    : impl_(std::make_unique<Impl>(model, policy, options)) {}
Decoder::~Decoder() = default;

GridView<const float> Decoder::feed(std::span<const int32_t> tokens, LogitsOf logits,
                                    Observer* observer) {
  return impl_->feed(tokens, logits, observer);
}

void Decoder::feed_and_score(std::span<const int32_t> tokens, std::span<float> nll,
                             Observer* observer) {
  impl_->feed_and_score(tokens, nll, observer);
}

Step Decoder::next_step() const {
  return impl_->next_step();
}
Run Decoder::run() const {
  return impl_->run();
}
uint64_t Decoder::kv_bytes() const {
  return impl_->kv_bytes();
}
CacheRows Decoder::rows() const {
  return impl_->attention().rows();
}
const AttentionLane& Decoder::lane(Layer layer, Lane lane) const {
  return impl_->attention().lane_of(layer, lane);
}
unsigned Decoder::threads() const {
  return impl_->threads();
}

double negative_log_likelihood(std::span<const float> logits, int32_t token) {
  DENDROKV_ASSERT(token >= 0 && static_cast<size_t>(token) < logits.size());
  const auto top = static_cast<double>(*std::ranges::max_element(logits));
  double sum = 0;
  for (const float logit : logits) sum += std::exp(static_cast<double>(logit) - top);
  return std::log(sum) + top - static_cast<double>(logits[static_cast<size_t>(token)]);
}

}  // namespace dendrokv
