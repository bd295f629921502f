#include "model/decoder.h"

#include <algorithm>
#include <limits>
#include <string>
#include <vector>

#include "data/error.h"
#include "model/memory.h"

namespace dendrokv {

class Decoder::Impl {
 public:
  Impl(const Model& model, const PolicyChoice& policy, const DecoderOptions& options)
      : config_(model.config()),
        kernels_(kernels_for(options.isa)),
        streams_(model, {&policy, 1}, options) {}

  GridView<const float> feed(std::span<const int32_t> tokens, LogitsOf logits, Observer* observer);
  void feed_and_score(std::span<const int32_t> tokens, std::span<float> nll, Observer* observer);
  const Streams& streams() const { return streams_; }

 private:
  using Block = Streams::Block;

  template <class Body>
  void feed_blocks(std::span<const int32_t> tokens, Observer* observer, const Body& body);
  void score(const Block& block, std::span<const int32_t> tokens, std::span<float> nll);
  float loss_of(std::span<const float> logits, int32_t token) const;
  GridView<float> logits_room(size_t rows);

  const Config& config_;
  const Kernels& kernels_;
  Streams streams_;
  std::vector<float> last_state_;  // [width] of the token fed last
  std::vector<float> logits_;      // [row, vocabulary]
};

template <class Body>
void Decoder::Impl::feed_blocks(std::span<const int32_t> tokens, Observer* observer,
                                const Body& body) {
  streams_.feed(tokens, {&observer, 1}, [&](const Block& block) {
    body(block);
    const auto last = block.states.row(block.tokens - 1);
    last_state_.assign(last.begin(), last.end());
  });
}

GridView<const float> Decoder::Impl::feed(std::span<const int32_t> tokens, LogitsOf logits,
                                          Observer* observer) {
  const size_t wanted = logits == LogitsOf::All    ? tokens.size()
                        : logits == LogitsOf::Last ? std::min<size_t>(tokens.size(), 1)
                                                   : 0;
  const size_t unwanted = tokens.size() - wanted;
  const GridView<float> out = logits_room(wanted);
  feed_blocks(tokens, observer, [&](const Block& block) {
    const size_t end = block.offset + block.tokens;
    const size_t first = std::max(block.offset, unwanted);
    if (first >= end) return;
    streams_.logits(block.states.rows_from(first - block.offset, end - first),
                    out.rows_from(first - unwanted, end - first));
  });
  return out;
}

void Decoder::Impl::feed_and_score(std::span<const int32_t> tokens, std::span<float> nll,
                                   Observer* observer) {
  DENDROKV_ASSERT(nll.size() == tokens.size());
  feed_blocks(tokens, observer, [&](const Block& block) {
    score(block, tokens.subspan(block.offset, block.tokens),
          nll.subspan(block.offset, block.tokens));
  });
}

// Token i is foretold by the state before it: the last one of the previous block, then those of
// this one.
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
  streams_.logits(states.view(), logits);
  streams_.for_each(states.rows(), [&](size_t first, size_t count) {
    for (size_t row = first; row < first + count; ++row)
      nll[row + unforetold] = loss_of(logits.row(row), tokens[row + unforetold]);
  });
}

float Decoder::Impl::loss_of(std::span<const float> logits, int32_t token) const {
  const auto logit = static_cast<double>(logits[static_cast<size_t>(token)]);
  return static_cast<float>(kernels_.log_sum_exp(logits) - logit);
}

GridView<float> Decoder::Impl::logits_room(size_t rows) {
  const size_t size = rows * config_.vocabulary;
  check_memory(std::to_string(rows) + " tokens", "their logits", size * sizeof(float),
               "feed fewer tokens at once");
  if (logits_.size() < size) logits_.resize(size);
  return {logits_.data(), rows, config_.vocabulary};
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
  return impl_->streams().next_step();
}
Run Decoder::run() const {
  return impl_->streams().run(0);
}
uint64_t Decoder::kv_bytes() const {
  return impl_->streams().kv_bytes(0);
}
CacheRows Decoder::rows() const {
  return impl_->streams().rows(0);
}
const Streams& Decoder::streams() const {
  return impl_->streams();
}
unsigned Decoder::threads() const {
  return impl_->streams().threads();
}

}  // namespace dendrokv
