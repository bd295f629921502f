#include "model/streams.h"

#include <algorithm>
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
    fail("threads", std::to_string(threads), "wanted at most " + std::to_string(kMostThreads));
  return threads == 0 ? usable_cores() : threads;
}

size_t checked_block(uint32_t tokens) {
  if (tokens == 0 || tokens > kMostBlockTokens)
    fail("tokens of a block", std::to_string(tokens),
         "wanted 1 to " + std::to_string(kMostBlockTokens));
  return tokens;
}

CachePrecision precision_of(Arithmetic arithmetic) {
  return arithmetic == Arithmetic::Exact ? CachePrecision::F32 : CachePrecision::F16;
}

}  // namespace

class Streams::Impl {
 public:
  Impl(const Model& model, std::span<const PolicyChoice> policies, const DecoderOptions& options)
      : config_(model.config()),
        policies_(policies.begin(), policies.end()),
        log_(options.evictions),
        block_tokens_(checked_block(options.block_tokens)),
        pool_(checked_threads(options.threads)),
        network_(config_, model.weights(), model.arithmetic(), policies.size() * block_tokens_,
                 kernels_for(options.isa), pool_) {
    DENDROKV_ASSERT(!policies.empty());
    for (const PolicyChoice& policy : policies_)
      attentions_.push_back(std::make_unique<Attention>(config_, precision_of(model.arithmetic()),
                                                        policy, log_, kernels_for(options.isa),
                                                        pool_));
  }

  void feed(std::span<const int32_t> tokens, std::span<Observer* const> observers,
            const std::function<void(const Block&)>& done);
  void logits(GridView<const float> states, GridView<float> out);
  Run run(size_t stream) const;
  void check_room(size_t end) const;

  const Config& config_;
  const std::vector<PolicyChoice> policies_;
  const EvictionLog log_;
  const size_t block_tokens_;
  ThreadPool pool_;
  std::vector<std::unique_ptr<Attention>> attentions_;  // [stream]
  Network network_;
  Step next_;

 private:
  void check(std::span<const int32_t> tokens) const;
};

void Streams::Impl::feed(std::span<const int32_t> tokens, std::span<Observer* const> observers,
                         const std::function<void(const Block&)>& done) {
  DENDROKV_ASSERT(observers.empty() || observers.size() == attentions_.size());
  check(tokens);
  std::vector<Stream> streams;
  for (size_t i = 0; i < attentions_.size(); ++i)
    streams.push_back({attentions_[i].get(), observers.empty() ? nullptr : observers[i]});
  for (size_t offset = 0; offset < tokens.size(); offset += block_tokens_) {
    const auto block = tokens.subspan(offset, std::min(block_tokens_, tokens.size() - offset));
    for (const auto& attention : attentions_) attention->prepare(next_, block.size());
    done({offset, block.size(), network_.run(block, next_, streams)});
    const Step first = next_;
    next_ = Step(next_.value + block.size());
    for (const Stream& stream : streams)
      if (stream.observer != nullptr)
        stream.observer->on_steps_done(first, static_cast<uint32_t>(block.size()));
  }
}

void Streams::Impl::check(std::span<const int32_t> tokens) const {
  for (size_t place = 0; place < tokens.size(); ++place)
    if (tokens[place] < 0 || static_cast<uint32_t>(tokens[place]) >= config_.vocabulary)
      fail("token " + std::to_string(next_.index() + place), "id " + std::to_string(tokens[place]),
           "wanted 0 to " + std::to_string(config_.vocabulary - 1) + ", the model's vocabulary");
  check_room(next_.index() + tokens.size());
}

void Streams::Impl::check_room(size_t end) const {
  if (end > kMostSteps)
    fail("text", std::to_string(end) + " tokens", "wanted at most " + std::to_string(kMostSteps));
  uint64_t bytes = 0;
  for (const auto& attention : attentions_) {
    attention->check(end);
    bytes += attention->bytes_for(end);
  }
  if (attentions_.size() > 1)
    check_memory("text of " + std::to_string(end) + " tokens",
                 "the keys and values of " + std::to_string(attentions_.size()) + " caches", bytes,
                 "take fewer policies at once, smaller budgets or fewer tokens");
}

// As many states at a time as the network has room for.
void Streams::Impl::logits(GridView<const float> states, GridView<float> out) {
  const size_t most = attentions_.size() * block_tokens_;
  for (size_t first = 0; first < states.rows(); first += most) {
    const size_t count = std::min(most, states.rows() - first);
    network_.logits(states.rows_from(first, count), out.rows_from(first, count));
  }
}

Run Streams::Impl::run(size_t stream) const {
  DENDROKV_ASSERT(log_ == EvictionLog::Keep);
  Run run = run_under(policies_[stream], RunMode::ClosedLoop);
  run.kv_bytes = attentions_[stream]->bytes();
  run.retention = attentions_[stream]->retention(next_.value);
  return run;
}

Streams::Streams(const Model& model, std::span<const PolicyChoice> policies,
                 const DecoderOptions& options)
    : impl_(std::make_unique<Impl>(model, policies, options)) {}
Streams::~Streams() = default;

void Streams::feed(std::span<const int32_t> tokens, std::span<Observer* const> observers,
                   const std::function<void(const Block&)>& done) {
  impl_->feed(tokens, observers, done);
}

void Streams::check_room(size_t tokens) const {
  impl_->check_room(tokens);
}

void Streams::logits(GridView<const float> states, GridView<float> out) {
  impl_->logits(states, out);
}

void Streams::for_each(size_t items, const std::function<void(size_t first, size_t count)>& body) {
  impl_->pool_.for_each(items, 1, body);
}

size_t Streams::count() const {
  return impl_->attentions_.size();
}
Step Streams::next_step() const {
  return impl_->next_;
}
Run Streams::run(size_t stream) const {
  return impl_->run(stream);
}
uint64_t Streams::kv_bytes(size_t stream) const {
  return impl_->attentions_[stream]->bytes();
}
CacheUse Streams::use(size_t stream) const {
  return impl_->attentions_[stream]->use();
}
CacheRows Streams::rows(size_t stream) const {
  return impl_->attentions_[stream]->rows();
}
const AttentionLane& Streams::lane(size_t stream, Layer layer, Lane lane) const {
  return impl_->attentions_[stream]->lane_of(layer, lane);
}
size_t Streams::block_tokens() const {
  return impl_->block_tokens_;
}
unsigned Streams::threads() const {
  return impl_->pool_.threads();
}

}  // namespace dendrokv
