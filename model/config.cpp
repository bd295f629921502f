#include "model/config.h"

#include <algorithm>
#include <cmath>
#include <optional>

#include "data/error.h"
#include "model/config_keys.h"
#include "model/config_rotary.h"
#include "model/tensor_types.h"
#include "model/unicode.h"

namespace dendrokv {
namespace {

constexpr uint64_t kLongestContext = uint64_t{1} << 24;

const Architecture& read_architecture(const Gguf& gguf) {
  const std::string name = text_of(gguf, "general.architecture", "");
  if (const Architecture* row = find_architecture(name)) return *row;
  std::string known;
  for (const Architecture& row : architecture_table())
    known += (known.empty() ? "" : ", ") + std::string(row.name);
  fail(gguf.subject(), "architecture '" + shown(name) + "'", "wanted one of " + known,
       "other architectures are not supported");
}

// What a file may ask for and this engine does not do is refused by name, never ignored.
void refuse_unsupported(const Keys& keys, const Architecture& architecture) {
  const auto refuse = [&](const char* key, const std::string& found) {
    keys.fail_with(key, found, "wanted a model without it", "this feature is not supported");
  };
  for (const char* key : {"expert_count", "expert_used_count", "nextn_predict_layers"})
    if (const auto count = keys.count(key).value_or(0); count != 0)
      refuse(key, std::to_string(count));
  for (const char* key :
       {"attention.max_alibi_bias", "attention.clamp_kqv", "attn_logit_softcapping",
        "final_logit_softcapping", "logit_scale", "residual_scale", "embedding_scale"})
    if (const double number = keys.real(key).value_or(0); number != 0)
      refuse(key, std::to_string(number));
  const GgufValue* causal = keys.find("attention.causal");
  if (causal && *causal != GgufValue(true)) refuse("attention.causal", "not true");
  if (architecture.sliding != SlidingLayers::Groups)
    for (const char* key : {"attention.sliding_window_pattern", "rope.freq_base_swa"})
      if (keys.find(key)) refuse(key, "set");
}

void refuse_parts(const Gguf& gguf) {
  const GgufValue* count = gguf.find("split.count");
  if (!count) return;
  if (const auto* number = std::get_if<uint64_t>(count); !number || *number > 1)
    fail(gguf.subject(), "is one part of a split model", "wanted a single file",
         "merge the parts first");
}

void check_quantization(const Gguf& gguf) {
  const GgufValue* version = gguf.find("general.quantization_version");
  if (!version || *version == GgufValue(uint64_t{2})) return;
  for (const GgufTensor& tensor : gguf.tensors())
    if (find_tensor_layout(tensor.type)->block_values > 1)
      fail(gguf.subject(), "general.quantization_version is not 2",
           "wanted 2 beside the quantised tensor " + tensor.name, "convert the model anew");
}

uint32_t vocabulary_of(const Keys& keys) {
  constexpr uint64_t kMostRows = uint64_t{1} << 24;
  const GgufTensor* embedding = keys.gguf().find_tensor("token_embd.weight");
  if (!embedding || embedding->shape.size() != 2)
    fail(keys.subject(), "tensor token_embd.weight is missing or not a matrix",
         "wanted the token embedding");
  const uint64_t rows = embedding->shape[1];
  if (rows > kMostRows)
    fail(keys.subject(), "token_embd.weight has " + std::to_string(rows) + " rows",
         "wanted at most 2^24");
  if (const auto said = keys.count("vocab_size"); said && *said != rows)
    keys.fail_with("vocab_size", std::to_string(*said),
                   "wanted the " + std::to_string(rows) + " rows of token_embd.weight");
  return static_cast<uint32_t>(rows);
}

void read_heads(const Keys& keys, Config& config) {
  config.heads = keys.needed("attention.head_count", 1, 1024);
  config.kv_heads =
      keys.checked("attention.head_count_kv",
                   keys.count("attention.head_count_kv").value_or(config.heads), 1, config.heads);
  if (config.heads % config.kv_heads != 0)
    fail(
        keys.subject(),
        std::to_string(config.heads) + " heads on " + std::to_string(config.kv_heads) + " KV heads",
        "wanted a multiple");
  const uint64_t head_dim =
      keys.count("attention.key_length").value_or(config.width / config.heads);
  config.head_dim = keys.checked("attention.key_length", head_dim, 2, 1024);
  if (config.head_dim % 2 != 0 ||
      keys.count("attention.value_length").value_or(head_dim) != head_dim)
    fail(keys.subject(), "head size " + std::to_string(head_dim),
         "wanted an even one, the same for keys and values");
  if (const uint64_t turned = keys.count("rope.dimension_count").value_or(head_dim);
      turned != head_dim)
    keys.fail_with("rope.dimension_count", std::to_string(turned),
                   "wanted the head size " + std::to_string(head_dim));
}

float read_epsilon(const Keys& keys) {
  const char* const key = "attention.layer_norm_rms_epsilon";
  const auto epsilon = keys.real(key);
  if (!epsilon || *epsilon <= 0 || *epsilon > 1e-2)
    keys.fail_with(key, "missing or out of range", "wanted 0 < epsilon <= 0.01");
  return static_cast<float>(*epsilon);
}

float read_score_scale(const Keys& keys, const Config& config) {
  constexpr double kLargest = 100;
  const char* const key = "attention.scale";
  if (const double scale = keys.real(key).value_or(0); scale != 0) {
    if (scale < 0 || scale > kLargest)
      keys.fail_with(key, std::to_string(scale), "wanted more than 0, at most 100");
    return static_cast<float>(scale);
  }
  const bool is_gemma3_27b =
      config.architecture->scores == ScoreScale::Gemma3 && config.layers == 62;
  const uint32_t size = is_gemma3_27b ? config.width / config.heads : config.head_dim;
  return 1.0f / std::sqrt(static_cast<float>(size));
}

// The pattern: a number n (every n-th layer sees everything) or one flag per layer (true: a
// window). Gemma 3's files may lack it.
std::vector<LayerSpan> read_groups(const Keys& keys, uint32_t layers) {
  constexpr uint64_t kUsualGroup = 6;
  const char* const key = "attention.sliding_window_pattern";
  std::vector<LayerSpan> spans;
  const GgufValue* value = keys.find(key);
  if (const auto* flags = value ? std::get_if<std::vector<bool>>(value) : nullptr) {
    if (flags->size() != layers)
      keys.fail_with(key, "a list of " + std::to_string(flags->size()),
                     "wanted one for each of " + std::to_string(layers) + " layers");
    for (const bool slides : *flags) spans.push_back(slides ? LayerSpan::Window : LayerSpan::All);
    return spans;
  }
  const uint32_t group = keys.checked(key, keys.count(key).value_or(kUsualGroup), 1, 1024);
  for (uint32_t layer = 0; layer < layers; ++layer)
    spans.push_back((layer + 1) % group == 0 ? LayerSpan::All : LayerSpan::Window);
  return spans;
}

void read_windows(const Keys& keys, Config& config) {
  const char* const key = "attention.sliding_window";
  config.spans.assign(config.layers, LayerSpan::All);
  config.sliding_rotary = config.rotary;
  switch (config.architecture->sliding) {
    case SlidingLayers::Refused:
      if (keys.count(key).value_or(0) != 0)
        keys.fail_with(key, std::to_string(*keys.count(key)), "wanted a model without it",
                       "this feature is not supported for this architecture");
      break;
    case SlidingLayers::All:
      config.window = keys.checked(key, keys.count(key).value_or(0), 0, kLongestContext);
      if (config.window != 0) config.spans.assign(config.layers, LayerSpan::Window);
      break;
    case SlidingLayers::Groups:
      config.window = keys.needed(key, 1, kLongestContext);
      config.spans = read_groups(keys, config.layers);
      config.sliding_rotary =
          read_sliding_rotary(keys, config.architecture->rotary, config.head_dim);
      break;
  }
}

}  // namespace

Config read_config(const Gguf& gguf) {
  Config config;
  config.architecture = &read_architecture(gguf);
  config.name = text_of(gguf, "general.name", "unnamed");
  const Keys keys(gguf, std::string(config.architecture->name));
  refuse_unsupported(keys, *config.architecture);
  refuse_parts(gguf);
  check_quantization(gguf);
  config.layers = keys.needed("block_count", 1, 1024);
  config.width = keys.needed("embedding_length", 1, 65536);
  config.hidden = keys.needed("feed_forward_length", 1, 1 << 20);
  config.context_length = keys.needed("context_length", 1, kLongestContext);
  read_heads(keys, config);
  config.vocabulary = vocabulary_of(keys);
  config.rms_epsilon = read_epsilon(keys);
  config.rotary =
      read_rotary(keys, config.architecture->rotary, config.head_dim, config.context_length);
  read_windows(keys, config);
  config.score_scale = read_score_scale(keys, config);
  if (config.architecture->embedding == EmbeddingScale::RootOfWidth)
    config.embedding_scale = std::sqrt(static_cast<float>(config.width));
  return config;
}

}  // namespace dendrokv
