// x = embedding of each token
// for each layer:
//   q, k, v = W_qkv norm(x)             region 1
//   a = attention(q, k, v)              region 2 (model/attention)
//   x += W_o a                          region 3
//   gate, up = W_gate_up norm(x)        region 4
//   x += W_down (silu(gate) * up)       region 5
// logits = W_head norm(x)
//
// A region is one fork and join of the threads; a matrix product deals out groups of rows. What lies between two regions works
// column by column: for a single token the calling thread does it, in less time than a barrier takes.

#include "model/network.h"

#include <algorithm>
#include <functional>

#include "data/error.h"

namespace dendrokv {

namespace {

constexpr size_t kColumnGrain = 4;  // columns that a thread fetches at a time
constexpr size_t kPiecesPerThread =
    4;  // of a matrix: enough that a thread that was held up is relieved

void add(std::span<const float> values, std::span<float> to) {
  for (size_t i = 0; i < to.size(); ++i) to[i] += values[i];
}

}  // namespace

Network::Network(const Config& config, const Weights& weights, Arithmetic arithmetic,
                 size_t block_tokens, const Kernels& kernels, ThreadPool& pool,
                 Attention& attention)
    : config_(config),
      weights_(weights),
      kernels_(kernels),
      pool_(pool),
      attention_(attention),
      x_(block_tokens, config_.width),
      normed_(block_tokens, config_.width, arithmetic),
      qkv_(block_tokens, size_t{config_.heads + 2 * config_.kv_heads} * config_.head_dim),
      attended_(block_tokens, size_t{config_.heads} * config_.head_dim, arithmetic),
      branch_(block_tokens, config_.width),
      gate_up_(block_tokens, 2 * size_t{config_.hidden}),
      hidden_(block_tokens, config_.hidden, arithmetic) {}

GridView<const float> Network::run(std::span<const int32_t> ids, Step first, Observer* observer) {
  DENDROKV_ASSERT(!ids.empty() && ids.size() <= x_.rows());
  for (size_t token = 0; token < ids.size(); ++token)
    weights_.embedding.row(static_cast<size_t>(ids[token]), x_.row(token));
  const Block block{ids.size(), first, observer};
  for (size_t layer = 0; layer < config_.layers; ++layer) run_layer(layer, block);
  return GridView<const float>(x_.data(), block.tokens, x_.cols());
}

void Network::run_layer(size_t layer, const Block& block) {
  const LayerWeights& weights = weights_.layers[layer];
  const size_t tokens = block.tokens;
  normed_.shape(tokens, config_.width);
  attended_.shape(tokens, size_t{config_.heads} * config_.head_dim);
  hidden_.shape(tokens, config_.hidden);

  for_each_column(tokens, [&](size_t token) {
    normalise(x_.row(token), weights.attention_norm, weights.query_key_value, token);
  });
  const GridView<float> qkv(qkv_.data(), tokens, qkv_.cols());
  multiply(weights.query_key_value, normed_, qkv);
  attention_.run({Layer(layer), block.first, qkv, attended_, block.observer});
  for_each_column(tokens,
                  [&](size_t token) { quantise_for(weights.attention_output, attended_, token); });
  multiply(weights.attention_output, attended_,
           GridView<float>(branch_.data(), tokens, config_.width));
  for_each_column(tokens, [&](size_t token) {
    add(branch_.row(token), x_.row(token));
    normalise(x_.row(token), weights.feed_forward_norm, weights.gate_up, token);
  });
  multiply(weights.gate_up, normed_, GridView<float>(gate_up_.data(), tokens, gate_up_.cols()));
  for_each_column(tokens, [&](size_t token) {
    const auto gate_up = gate_up_.row(token);
    kernels_.gated_unit(gate_up.first(config_.hidden), gate_up.last(config_.hidden),
                        hidden_.floats(token));
    quantise_for(weights.down, hidden_, token);
  });
  multiply(weights.down, hidden_, GridView<float>(branch_.data(), tokens, config_.width));
  for_each_column(tokens, [&](size_t token) { add(branch_.row(token), x_.row(token)); });
}

void Network::logits(GridView<const float> states, GridView<float> out) {
  const PackedMatrix& head = weights_.head();
  normed_.shape(states.rows(), config_.width);
  for_each_column(states.rows(), [&](size_t state) {
    normalise(states.row(state), weights_.output_norm, head, state);
  });
  multiply(head, normed_, out);
}

void Network::normalise(std::span<const float> x, std::span<const float> weight,
                        const PackedMatrix& reader, size_t column) {
  kernels_.rms_norm(x, weight, config_.rms_epsilon, normed_.floats(column));
  quantise_for(reader, normed_, column);
}

void Network::quantise_for(const PackedMatrix& reader, Activations& activations, size_t column) {
  if (!reader.reads_codes()) return;
  kernels_.quantise(activations.floats(column), activations, column);
}

void Network::multiply(const PackedMatrix& matrix, const Activations& activations,
                       GridView<float> out) {
  const size_t pieces = pool_.threads() * kPiecesPerThread;
  const size_t grain = std::max<size_t>(1, (matrix.groups() + pieces - 1) / pieces);
  const auto rows = [&](size_t first, size_t count) {
    kernels_.matmul(matrix, activations, first, count, out);
  };
  pool_.for_each(matrix.groups(), grain, std::cref(rows));
}

template <class Body>
void Network::for_each_column(size_t columns, const Body& body) {
  const auto some = [&](size_t first, size_t count) {
    for (size_t column = first; column < first + count; ++column) body(column);
  };
  pool_.for_each(columns, kColumnGrain, std::cref(some));
}

}  // namespace dendrokv
