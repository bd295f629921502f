// x = embedding of each token, scaled
// for each layer:
//   q, k, v = W_qkv norm(x) + bias      region 1; then q, k = norm(q), norm(k), head by head
//   a = attention(q, k, v)              region 2 (model/attention)
//   x += norm(W_o a + bias)             region 3
//   gate, up = W_gate_up norm(x)        region 4
//   x += norm(W_down (f(gate) * up))    region 5
// logits = W_head norm(x)
//
// Biases, and norms other than those of x, where the layer has their weights; f and the scale as the architecture says.
//
// A region is one fork and join of the threads; a matrix product deals out groups of rows. What lies between two regions works
// column by column: for a single token the calling thread does it, in less time than a barrier takes.

#include "model/network.h"

#include <algorithm>
#include <functional>

#include "data/error.h"

namespace dendrokv {

namespace {

// Columns that a thread fetches at a time: their scales and sums, which lie side by side, fill whole cache lines, so that no two
// threads write to the same one.
constexpr size_t kColumnGrain = 16;
constexpr size_t kPiecesPerThread =
    4;  // of a matrix: enough that a thread that was held up is relieved
constexpr size_t kTileGroups = 2;  // that products take together when there are several columns

void add(std::span<const float> values, std::span<float> to) {
  for (size_t i = 0; i < to.size(); ++i) to[i] += values[i];
}

void add_if_there(std::span<const float> bias, std::span<float> to) {
  if (!bias.empty()) add(bias, to);
}

auto unit_of(const Architecture& architecture, const Kernels& kernels) {
  return architecture.unit == GatedUnit::Silu ? kernels.gated_unit : kernels.gated_gelu_unit;
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
  for (size_t token = 0; token < ids.size(); ++token) {
    weights_.embedding.row(static_cast<size_t>(ids[token]), x_.row(token));
    for (float& value : x_.row(token)) value *= config_.embedding_scale;
  }
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
  finish_heads(weights, qkv);
  attention_.run({Layer(layer), block.first, qkv, attended_, block.observer});
  for_each_column(tokens,
                  [&](size_t token) { quantise_for(weights.attention_output, attended_, token); });
  multiply(weights.attention_output, attended_,
           GridView<float>(branch_.data(), tokens, config_.width));
  for_each_column(tokens, [&](size_t token) {
    add_if_there(weights.attention_output_bias, branch_.row(token));
    add_branch(weights.attention_after_norm, token);
    normalise(x_.row(token), weights.feed_forward_norm, weights.gate_up, token);
  });
  const auto unit = unit_of(*config_.architecture, kernels_);
  multiply(weights.gate_up, normed_, GridView<float>(gate_up_.data(), tokens, gate_up_.cols()));
  for_each_column(tokens, [&](size_t token) {
    const auto gate_up = gate_up_.row(token);
    unit(gate_up.first(config_.hidden), gate_up.last(config_.hidden), hidden_.floats(token));
    quantise_for(weights.down, hidden_, token);
  });
  multiply(weights.down, hidden_, GridView<float>(branch_.data(), tokens, config_.width));
  for_each_column(tokens,
                  [&](size_t token) { add_branch(weights.feed_forward_after_norm, token); });
}

// Biases of queries, keys and values, and norms of the heads of queries and keys.
void Network::finish_heads(const LayerWeights& weights, GridView<float> qkv) {
  if (weights.query_key_value_bias.empty() && weights.query_norm.empty()) return;
  const size_t size = config_.head_dim;
  for_each_column(qkv.rows(), [&](size_t token) {
    const std::span<float> column = qkv.row(token);
    add_if_there(weights.query_key_value_bias, column);
    if (weights.query_norm.empty()) return;
    for (size_t head = 0; head < config_.heads + config_.kv_heads; ++head) {
      const std::span<float> values = column.subspan(head * size, size);
      const auto& norm = head < config_.heads ? weights.query_norm : weights.key_norm;
      kernels_.rms_norm(values, norm, config_.rms_epsilon, values);
    }
  });
}

// x += norm(branch), or the branch itself where there is no such norm.
void Network::add_branch(std::span<const float> norm, size_t token) {
  const std::span<float> branch = branch_.row(token);
  if (!norm.empty()) kernels_.rms_norm(branch, norm, config_.rms_epsilon, branch);
  add(branch, x_.row(token));
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
  const size_t pieces = pool_.threads() * kPiecesPerThread * kTileGroups;
  const size_t grain = std::max<size_t>(1, (matrix.groups() + pieces - 1) / pieces) * kTileGroups;
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
