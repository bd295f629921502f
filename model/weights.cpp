#include "model/weights.h"

#include <cmath>
#include <cstring>
#include <set>
#include <string_view>

#include "data/error.h"
#include "model/tensor_types.h"

namespace dendrokv {
namespace {

struct Wanted {
  std::string name;
  std::vector<uint64_t> shape;  // as GGUF has it: innermost first
};

std::string block_name(size_t layer, const char* part) {
  return "blk." + std::to_string(layer) + "." + part + ".weight";
}

std::vector<Wanted> wanted_tensors(const Config& config) {
  const uint64_t width = config.width, hidden = config.hidden;
  const uint64_t query = uint64_t{config.heads} * config.head_dim,
                 key = uint64_t{config.kv_heads} * config.head_dim;
  std::vector<Wanted> wanted = {{"token_embd.weight", {width, config.vocabulary}},
                                {"output_norm.weight", {width}}};
  for (size_t layer = 0; layer < config.layers; ++layer) {
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
  return wanted;
}

std::string shape_text(const std::vector<uint64_t>& shape) {
  std::string text = "[";
  for (size_t i = shape.size(); i-- > 0;) text += std::to_string(shape[i]) + (i ? ", " : "");
  return text + "]";
}

void check_tensor(const Gguf& gguf, const Wanted& wanted) {
  const GgufTensor* tensor = gguf.find_tensor(wanted.name);
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

std::vector<float> vector_of(const Gguf& gguf, const std::string& name) {
  const GgufTensor& tensor = *gguf.find_tensor(name);
  std::vector<float> values(tensor.shape[0]);
  find_tensor_type(tensor.type)->to_float(tensor.data, values);
  for (const float value : values)
    if (!std::isfinite(value))
      fail(gguf.subject(), "tensor " + name + " holds a value that is not finite",
           "wanted numbers");
  return values;
}

PackedMatrix packed(const Gguf& gguf, std::initializer_list<std::string> names,
                    Arithmetic arithmetic) {
  std::vector<const GgufTensor*> tensors;
  for (const std::string& name : names) tensors.push_back(gguf.find_tensor(name));
  return PackedMatrix::pack_rows(gguf.subject(), tensors, arithmetic);
}

LayerWeights load_layer(const Gguf& gguf, size_t layer, Arithmetic arithmetic) {
  const auto name = [&](const char* part) { return block_name(layer, part); };
  LayerWeights weights;
  weights.attention_norm = vector_of(gguf, name("attn_norm"));
  weights.query_key_value =
      packed(gguf, {name("attn_q"), name("attn_k"), name("attn_v")}, arithmetic);
  weights.attention_output = packed(gguf, {name("attn_output")}, arithmetic);
  weights.feed_forward_norm = vector_of(gguf, name("ffn_norm"));
  weights.gate_up = packed(gguf, {name("ffn_gate"), name("ffn_up")}, arithmetic);
  weights.down = packed(gguf, {name("ffn_down")}, arithmetic);
  return weights;
}

}  // namespace

void check_tensors(const Gguf& gguf, const Config& config) {
  std::vector<Wanted> wanted = wanted_tensors(config);
  if (gguf.find_tensor("output.weight"))
    wanted.push_back({"output.weight", {config.width, config.vocabulary}});
  std::set<std::string_view> known = {"rope_freqs.weight"};
  for (const Wanted& tensor : wanted) known.insert(tensor.name);
  // A tensor that is not used (a bias, an expert) would change the result.
  for (const GgufTensor& tensor : gguf.tensors())
    if (!known.contains(tensor.name))
      fail(gguf.subject(), "tensor " + tensor.name,
           "wanted none but those of a plain llama model of " + std::to_string(config.layers) +
               " layers",
           "this feature is not supported");
  for (const Wanted& tensor : wanted) check_tensor(gguf, tensor);
  check_types(gguf);
}

Weights load_weights(const Gguf& gguf, const Config& config, Arithmetic arithmetic) {
  Weights weights;
  weights.embedding = packed(gguf, {"token_embd.weight"}, arithmetic);
  if (gguf.find_tensor("output.weight"))
    weights.output = packed(gguf, {"output.weight"}, arithmetic);
  weights.output_norm = vector_of(gguf, "output_norm.weight");
  for (size_t layer = 0; layer < config.layers; ++layer)
    weights.layers.push_back(load_layer(gguf, layer, arithmetic));
  return weights;
}

}  // namespace dendrokv
