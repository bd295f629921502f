// x = embedding of each token, scaled
// for each layer:
//   q, k, v = W_qkv norm(x) + bias      region 1; then q, k = norm(q), norm(k), head by head
//   a = attention(q, k, v)              region 2 (model/attention), stream by stream
//   x += norm(W_o a + bias)             region 3
//   gate, up = W_gate_up norm(x)        region 4
//   x += norm(W_down (f(gate) * up))    region 5
// logits = W_head norm(x)
//
// Biases, and norms other than those of x, where the layer has their weights; f and the scale as
// the architecture says.
//
// A region is one fork and join of the threads; a matrix product deals out groups of rows. What
// lies between two regions works column by column: for a single token the calling thread does it,
// in less time than a barrier takes.

#include "model/network.h"

#include <algorithm>
#include <functional>

#include "data/error.h"

namespace dendrokv {

namespace {

// Columns that a thread fetches at a time: their scales and sums, which lie side by side, fill
// whole cache lines, so that no two threads write to the same one.
constexpr size_t kColumnGrain = 16;
// Of a matrix: enough that a thread that was held up is relieved.
constexpr size_t kPiecesPerThread = 4;
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
                 size_t most_columns, const Kernels& kernels, ThreadPool& pool)
    : config_(config),
      weights_(weights),
      kernels_(kernels),
      pool_(pool),
      x_(most_columns, config_.width),
      normed_(most_columns, config_.width, arithmetic),
      qkv_(most_columns, size_t{config_.heads + 2 * config_.kv_heads} * config_.head_dim),
      attended_(most_columns, size_t{config_.heads} * config_.head_dim, arithmetic),
      branch_(most_columns, config_.width),
      gate_up_(most_columns, 2 * size_t{config_.hidden}),
      hidden_(most_columns, config_.hidden, arithmetic) {}

GridView<const float> Network::run(std::span<const int32_t> ids, Step first,
                                   std::span<const Stream> streams) {
  const Block block{ids.size(), first, streams};
  DENDROKV_ASSERT(block.columns() > 0 && block.columns() <= x_.rows());
  for (size_t token = 0; token < ids.size(); ++token) {
    weights_.embedding.row(static_cast<size_t>(ids[token]), x_.row(token));
    for (float& value : x_.row(token)) value *= config_.embedding_scale;
  }
  for (size_t column = ids.size(); column < block.columns(); ++column)
    std::ranges::copy(x_.row(column % ids.size()), x_.row(column).begin());
  for (size_t layer = 0; layer < config_.layers; ++layer) run_layer(layer, block);
  return GridView<const float>(x_.data(), block.columns(), x_.cols());
}

void Network::run_layer(size_t layer, const Block& block) {
  const LayerWeights& weights = weights_.layers[layer];
  const size_t columns = block.columns();
  normed_.shape(columns, config_.width);
  attended_.shape(columns, size_t{config_.heads} * config_.head_dim);
  hidden_.shape(columns, config_.hidden);

  for_each_column(columns, [&](size_t column) {
    normalise(x_.row(column), weights.attention_norm, weights.query_key_value, column);
  });
  const GridView<float> qkv(qkv_.data(), columns, qkv_.cols());
  multiply(weights.query_key_value, normed_, qkv);
  finish_heads(weights, qkv);
  attend(layer, block, qkv);
  for_each_column(
      columns, [&](size_t column) { quantise_for(weights.attention_output, attended_, column); });
  multiply(weights.attention_output, attended_,
           GridView<float>(branch_.data(), columns, config_.width));
  for_each_column(columns, [&](size_t column) {
    add_if_there(weights.attention_output_bias, branch_.row(column));
    add_branch(weights.attention_after_norm, column);
    normalise(x_.row(column), weights.feed_forward_norm, weights.gate_up, column);
  });
  const auto unit = unit_of(*config_.architecture, kernels_);
  multiply(weights.gate_up, normed_, GridView<float>(gate_up_.data(), columns, gate_up_.cols()));
  for_each_column(columns, [&](size_t column) {
    const auto gate_up = gate_up_.row(column);
    unit(gate_up.first(config_.hidden), gate_up.last(config_.hidden), hidden_.floats(column));
    quantise_for(weights.down, hidden_, column);
  });
  multiply(weights.down, hidden_, GridView<float>(branch_.data(), columns, config_.width));
  for_each_column(columns,
                  [&](size_t column) { add_branch(weights.feed_forward_after_norm, column); });
}

void Network::attend(size_t layer, const Block& block, GridView<const float> qkv) {
  for (size_t stream = 0; stream < block.streams.size(); ++stream) {
    const size_t first = stream * block.tokens;
    block.streams[stream].attention->run({.layer = Layer(layer),
                                          .first = block.first,
                                          .qkv = qkv.rows_from(first, block.tokens),
                                          .out = attended_,
                                          .observer = block.streams[stream].observer,
                                          .first_column = first});
  }
}

// Biases of queries, keys and values, and norms of the heads of queries and keys.
void Network::finish_heads(const LayerWeights& weights, GridView<float> qkv) {
  if (weights.query_key_value_bias.empty() && weights.query_norm.empty()) return;
  const size_t size = config_.head_dim;
  for_each_column(qkv.rows(), [&](size_t column) {
    const std::span<float> heads = qkv.row(column);
    add_if_there(weights.query_key_value_bias, heads);
    if (weights.query_norm.empty()) return;
    for (size_t head = 0; head < config_.heads + config_.kv_heads; ++head) {
      const std::span<float> values = heads.subspan(head * size, size);
      const auto& norm = head < config_.heads ? weights.query_norm : weights.key_norm;
      kernels_.rms_norm(values, norm, config_.rms_epsilon, values);
    }
  });
}

// x += norm(branch), or the branch itself where there is no such norm.
void Network::add_branch(std::span<const float> norm, size_t column) {
  const std::span<float> branch = branch_.row(column);
  if (!norm.empty()) kernels_.rms_norm(branch, norm, config_.rms_epsilon, branch);
  add(branch, x_.row(column));
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
