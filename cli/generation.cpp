#include "cli/generation.h"

#include <algorithm>
#include <chrono>
#include <limits>
#include <utility>

#include "cli/inputs.h"
#include "cli/stop.h"
#include "model/text_stream.h"

namespace dendrokv {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

double rate(size_t count, double seconds) {
  return count > 0 && seconds > 0 ? static_cast<double>(count) / seconds
                                  : std::numeric_limits<double>::quiet_NaN();
}

}  // namespace

Generation::Generation(const Session& session, const Model& model, const PolicyChoice& policy,
                       const SamplerOptions& sampling, Show show, Watch watch)
    : session_(session),
      model_(model),
      policy_(policy),
      show_(std::move(show)),
      decoding_{.threads = session.threads,
                .isa = session.isa,
                .evictions = watch == Watch::Yes ? EvictionLog::Keep : EvictionLog::Discard},
      decoder_(model, policy, decoding_),
      sampler_(sampling) {
  if (watch == Watch::Yes) watch_.emplace(model, policy, nullptr);
}

GridView<const float> Generation::feed(std::span<const int32_t> tokens) {
  if (watch_) fed_.insert(fed_.end(), tokens.begin(), tokens.end());
  return decoder_.feed(tokens, LogitsOf::Last, watch_ ? &*watch_ : nullptr);
}

Audit Generation::audit() const {
  DENDROKV_ASSERT(watch_);
  return watch_->audit(decoder_.streams(), 0, fed_, decoding_);
}

Reply Generation::answer(const std::string& subject, std::span<const int32_t> prompt,
                         uint64_t most) {
  std::vector<int32_t> tokens = std::exchange(owed_, {});
  tokens.insert(tokens.end(), prompt.begin(), prompt.end());
  check_context(subject, decoder_.next_step().value + tokens.size(), model_, policy_,
                "shorten it or take a policy with positions=rank");
  Reply reply;
  reply.prompt_tokens = tokens.size();
  const auto start = Clock::now();
  const GridView<const float> logits = feed_prompt(tokens);
  reply.prompt_tokens_per_second = rate(tokens.size(), seconds_since(start));
  const auto decode_start = Clock::now();
  const size_t steps = write(logits, most, reply);
  reply.tokens_per_second = rate(steps, seconds_since(decode_start));
  reply.seconds = seconds_since(start);
  reply.kv_bytes = decoder_.kv_bytes();
  reply.rows = decoder_.rows();
  return reply;
}

// Block by block, so that a signal need not wait for a long prompt.
GridView<const float> Generation::feed_prompt(std::span<const int32_t> prompt) {
  constexpr size_t kPromptBlock = 256;
  ProgressLine progress("prompt", "tokens", session_.verbosity);
  GridView<const float> logits;
  for (size_t fed = 0; fed < prompt.size();) {
    const size_t count = std::min(kPromptBlock, prompt.size() - fed);
    logits = feed(prompt.subspan(fed, count));
    fed += count;
    if (progress.update(fed, prompt.size()) == Continue::Stop) break;
  }
  return logits;
}

// Where places are ranks and rows leave, there is no end.
bool Generation::context_full() const {
  const uint64_t context = model_.config().context_length, tokens = decoder_.next_step().value + 1;
  return tokens > context && places_needed(tokens, model_, policy_) > context;
}

size_t Generation::write(GridView<const float> logits, uint64_t most, Reply& reply) {
  TextStream stream(model_.tokenizer(), StreamStart::Within);
  const auto show = [&](const std::string& text) {
    reply.text += text;
    if (!text.empty()) show_(text);
  };
  size_t steps = 0;
  for (reply.ended_by = "length"; reply.ids.size() < most;) {
    if (stop_requested()) {
      reply.ended_by = "signal";
      break;
    }
    const int32_t id = sampler_.next(logits.row(logits.rows() - 1));
    if (model_.tokenizer().ends_generation(id)) {
      reply.ended_by = "end-token";
      break;
    }
    reply.ids.push_back(id);
    owed_ = {id};
    show(stream.feed(id));
    if (reply.ids.size() == most) break;
    if (context_full()) {
      reply.ended_by = "context";
      break;
    }
    logits = feed({&id, 1});
    owed_.clear();
    ++steps;
  }
  show(stream.flush());
  return steps;
}

}  // namespace dendrokv
