#include "model/weights.h"

#include <cmath>
#include <cstring>
#include <set>
#include <string_view>

#include "data/error.h"
#include "model/memory.h"
#include "model/packed_file.h"
#include "model/packed_section.h"
#include "model/tensor_types.h"

namespace dendrokv {
namespace {

enum class Presence : uint8_t { Needed, Optional };

struct Wanted {
  std::string name;
  std::vector<uint64_t> shape;  // as GGUF has it: innermost first
  Presence presence = Presence::Needed;
};

std::string block_name(size_t layer, const char* part, const char* kind = "weight") {
  return "blk." + std::to_string(layer) + "." + part + "." + kind;
}

// Sizes of the outputs of a layer's attention matrices.
struct AttentionSizes {
  explicit AttentionSizes(const Config& config)
      : query(uint64_t{config.heads} * config.head_dim),
        key(uint64_t{config.kv_heads} * config.head_dim) {}
  uint64_t query, key;  // a value has the size of a key
};

void want_matrices(size_t layer, const Config& config, std::vector<Wanted>& wanted) {
  const uint64_t width = config.width, hidden = config.hidden;
  const auto [query, key] = AttentionSizes(config);
  wanted.push_back({block_name(layer, "attn_norm"), {width}});
  wanted.push_back({block_name(layer, "attn_q"), {width, query}});
  wanted.push_back({block_name(layer, "attn_k"), {width, key}});
  wanted.push_back({block_name(layer, "attn_v"), {width, key}});
  wanted.push_back({block_name(layer, "attn_output"), {query, width}});
  wanted.push_back({block_name(layer, "ffn_norm"), {width}});
  wanted.push_back({block_name(layer, "ffn_gate"), {width, hidden}});
  wanted.push_back({block_name(layer, "ffn_up"), {width, hidden}});
  wanted.push_back({block_name(layer, "ffn_down"), {hidden, width}});
}

void want_vectors(size_t layer, const Config& config, std::vector<Wanted>& wanted) {
  const Architecture& architecture = *config.architecture;
  const auto [query, key] = AttentionSizes(config);
  const Presence biases =
      architecture.biases == Biases::QueryKeyValueNeeded ? Presence::Needed : Presence::Optional;
  wanted.push_back({block_name(layer, "attn_q", "bias"), {query}, biases});
  wanted.push_back({block_name(layer, "attn_k", "bias"), {key}, biases});
  wanted.push_back({block_name(layer, "attn_v", "bias"), {key}, biases});
  wanted.push_back({block_name(layer, "attn_output", "bias"), {config.width}, Presence::Optional});
  if (architecture.head_norms == HeadNorms::QueryAndKey) {
    wanted.push_back({block_name(layer, "attn_q_norm"), {config.head_dim}});
    wanted.push_back({block_name(layer, "attn_k_norm"), {config.head_dim}});
  }
  if (architecture.branch_norms == BranchNorms::BeforeAndAfter) {
    wanted.push_back({block_name(layer, "post_attention_norm"), {config.width}});
    wanted.push_back({block_name(layer, "post_ffw_norm"), {config.width}});
  }
}

std::vector<Wanted> wanted_tensors(const Config& config) {
  const uint64_t width = config.width, vocabulary = config.vocabulary;
  std::vector<Wanted> wanted = {{"token_embd.weight", {width, vocabulary}},
                                {"output_norm.weight", {width}},
                                {"output.weight", {width, vocabulary}, Presence::Optional}};
  for (size_t layer = 0; layer < config.layers; ++layer) {
    want_matrices(layer, config, wanted);
    want_vectors(layer, config, wanted);
  }
  return wanted;
}

std::string shape_text(const std::vector<uint64_t>& shape) {
  std::string text = "[";
  for (size_t i = shape.size(); i-- > 0;) text += std::to_string(shape[i]) + (i ? ", " : "");
  return text + "]";
}

void check_tensor(const Gguf& gguf, const Wanted& wanted) {
  const GgufTensor* tensor = gguf.find_tensor(wanted.name);
  if (!tensor && wanted.presence == Presence::Optional) return;
  if (!tensor)
    fail(gguf.subject(), "tensor " + wanted.name + " is missing",
         "wanted shape " + shape_text(wanted.shape));
  if (tensor->shape != wanted.shape)
    fail(gguf.subject(), "tensor " + wanted.name + " has shape " + shape_text(tensor->shape),
         "wanted " + shape_text(wanted.shape));
}

void check_types(const Gguf& gguf) {
  std::string known;
  for (const TensorType& type : tensor_type_table())
    known += (known.empty() ? "" : ", ") + std::string(type.name);
  for (const GgufTensor& tensor : gguf.tensors())
    if (!find_tensor_type(tensor.type))
      fail(gguf.subject(), "tensor " + tensor.name + " has type " + tensor_type_name(tensor.type),
           "wanted one of " + known, "take another quantisation of the model");
}

// Empty when the file has no such tensor.
std::vector<float> vector_of(const Gguf& gguf, const std::string& name) {
  if (!gguf.find_tensor(name)) return {};
  const GgufTensor& tensor = *gguf.find_tensor(name);
  std::vector<float> values(tensor.shape[0]);
  find_tensor_type(tensor.type)->to_float(tensor.data, values);
  for (const float value : values)
    if (!std::isfinite(value))
      fail(gguf.subject(), "tensor " + name + " holds a value that is not finite",
           "wanted numbers");
  return values;
}

// How a matrix becomes sections.
struct Packing {
  Arithmetic arithmetic;
  MakeSection make;
};

PackedMatrix packed(const Gguf& gguf, std::initializer_list<std::string> names,
                    const Packing& packing) {
  std::vector<const GgufTensor*> tensors;
  for (const std::string& name : names) tensors.push_back(gguf.find_tensor(name));
  return PackedMatrix::of_sections(gguf.subject(), tensors, packing.arithmetic, packing.make);
}

uint64_t bytes_for(const Gguf& gguf, Arithmetic arithmetic) {
  uint64_t bytes = 0;
  for (const GgufTensor& tensor : gguf.tensors()) bytes += packed_bytes(tensor, arithmetic);
  return bytes;
}

// Those of queries, keys and values below one another; empty when none of them has any.
std::vector<float> joined_biases(const Gguf& gguf, const Config& config, size_t layer) {
  const auto [query, key] = AttentionSizes(config);
  std::vector<float> joined;
  bool found = false;
  for (const auto& [part, size] :
       {std::pair{"attn_q", query}, std::pair{"attn_k", key}, std::pair{"attn_v", key}}) {
    std::vector<float> bias = vector_of(gguf, block_name(layer, part, "bias"));
    found = found || !bias.empty();
    bias.resize(size);
    joined.insert(joined.end(), bias.begin(), bias.end());
  }
  return found ? joined : std::vector<float>();
}

LayerWeights load_layer(const Gguf& gguf, const Config& config, size_t layer,
                        const Packing& packing) {
  const auto name = [&](const char* part) { return block_name(layer, part); };
  LayerWeights weights;
  weights.attention_norm = vector_of(gguf, name("attn_norm"));
  weights.query_key_value = packed(gguf, {name("attn_q"), name("attn_k"), name("attn_v")}, packing);
  weights.query_key_value_bias = joined_biases(gguf, config, layer);
  weights.query_norm = vector_of(gguf, name("attn_q_norm"));
  weights.key_norm = vector_of(gguf, name("attn_k_norm"));
  weights.attention_output = packed(gguf, {name("attn_output")}, packing);
  weights.attention_output_bias = vector_of(gguf, block_name(layer, "attn_output", "bias"));
  weights.attention_after_norm = vector_of(gguf, name("post_attention_norm"));
  weights.feed_forward_norm = vector_of(gguf, name("ffn_norm"));
  weights.gate_up = packed(gguf, {name("ffn_gate"), name("ffn_up")}, packing);
  weights.down = packed(gguf, {name("ffn_down")}, packing);
  weights.feed_forward_after_norm = vector_of(gguf, name("post_ffw_norm"));
  return weights;
}

Weights all_weights(const Gguf& gguf, const Config& config, const Packing& packing) {
  Weights weights;
  weights.embedding = packed(gguf, {"token_embd.weight"}, packing);
  if (gguf.find_tensor("output.weight")) weights.output = packed(gguf, {"output.weight"}, packing);
  weights.output_norm = vector_of(gguf, "output_norm.weight");
  for (size_t layer = 0; layer < config.layers; ++layer)
    weights.layers.push_back(load_layer(gguf, config, layer, packing));
  return weights;
}

}  // namespace

void check_tensors(const Gguf& gguf, const Config& config) {
  const std::vector<Wanted> wanted = wanted_tensors(config);
  std::set<std::string_view> known = {"rope_freqs.weight"};
  for (const Wanted& tensor : wanted) known.insert(tensor.name);
  // A tensor that is not used (an expert, a bias elsewhere) would change the result.
  for (const GgufTensor& tensor : gguf.tensors())
    if (!known.contains(tensor.name))
      fail(gguf.subject(), "tensor " + tensor.name,
           "wanted none but those of a " + std::string(config.architecture->name) + " model of " +
               std::to_string(config.layers) + " layers",
           "this feature is not supported");
  for (const Wanted& tensor : wanted) check_tensor(gguf, tensor);
  check_types(gguf);
}

Weights load_weights(const Gguf& gguf, const Config& config, Arithmetic arithmetic) {
  check_memory(gguf.subject(), "its weights", bytes_for(gguf, arithmetic),
               arithmetic == Arithmetic::Exact ? "leave out --exact" : "take a smaller model");
  return all_weights(gguf, config, {arithmetic, pack_section});
}

Weights share_weights(const Gguf& gguf, const Config& config, Arithmetic arithmetic,
                      const std::string& sha256) {
  PackedFile file(packed_path(sha256, arithmetic), [&](const MakeSection& make) {
    all_weights(gguf, config, {arithmetic, make});
  });
  return all_weights(gguf, config,
                     {arithmetic, [&](std::string_view, std::span<const GgufTensor* const> tensors,
                                      PackedKind kind) { return file.next(tensors, kind); }});
}

}  // namespace dendrokv
